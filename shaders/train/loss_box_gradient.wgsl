// Of the detection loss, for one level: the gradient of the box logits, and the box and distribution losses of each anchor.
//
//   box          = gainBox * target / normaliser * (1 - overlap)
//   distribution = gainDistribution * target / normaliser * mean over sides of the cross entropy with the two bins around the distance
//   gradient     = images * scale * slope of their sum along the logit
//
// OVERLAP is the box loss; boxes lie around the anchor's point here, where small ones lose no digits. Dispatch: a thread an anchor of the
// level.
#include "train/loss_cell.wgsl"
struct Params {
  level: Level,
  gainBox: f32,
  gainDistribution: f32,
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
#include "train/loss_distribution.wgsl"
#include "train/loss_metric.wgsl"

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let index = linearIndex(thread);
  let cell = cellOf(params.level, index);
  let plane = params.level.plane;
  let row = i32(assignment[cell.anchor]);
  if (row < 0) {
    let start = sideStart(cell.image, 0, cell.at, plane);
    for (var channel = 0; channel < uncounted(4 * BINS, index); channel++) { gradient[start + channel * plane] = 0.0; }
    anchorLosses[3 * cell.anchor] = 0.0;
    anchorLosses[3 * cell.anchor + 2] = 0.0;
    return;
  }
  let distances = distributionOf(cell.image, cell.at, plane, index);
  let outward = vec4f(-1.0, -1.0, 1.0, 1.0);
  let goal = sidesOf(cell.image * params.level.rows + row) - cell.point.xyxy;
  let overlap = overlapOf(outward * distances.mean * params.level.stride, goal);
  let weight = targets[cell.anchor] / normaliser[0];
  let factor = f32(params.level.images) * scale[0];
  let boxSlope = -factor * params.gainBox * weight * params.level.stride * outward * overlap.slope;
  let share = 0.25 * params.gainDistribution * weight;
  let reach = clamp(outward * goal / params.level.stride, vec4f(0.0), vec4f(f32(BINS) - 1.01));
  let below = floor(reach);
  var entropy = 0.0;
  for (var side = 0; side < uncounted(4, index); side++) {
    let start = sideStart(cell.image, side, cell.at, plane);
    let peak = distances.peak[side];
    let mass = distances.mass[side];
    let mean = distances.mean[side];
    let low = i32(below[side]);
    let high = reach[side] - below[side];
    entropy += peak + log(mass) - (1.0 - high) * logits[start + low * plane] - high * logits[start + (low + 1) * plane];
    for (var bin = 0; bin < uncounted(BINS, index); bin++) {
      let at = start + bin * plane;
      let held = exp(logits[at] - peak) / mass;
      let aimed = select(0.0, 1.0 - high, bin == low) + select(0.0, high, bin == low + 1);
      gradient[at] = boxSlope[side] * held * (f32(bin) - mean) + factor * share * (held - aimed);
    }
  }
  anchorLosses[3 * cell.anchor] = params.gainBox * weight * (1.0 - overlap.value);
  anchorLosses[3 * cell.anchor + 2] = share * entropy;
}
