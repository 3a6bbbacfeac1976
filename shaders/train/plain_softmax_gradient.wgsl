// Gradient of Softmax along one axis of a plain tensor, from its output: dx = y * (dy - sum of y * dy).
//
// Dispatch: a thread for every line along the axis (lib/linear.wgsl).
#include "lib/linear.wgsl"
struct Params {
  lines: i32,
  extent: i32,
  step: i32,            // from one element of a line to the next
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let line = min(linearIndex(thread), params.lines - 1);
  let outer = line / params.step;
  let first = outer * params.extent * params.step + line - outer * params.step;
  var sum = 0.0;
  for (var i = 0; i < params.extent; i++) {
    sum += y[first + i * params.step] * dy[first + i * params.step];
  }
  for (var i = 0; i < params.extent; i++) {
    let at = first + i * params.step;
    dx[at] = y[at] * (dy[at] - sum);
  }
}
