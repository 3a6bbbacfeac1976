// Of the detection loss: the three losses of each image, summed over its anchors. Dispatch: a team (lib/team.wgsl) an image.
#include "lib/team.wgsl"
struct Params {
  images: i32,
  anchors: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> anchorLosses: array<f32>;
@group(0) @binding(2) var<storage, read_write> imageLosses: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let image = teamOf(thread, params.images);
  let member = memberOf(thread);
  var sum = vec4f(0.0);
  for (var i = member; i < params.anchors; i += TEAM) {
    let at = 3 * (image * params.anchors + i);
    sum += vec4f(anchorLosses[at], anchorLosses[at + 1], anchorLosses[at + 2], 0.0);
  }
  let total = combined(sum, member);
#for i in 0..3
  imageLosses[3 * image + $i] = total[$i];
#end
}
