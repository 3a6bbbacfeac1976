// Of the detection loss, for one level: the gradient of the class logits, and the class loss of each anchor.
//
//   classes  = gain / normaliser * sum over classes of the binary cross entropy of sigmoid(logit) with the target
//   gradient = images * scale * gain / normaliser * (sigmoid(logit) - target)
//
// The target is the anchor's target score in the class of its box, else 0. Dispatch: a thread an anchor of the level.
#include "train/loss_cell.wgsl"
#include "train/loss_cross_entropy.wgsl"
struct Params {
  level: Level,
  gain: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> logits: array<f32>;
@group(0) @binding(2) var<storage, read_write> boxes: array<f32>;
@group(0) @binding(3) var<storage, read_write> assignment: array<f32>;
@group(0) @binding(4) var<storage, read_write> targets: array<f32>;
@group(0) @binding(5) var<storage, read_write> normaliser: array<f32>;
@group(0) @binding(6) var<storage, read_write> scale: array<f32>;
@group(0) @binding(7) var<storage, read_write> gradient: array<f32>;
@group(0) @binding(8) var<storage, read_write> anchorLosses: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let index = linearIndex(thread);
  let cell = cellOf(params.level, index);
  let row = i32(assignment[cell.anchor]);
  var label = -1;
  if (row >= 0) { label = i32(boxes[5 * (cell.image * params.level.rows + row)]); }
  let score = targets[cell.anchor];
  let weight = params.gain / normaliser[0];
  let factor = f32(params.level.images) * scale[0] * weight;
  var loss = 0.0;
  for (var c = 0; c < uncounted(params.level.classes, index); c++) {
    let at = (cell.image * params.level.classes + c) * params.level.plane + cell.at;
    let x = logits[at];
    let aim = select(0.0, score, c == label);
    loss += crossEntropyOf(x, aim);
    gradient[at] = factor * (sigmoidOf(x) - aim);
  }
  anchorLosses[3 * cell.anchor + 1] = weight * loss;
}
