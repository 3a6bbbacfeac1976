// What is left of numbers in a type of whole numbers, over plain tensors: the fraction is dropped, and where the type has `values`
// numbers from `low` on, what lies outside wraps around.
//
//   y = trunc(x) - values * floor((trunc(x) - low) / values)
//
// Dispatch: a thread an element (lib/linear.wgsl).
#const WRAPS = 0

#include "lib/linear.wgsl"
struct Params {
  size: i32,
  low: f32,
  values: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let element = min(linearIndex(thread), params.size - 1);
  let whole = trunc(x[element]);
#if WRAPS == 1
  y[element] = whole - params.values * floor((whole - params.low) / params.values);
#else
  y[element] = whole;
#end
}
