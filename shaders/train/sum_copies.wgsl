// Adds up the copies of a plain tensor that lie one behind the other: y[e] = sum_k copies[k * size + e], always in the same order.
//
// Dispatch: a thread for every element.
#const WORKGROUP = 64

#include "lib/linear.wgsl"
struct Params {
  size: i32,
  count: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> copies: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linearIndex(group, groups, local);
  let element = min(index, params.size - 1);
  var sum = 0.0;
  for (var k = 0; k < uncounted(params.count, element); k++) {
    sum += copies[k * params.size + element];
  }
  if (index < params.size) {
    y[element] = sum;
  }
}
