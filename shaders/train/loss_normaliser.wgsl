// Of the losses of detectors: what they are divided by, the sums over all images of the first RESULTS of COUNTS numbers, at least 1 each.
// Dispatch: one workgroup of one thread.
#include "lib/linear.wgsl"
#const COUNTS = 2
#const RESULTS = 1
struct Params {
  images: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> imageCounts: array<f32>;
@group(0) @binding(2) var<storage, read_write> normaliser: array<f32>;

@compute @workgroup_size(1)
fn main(@builtin(local_invocation_index) local: u32) {
#for r in 0..RESULTS
  var sum_$r = 0.0;
#end
  for (var i = 0; i < uncounted(params.images, i32(local)); i++) {
#for r in 0..RESULTS
    sum_$r += imageCounts[COUNTS * i + $r];
#end
  }
#for r in 0..RESULTS
  normaliser[$r] = max(sum_$r, 1.0);
#end
}
