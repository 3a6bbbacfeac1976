// dx = dy * the derivative of ACTIVATION at `value` (lib/derivative.wgsl), over plain tensors of one shape.
//
// Dispatch: a thread for every four elements (lib/linear.wgsl).
#include "lib/linear.wgsl"
struct Params {
  size: i32,
  activationA: f32,
  activationB: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> values: array<f32>;
@group(0) @binding(2) var<storage, read_write> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;
#include "lib/activation.wgsl"
#include "lib/derivative.wgsl"

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let first = 4 * linearIndex(thread);
  let last = params.size - 1;
#for l in 0..4
  let at_$l = min(first + $l, last);
#end
  let value = vec4f(values[at_0], values[at_1], values[at_2], values[at_3]);
  let gradient = vec4f(dy[at_0], dy[at_1], dy[at_2], dy[at_3]);
  let result = gradient * derivative(value, params.activationA, params.activationB);
  // Beyond the end all lanes stand for the last element, and all hold its result.
#for l in 0..4
  dx[at_$l] = result[$l];
#end
}
