// Softmax along one axis of a plain tensor: y = exp(x - max) / sum of exp(x - max).
//
// Dispatch: a thread for every line along the axis (lib/linear.wgsl).
#include "lib/linear.wgsl"
struct Params {
  lines: i32,
  extent: i32,
  step: i32,            // from one element of a line to the next
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let line = min(linearIndex(thread), params.lines - 1);
  let outer = line / params.step;
  let first = outer * params.extent * params.step + line - outer * params.step;
  var most = x[first];
  for (var i = 1; i < params.extent; i++) {
    most = max(most, x[first + i * params.step]);
  }
  var sum = 0.0;
  for (var i = 0; i < params.extent; i++) {
    sum += exp(x[first + i * params.step] - most);
  }
  for (var i = 0; i < params.extent; i++) {
    y[first + i * params.step] = exp(x[first + i * params.step] - most) / sum;
  }
}
