// y = activate(a OP b) over plain row-major tensors with broadcasting.
//
// The axes of y are merged where all operands allow it (src/kernels/strided.ts); steps are 0 along broadcast axes. SAME == 1: b is a.
// OP is that of lib/operation.wgsl.
// Dispatch: a thread an element of y (lib/linear.wgsl).
#const SAME = 0

#include "lib/walk.wgsl"
struct Params {
  extents: Axes,
  stepsA: Axes,
  stepsB: Axes,
  size: i32,
  activationA: f32,
  activationB: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> a: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
#if SAME == 0
@group(0) @binding(3) var<storage, read_write> b: array<f32>;
#end
#include "lib/operation.wgsl" TYPE=f32
#include "lib/activation.wgsl"

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let element = min(linearIndex(thread), params.size - 1);
  let index = indexOf(element, params.extents);
  let left = a[dotSteps(index, params.stepsA)];
#if SAME == 1
  let right = left;
#else
  let right = b[dotSteps(index, params.stepsB)];
#end
  y[element] = activate(vec4f(operate(left, right)), params.activationA, params.activationB).x;
}
