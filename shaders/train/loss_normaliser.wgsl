// Fifth of the detection loss: what losses are divided by, the sum of the target scores of all images, at least 1.
// Dispatch: one workgroup of one thread.
#include "lib/linear.wgsl"
struct Params {
  images: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> imageTargets: array<vec2f>;
@group(0) @binding(2) var<storage, read_write> normaliser: array<f32>;

@compute @workgroup_size(1)
fn main(@builtin(local_invocation_index) local: u32) {
  var sum = 0.0;
  for (var i = 0; i < uncounted(params.images, i32(local)); i++) { sum += imageTargets[i].x; }
  normaliser[0] = max(sum, 1.0);
}
