// Of the loss of anchors, for one level: the gradient of the map, the target of objectness and the three losses of each predictor.
//
//   box        = gainBox / normaliser * sum over matches of (1 - overlap)
//   objectness = gainObjectness * binary cross entropy of sigmoid(logit) with the target, the greatest overlap of the matches, at least 0
//   classes    = gainClasses / normaliser * sum over matches and classes of the binary cross entropy
//   gradient   = images * scale * slope of their sum along the logit
//
// With s a logit's sigmoid, the predictor's box lies around its cell's corner at 2 s - 0.5 and has sides (2 s)^2 * anchor, in cells.
// Gains hold what losses are divided by besides. OVERLAP is the box loss. Dispatch: a thread a predictor of the level.
#include "train/anchor_predictor.wgsl"
#include "train/loss_cross_entropy.wgsl"
#include "train/loss_overlap.wgsl"
@group(0) @binding(0) var<uniform> params: Level;
@group(0) @binding(1) var<storage, read_write> logits: array<f32>;
@group(0) @binding(2) var<storage, read_write> boxes: array<f32>;
@group(0) @binding(3) var<storage, read_write> matches: array<f32>;
@group(0) @binding(4) var<storage, read_write> normaliser: array<f32>;
@group(0) @binding(5) var<storage, read_write> scale: array<f32>;
@group(0) @binding(6) var<storage, read_write> gradient: array<f32>;
@group(0) @binding(7) var<storage, read_write> targets: array<f32>;
@group(0) @binding(8) var<storage, read_write> predictorLosses: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let index = linearIndex(thread);
  // What the threads of one predictor add up in its gradient must be added once.
  if (index >= params.images * ANCHORS * params.width * params.height) { return; }
  let predictor = predictorOf(params, index);
  let plane = params.width * params.height;
  let classes = predictor.at + 5 * plane;
  let factor = f32(params.images) * scale[0];
  for (var c = 0; c < uncounted(params.classes, index); c++) { gradient[classes + c * plane] = 0.0; }

  let start = predictor.at;
  let share = vec4f(
    sigmoidOf(logits[start]),
    sigmoidOf(logits[start + plane]),
    sigmoidOf(logits[start + 2 * plane]),
    sigmoidOf(logits[start + 3 * plane]),
  );
  let centre = 2.0 * share.xy - 0.5;
  let size = 4.0 * share.zw * share.zw * predictor.sides / params.stride;
  let box = vec4f(centre - 0.5 * size, centre + 0.5 * size);
  var slope = vec4f(0.0);
  var apart = 0.0;
  var surprise = 0.0;
  var most = 0.0;
  let weight = params.gainClasses / normaliser[params.index];
  let rows = select(0, params.rows, matches[predictor.number] > 0.0);
  for (var i = 0; i < uncounted(rows, index); i++) {
    let row = predictor.image * params.rows + i;
    if (learns(params, predictor, row)) {
      let overlap = overlapOf(box, sidesOf(row) / params.stride - predictor.cell.xyxy);
      apart += 1.0 - overlap.value;
      slope += overlap.slope;
      most = max(most, overlap.value);
      if (weight > 0.0) {
        let label = labelOf(row, params.classes);
        for (var c = 0; c < uncounted(params.classes, index); c++) {
          let at = classes + c * plane;
          let x = logits[at];
          let aim = select(0.0, 1.0, c == label);
          surprise += crossEntropyOf(x, aim);
          gradient[at] += factor * weight * (sigmoidOf(x) - aim);
        }
      }
    }
  }
  let gain = params.gainBox / normaliser[params.index];
  let moved = (slope.xy + slope.zw) * 2.0 * share.xy * (1.0 - share.xy);
  let grown = (slope.zw - slope.xy) * size * (1.0 - share.zw);
  let back = -factor * gain * vec4f(moved, grown);
#for i in 0..4
  gradient[start + $i * plane] = back[$i];
#end
  let x = logits[start + 4 * plane];
  gradient[start + 4 * plane] = factor * params.gainObjectness * (sigmoidOf(x) - most);
  targets[predictor.number] = most;
  predictorLosses[3 * predictor.number] = gain * apart;
  predictorLosses[3 * predictor.number + 1] = params.gainObjectness * crossEntropyOf(x, most);
  predictorLosses[3 * predictor.number + 2] = weight * surprise;
}
