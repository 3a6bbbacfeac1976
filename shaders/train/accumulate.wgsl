// Adds a flat gradient to the sum of those before it: sum += gradient.
//
// Dispatch: a thread for every four elements (lib/linear.wgsl).
#include "lib/linear.wgsl"
struct Params {
  vectors: i32,         // four elements each
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> gradient: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> sum: array<vec4f>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linearIndex(group, groups, local);
  if (i >= params.vectors) {
    return;
  }
  sum[i] += gradient[i];
}
