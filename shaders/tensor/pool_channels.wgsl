// Reduces the channels of row memory to one: the sum (times `factor`, which makes it a mean) or the maximum.
//
//   y[n,0,v,u] = factor * sum over c of x[n,c,v,u]
//
// COMBINE is sum or maximum. Dispatch: a thread for every strip of STRIP pixels of y (lib/strip.wgsl).
#const COMBINE = sum

#include "lib/strip.wgsl"
struct Params {
  input: Blocked,
  output: Blocked,
  factor: f32,
  pitch: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
#include "lib/input.wgsl" NAME=x BINDING=1 TENSOR=input
#include "lib/output.wgsl" NAME=y BINDING=2 TENSOR=output

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let strip = stripOf(params.output, thread);
  let place = planeOrigin(params.output, strip.plane);
#if COMBINE == maximum
  let neutral = vec4f(-3.4e38);
#else
  let neutral = vec4f(0.0);
#end
#for p in 0..STRIP
  let x_$p = min(strip.x + $p, params.input.width - 1);
  var result_$p = neutral;
#end
  for (var block = 0; block < uncounted(params.input.blocks, i32(thread.local)); block++) {
    let source = planeOrigin(params.input, block * params.input.batch + strip.image);
    let counts = vec4i(0, 1, 2, 3) < vec4i(params.input.channels - 4 * block);
#for p in 0..STRIP
    {
      let value = select(neutral, load_x(source.x + x_$p, source.y + strip.y), counts);
#if COMBINE == maximum
      result_$p = max(result_$p, value);
#else
      result_$p += value;
#end
    }
#end
  }
#for p in 0..STRIP
  if (strip.x + $p < params.output.width) {
#if COMBINE == maximum
    let half = max(result_$p.xy, result_$p.zw);
    let result = max(half.x, half.y);
#else
    let half = result_$p.xy + result_$p.zw;
    let result = (half.x + half.y) * params.factor;
#end
    store_y(place.x + strip.x + $p, place.y + strip.y, vec4f(result, 0.0, 0.0, 0.0));
  }
#end
}
