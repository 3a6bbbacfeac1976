// Last of the losses of detectors: the three losses of the batch, and the sum of the numbers from FIRST on of COUNTS of each image.
// Dispatch: one workgroup of one thread.
#include "lib/linear.wgsl"
#const COUNTS = 2
#const FIRST = 1
struct Params {
  images: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> imageLosses: array<f32>;
@group(0) @binding(2) var<storage, read_write> imageCounts: array<f32>;
@group(0) @binding(3) var<storage, read_write> losses: array<f32>;

@compute @workgroup_size(1)
fn main(@builtin(local_invocation_index) local: u32) {
  var sum = vec4f(0.0);
  for (var i = 0; i < uncounted(params.images, i32(local)); i++) {
    sum += vec4f(imageLosses[3 * i], imageLosses[3 * i + 1], imageLosses[3 * i + 2], 0.0);
#for c in FIRST..COUNTS
    sum.w += imageCounts[COUNTS * i + $c];
#end
  }
#for i in 0..4
  losses[$i] = sum[$i];
#end
}
