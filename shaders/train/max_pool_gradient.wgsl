// Gradient of the maximum over windows, over row memory: dx[p] is the sum of dy over the windows in which p is the first greatest element,
// by rows. What lies outside of the image is in no window.
//
// Each pixel looks at the windows that hold it, so that sums have a fixed order and nothing but dx is written. Layouts: x and dx
// `[N,C,H,W]`, dy `[N,C,H',W']`. Dispatch: a thread a pixel of dx (lib/strip.wgsl).
#const STRIP = 1

#include "lib/strip.wgsl"
struct Params {
  input: Blocked,
  gradient: Blocked,
  output: Blocked,
  kernel: vec2i,        // x, y; so the others
  stride: vec2i,
  pad: vec2i,
  dilation: vec2i,
  pitch: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
#include "lib/input.wgsl" NAME=x BINDING=1 TENSOR=input
#include "lib/input.wgsl" NAME=dy BINDING=2 TENSOR=gradient
#include "lib/output.wgsl" NAME=dx BINDING=3 TENSOR=output

// The window in which a coordinate is the tap at `tap`, -1 where there is none.
fn windowOf(coordinate: i32, tap: i32, stride: i32, count: i32) -> i32 {
  let start = coordinate - tap;
  let window = divide(max(start, 0), stride);
  return select(-1, window, start >= 0 && window * stride == start && window < count);
}

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let local = i32(thread.local);
  let strip = stripOf(params.output, thread);
  let source = planeOrigin(params.input, strip.plane);
  let gradient = planeOrigin(params.gradient, strip.plane);
  let mine = load_x(source.x + strip.x, source.y + strip.y);
  var sum = vec4f(0.0);
  for (var i = 0; i < uncounted(params.kernel.y, local); i++) {
    let v = windowOf(strip.y + params.pad.y, i * params.dilation.y, params.stride.y, params.gradient.height);
    for (var j = 0; j < uncounted(params.kernel.x, local); j++) {
      let u = windowOf(strip.x + params.pad.x, j * params.dilation.x, params.stride.x, params.gradient.width);
      if (u < 0 || v < 0) {
        continue;
      }
      var beaten = vec4<bool>(false);
      for (var k = 0; k < uncounted(params.kernel.y, local); k++) {
        let y = v * params.stride.y - params.pad.y + k * params.dilation.y;
        let insideY = y >= 0 && y < params.input.height;
        for (var l = 0; l < uncounted(params.kernel.x, local); l++) {
          let x = u * params.stride.x - params.pad.x + l * params.dilation.x;
          if (insideY && x >= 0 && x < params.input.width) {
            let other = load_x(source.x + x, source.y + y);
            let earlier = k < i || (k == i && l < j);
            beaten = beaten | (other > mine) | ((other == mine) & vec4<bool>(earlier));
          }
        }
      }
      sum += select(load_dy(gradient.x + u, gradient.y + v), vec4f(0.0), beaten);
    }
  }
  let place = planeOrigin(params.output, strip.plane);
  store_dx(place.x + strip.x, place.y + strip.y, keepChannels(sum, params.output, strip.block));
}
