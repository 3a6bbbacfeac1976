// Reduces each plane of row memory to one pixel: the sum (COMBINE == sum, times `factor`, which makes it a mean) or the maximum.
//
//   y[n,c,0,0] = factor * sum over v, u of x[n,c,v,u]
//
// Dispatch: a team of threads a plane (lib/team.wgsl).
#include "lib/strip.wgsl"
#include "lib/team.wgsl"
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
  let plane = teamOf(thread, params.output.blocks * params.output.batch);
  let member = memberOf(thread);
  let source = planeOrigin(params.input, plane);
  let pixels = params.input.width * params.input.height;
#if COMBINE == maximum
  var result = load_x(source.x, source.y);
#else
  var result = vec4f(0.0);
#end
  for (var pixel = member; pixel < uncounted(pixels, i32(thread.local)); pixel += TEAM) {
    let y = divide(pixel, params.input.width);
    let value = load_x(source.x + pixel - y * params.input.width, source.y + y);
#if COMBINE == maximum
    result = max(result, value);
#else
    result += value;
#end
  }
  result = combined(result, member) * params.factor;
  if (member == 0) {
    let place = planeOrigin(params.output, plane);
    let block = divide(plane, params.output.batch);
    store_y(place.x, place.y, keepChannels(result, params.output, block));
  }
}
