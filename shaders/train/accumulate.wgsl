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
fn main(thread: Thread) {
  let i = linearIndex(thread);
  if (i >= params.vectors) {
    return;
  }
  sum[i] += gradient[i];
}
