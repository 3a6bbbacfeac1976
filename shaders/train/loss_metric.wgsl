// How well an anchor is aligned with a box: score^alpha * overlap^beta (Feng et al. 2021). `boxes` is bound by whoever includes this.
#include "train/loss_boxes.wgsl"
#include "train/loss_overlap.wgsl"

// What a claim adds to an anchor's counter, besides the number of the box: see loss_claim.wgsl.
const CLAIM = 65536u;

fn isInside(point: vec2f, sides: vec4f) -> bool {
  let room = min(point - sides.xy, sides.zw - point);
  return min(room.x, room.y) > 1e-9;
}

fn metricOf(logit: f32, overlap: f32, alpha: f32, beta: f32) -> f32 {
  // No power of 0: some drivers take its logarithm.
  let score = max(1.0 / (1.0 + exp(-logit)), 1e-37);
  return select(0.0, pow(score, alpha) * pow(max(overlap, 1e-37), beta), overlap > 0.0);
}
