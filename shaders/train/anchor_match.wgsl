// First of the loss of anchors, for one level: how many boxes every predictor learns. Dispatch: a thread a predictor of the level.
#include "train/anchor_predictor.wgsl"
@group(0) @binding(0) var<uniform> params: Level;
@group(0) @binding(1) var<storage, read_write> boxes: array<f32>;
@group(0) @binding(2) var<storage, read_write> matches: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let index = linearIndex(thread);
  let predictor = predictorOf(params, index);
  var count = 0.0;
  for (var row = 0; row < uncounted(params.rows, index); row++) {
    count += select(0.0, 1.0, learns(params, predictor, predictor.image * params.rows + row));
  }
  matches[predictor.number] = count;
}
