// Fourth of the detection loss: the target score of every anchor, and each image's sum of them and number of assigned anchors.
//
//   target = metric * greatest overlap of the box's anchors / greatest metric of the box's anchors
//
// Dispatch: a team (lib/team.wgsl) an image.
#include "lib/team.wgsl"
struct Params {
  images: i32,
  anchors: i32,
  rows: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> assignment: array<f32>;
@group(0) @binding(2) var<storage, read_write> alignment: array<vec2f>;
@group(0) @binding(3) var<storage, read_write> maxima: array<vec2f>;
@group(0) @binding(4) var<storage, read_write> targets: array<f32>;
@group(0) @binding(5) var<storage, read_write> imageTargets: array<vec2f>;

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let image = teamOf(thread, params.images);
  let member = memberOf(thread);
  var sum = vec4f(0.0);
  for (var i = member; i < params.anchors; i += TEAM) {
    let anchor = image * params.anchors + i;
    let row = i32(assignment[anchor]);
    var score = 0.0;
    if (row >= 0) {
      let greatest = maxima[image * params.rows + row];
      score = alignment[anchor].x * greatest.y / (greatest.x + 1e-9);
      sum += vec4f(score, 1.0, 0.0, 0.0);
    }
    targets[anchor] = score;
  }
  imageTargets[image] = combined(sum, member).xy;
}
