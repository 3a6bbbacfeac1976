// Pads a plain tensor: y[i] = x[i - before], and outside of x `fill` (MODE == constant), the nearest element (edge) or the one
// mirrored at the edge (reflect).
//
// Dispatch: a thread an element of y (lib/walk.wgsl).
#const MODE = constant
#const RANK = 4

#include "lib/walk.wgsl"
struct Params {
  extents: Axes,        // of y
  extentsX: Axes,
  stepsX: Axes,
  before: Axes,
  size: i32,
  fill: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let element = min(linearIndex(thread), params.size - 1);
  var index = indexOf(element, params.extents);
  var inside = true;
#for k in 0..RANK
  {
#if k < 4
    let extent = params.extentsX.low[$k];
    let at = index[$k] - params.before.low[$k];
#else
    let extent = params.extentsX.high[$(k - 4)];
    let at = index[$k] - params.before.high[$(k - 4)];
#end
#if MODE == reflect
    let up = abs(at);
    index[$k] = select(up, 2 * (extent - 1) - up, up >= extent);
#else
    index[$k] = clamp(at, 0, extent - 1);
#end
#if MODE == constant
    inside = inside && at == index[$k];
#end
  }
#end
  y[element] = select(params.fill, x[dotSteps(index, params.stepsX)], inside);
}
