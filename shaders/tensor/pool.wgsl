// Pooling over row memory: the maximum or the mean of each window.
//
//   y[n,c,v,u] = MODE over i < kernel.y, j < kernel.x of x[n,c, v*stride.y - pad.y + i*dilation.y, u*stride.x - ...]
//
// What lies outside the image counts for neither. The mean divides by the elements inside or, where `countPad` is 1, by the
// window's part inside the padded image (`limit` is where that ends). MODE is maximum or average.
// Dispatch: a thread for every strip of STRIP pixels of y (lib/strip.wgsl).
#const MODE = maximum

#include "lib/strip.wgsl"
struct Params {
  input: Blocked,
  output: Blocked,
  kernel: vec2i,        // x, y; so the others
  stride: vec2i,
  pad: vec2i,
  dilation: vec2i,
  limit: vec2i,
  countPad: i32,
  pitch: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
#include "lib/input.wgsl" NAME=x BINDING=1 TENSOR=input
#include "lib/output.wgsl" NAME=y BINDING=2 TENSOR=output

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let strip = stripOf(params.output, thread);
  let source = planeOrigin(params.input, strip.plane);
  let place = planeOrigin(params.output, strip.plane);
  let top = strip.y * params.stride.y - params.pad.y;
#for p in 0..STRIP
  let left_$p = (strip.x + $p) * params.stride.x - params.pad.x;
#if MODE == maximum
  var result_$p = vec4f(-3.4e38);
#else
  var result_$p = vec4f(0.0);
  var count_$p = 0.0;
#end
#end
  for (var i = 0; i < params.kernel.y; i++) {
    let y = top + i * params.dilation.y;
    let clampedY = clamp(y, 0, params.input.height - 1);
    for (var j = 0; j < params.kernel.x; j++) {
#for p in 0..STRIP
      {
        let x = left_$p + j * params.dilation.x;
        let clampedX = clamp(x, 0, params.input.width - 1);
        let inside = x == clampedX && y == clampedY;
        let value = load_x(source.x + clampedX, source.y + clampedY);
#if MODE == maximum
        result_$p = select(result_$p, max(result_$p, value), inside);
#else
        result_$p += select(vec4f(0.0), value, inside);
        count_$p += select(0.0, 1.0, inside);
#end
      }
#end
    }
  }
#for p in 0..STRIP
  if (strip.x + $p < params.output.width) {
#if MODE == average
    let padded = (min(vec2i(left_$p, top) + params.kernel, params.limit) - vec2i(left_$p, top));
    result_$p /= select(max(count_$p, 1.0), f32(padded.x * padded.y), params.countPad == 1);
#end
    store_y(place.x + strip.x + $p, place.y + strip.y, keepChannels(result_$p, params.output, strip.block));
  }
#end
}
