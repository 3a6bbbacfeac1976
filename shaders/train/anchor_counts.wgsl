// Second of the loss of anchors: the matches of each image, level by level. Dispatch: a team (lib/team.wgsl) an image.
#include "lib/team.wgsl"
#const LEVELS = 3
struct Params {
  images: i32,
  predictors: i32,  // of an image
  first: vec4i,     // predictor of each level
  end: vec4i,       // behind its last one
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> matches: array<f32>;
@group(0) @binding(2) var<storage, read_write> imageMatches: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let image = teamOf(thread, params.images);
  let member = memberOf(thread);
  var sum = vec4f(0.0);
  for (var i = member; i < params.predictors; i += TEAM) {
    let isOf = (vec4i(i) >= params.first) & (vec4i(i) < params.end);
    sum += select(vec4f(0.0), vec4f(matches[image * params.predictors + i]), isOf);
  }
  let total = combined(sum, member);
#for l in 0..LEVELS
  imageMatches[LEVELS * image + $l] = total[$l];
#end
}
