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
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let cell = cellOf(params.level, linearIndex(group, groups, local));
  let plane = params.level.plane;
  let row = i32(assignment[cell.anchor]);
  let start = sideStart(cell.image, 0, cell.at, plane);
  if (row < 0) {
    for (var channel = 0; channel < 4 * BINS; channel++) { gradient[start + channel * plane] = 0.0; }
    anchorLosses[3 * cell.anchor] = 0.0;
    anchorLosses[3 * cell.anchor + 2] = 0.0;
    return;
  }
#for side in 0..4
  let start_$side = start + $side * BINS * plane;
  let part_$side = distributionOf(start_$side, plane);
#end
  let outward = vec4f(-1.0, -1.0, 1.0, 1.0);
  let means = vec4f(part_0.mean, part_1.mean, part_2.mean, part_3.mean);
  let aim = sidesOf(cell.image * params.level.rows + row) - cell.point.xyxy;
  let overlap = overlapOf(outward * means * params.level.stride, aim);
  let weight = targets[cell.anchor] / normaliser[0];
  let factor = f32(params.level.images) * scale[0];
  let boxSlope = -factor * params.gainBox * weight * params.level.stride * outward * overlap.slope;
  let share = 0.25 * params.gainDistribution * weight;
  let reach = clamp(outward * aim / params.level.stride, vec4f(0.0), vec4f(f32(BINS) - 1.01));
  var entropy = 0.0;
#for side in 0..4
  {
    let low = floor(reach[$side]);
    let high = reach[$side] - low;
    let below = i32(low);
    entropy += part_$side.peak + log(part_$side.mass) - (1.0 - high) * logits[start_$side + below * plane] -
      high * logits[start_$side + (below + 1) * plane];
    for (var bin = 0; bin < BINS; bin++) {
      let at = start_$side + bin * plane;
      let mass = exp(logits[at] - part_$side.peak) / part_$side.mass;
      let aimed = select(0.0, 1.0 - high, bin == below) + select(0.0, high, bin == below + 1);
      gradient[at] = boxSlope[$side] * mass * (f32(bin) - means[$side]) + factor * share * (mass - aimed);
    }
  }
#end
  anchorLosses[3 * cell.anchor] = params.gainBox * weight * (1.0 - overlap.value);
  anchorLosses[3 * cell.anchor + 2] = share * entropy;
}
