// Reduces each plane of row memory to one pixel: the sum (MODE == sum, times `factor`, which makes it a mean) or the maximum.
//
//   y[n,c,0,0] = factor * sum over v, u of x[n,c,v,u]
//
// Dispatch: one workgroup a plane, counted in one line.
#const MODE = sum
#const WORKGROUP = 64

#include "lib/linear.wgsl"
#include "lib/strip.wgsl"
struct Params {
  input: Blocked,
  output: Blocked,
  factor: f32,
  pitch: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
#include "lib/input.wgsl" NAME=x BINDING=1
#include "lib/output.wgsl" NAME=y BINDING=2

var<workgroup> partial: array<vec4f, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  // Workgroups beyond the last plane repeat it: a barrier must be reached by all or none.
  let plane = min(i32(group.y * groups.x + group.x), params.output.blocks * params.output.batch - 1);
  let source = planeOrigin(params.input, plane);
  let pixels = params.input.width * params.input.height;
#if MODE == maximum
  var result = load_x(source.x, source.y);
#else
  var result = vec4f(0.0);
#end
  for (var pixel = i32(local); pixel < pixels; pixel += WORKGROUP) {
    let y = divide(pixel, params.input.width);
    let value = load_x(source.x + pixel - y * params.input.width, source.y + y);
#if MODE == maximum
    result = max(result, value);
#else
    result += value;
#end
  }
  partial[local] = result;
  for (var half = u32(WORKGROUP) / 2u; half > 0u; half >>= 1u) {
    workgroupBarrier();
    if (local < half) {
#if MODE == maximum
      partial[local] = max(partial[local], partial[local + half]);
#else
      partial[local] += partial[local + half];
#end
    }
  }
  if (local == 0u) {
    let place = planeOrigin(params.output, plane);
    let block = divide(plane, params.output.batch);
    store_y(place.x, place.y, keepChannels(partial[0] * params.factor, params.output, block));
  }
}
