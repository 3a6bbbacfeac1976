// Strided copy between plain tensors: y[offsetY + sum of index * stepsY] = x[offsetX + sum of index * stepsX].
//
// Dispatch: a thread an element of the copied block, whose extents are `extents` (lib/walk.wgsl).
#include "lib/walk.wgsl"
struct Params {
  extents: Axes,
  stepsX: Axes,
  stepsY: Axes,
  size: i32,
  offsetX: i32,
  offsetY: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let element = min(linearIndex(thread), params.size - 1);
  let index = indexOf(element, params.extents);
  y[params.offsetY + dotSteps(index, params.stepsY)] = x[params.offsetX + dotSteps(index, params.stepsX)];
}
