// First of the detection loss: the box of every anchor of a level, and no claims on it yet.
//
//   predicted[image, anchor] = point -+ stride * distances to left, top, right, bottom
//
// `claims` are counters (see loss_claim.wgsl). Dispatch: a thread an anchor of the level.
#include "train/loss_cell.wgsl"
@group(0) @binding(0) var<uniform> params: Level;
@group(0) @binding(1) var<storage, read_write> logits: array<f32>;
@group(0) @binding(2) var<storage, read_write> predicted: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> claims: array<u32>;
#include "train/loss_distribution.wgsl"

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let index = linearIndex(thread);
  let cell = cellOf(params, index);
  let reach = distributionOf(cell.image, cell.at, params.plane, index).mean * params.stride;
  predicted[cell.anchor] = vec4f(cell.point - reach.xy, cell.point + reach.zw);
  claims[cell.anchor] = 0u;
}
