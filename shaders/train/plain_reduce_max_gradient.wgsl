// Gradient of the maximum over axes of a plain tensor: elements that equal it share its gradient evenly, the others have none.
//
// `extents` and `steps` are of the axes that stay, `reducedExtents` and `reducedSteps` of the others, padded in front with ones, both over
// x and dx. Dispatch: a thread an element of dy (lib/walk.wgsl).
#include "lib/walk.wgsl"
struct Params {
  extents: Axes,
  steps: Axes,
  reducedExtents: vec4i,
  reducedSteps: vec4i,
  size: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let element = min(linearIndex(thread), params.size - 1);
  let first = dotSteps(indexOf(element, params.extents), params.steps);
  var greatest = x[first];
  var count = 0.0;
  var share = 0.0;
  // Once to find the greatest and how often it is there, once more to hand its gradient on.
  for (var turn = 0; turn < 2; turn++) {
    for (var i = 0; i < params.reducedExtents.x; i++) {
      for (var j = 0; j < params.reducedExtents.y; j++) {
        for (var k = 0; k < params.reducedExtents.z; k++) {
          let line = first + i * params.reducedSteps.x + j * params.reducedSteps.y + k * params.reducedSteps.z;
          for (var l = 0; l < params.reducedExtents.w; l++) {
            let at = line + l * params.reducedSteps.w;
            let value = x[at];
            if (turn == 0) {
              count = select(select(count, count + 1.0, value == greatest), 1.0, value > greatest);
              greatest = max(greatest, value);
            } else {
              dx[at] = select(0.0, share, value == greatest);
            }
          }
        }
      }
    }
    share = dy[element] / max(count, 1.0);
  }
}
