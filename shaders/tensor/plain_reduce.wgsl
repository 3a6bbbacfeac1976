// Reduces axes of a plain tensor: the sum (MODE == sum, times `factor`, which makes it a mean) or the maximum.
//
//   y[i] = factor * sum over the reduced index r of x[i, r]
//
// `extents` and `steps` are of the axes that stay, `reducedExtents` and `reducedSteps` of the others, padded in front with ones.
// Dispatch: a thread an element of y (lib/walk.wgsl).
#const MODE = sum

#include "lib/walk.wgsl"
struct Params {
  extents: Axes,
  steps: Axes,
  reducedExtents: vec4i,
  reducedSteps: vec4i,
  size: i32,
  factor: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let element = min(linearIndex(thread), params.size - 1);
  let first = dotSteps(indexOf(element, params.extents), params.steps);
#if MODE == maximum
  var result = x[first];
#else
  var result = 0.0;
#end
  for (var i = 0; i < params.reducedExtents.x; i++) {
    for (var j = 0; j < params.reducedExtents.y; j++) {
      for (var k = 0; k < params.reducedExtents.z; k++) {
        let line = first + i * params.reducedSteps.x + j * params.reducedSteps.y + k * params.reducedSteps.z;
        // A long sum is kept exact by summing lines by themselves first.
#if MODE == maximum
        for (var l = 0; l < params.reducedExtents.w; l++) {
          result = max(result, x[line + l * params.reducedSteps.w]);
        }
#else
        var part = 0.0;
        for (var l = 0; l < params.reducedExtents.w; l++) {
          part += x[line + l * params.reducedSteps.w];
        }
        result += part;
#end
      }
    }
  }
#if MODE == maximum
  y[element] = result;
#else
  y[element] = result * params.factor;
#end
}
