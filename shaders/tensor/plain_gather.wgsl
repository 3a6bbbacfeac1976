// Elements of a plain tensor at the places along one axis that another has (GatherElements): y[i] = x[i with places[i] at the axis].
// Places below 0 are counted from the end; `stepsX` is 0 along the axis, whose step is `step`.
//
// Dispatch: a thread an element of y (lib/walk.wgsl).
#include "lib/walk.wgsl"
struct Params {
  extents: Axes,
  stepsX: Axes,
  size: i32,
  extent: i32,          // of x along the axis
  step: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> places: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let element = min(linearIndex(thread), params.size - 1);
  let index = indexOf(element, params.extents);
  let given = i32(places[element]);
  let place = clamp(select(given, given + params.extent, given < 0), 0, params.extent - 1);
  y[element] = x[dotSteps(index, params.stepsX) + place * params.step];
}
