// Adds up the copies of a plain tensor that lie one behind the other, `each` of them at a time, always in the same order:
//
//   y[g * size + e] = sum_k copies[k * size + e], over g * each <= k < min((g + 1) * each, count)
//
// Dispatch: a thread for every element of y.
#const WORKGROUP = 64

#include "lib/linear.wgsl"
struct Params {
  size: i32,
  count: i32,           // of copies
  each: i32,
  sums: i32,            // count / each, rounded up
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> copies: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let index = linearIndex(thread);
  let place = min(index, params.size * params.sums - 1);
  let part = divide(place, params.size);
  let element = place - part * params.size;
  let first = part * params.each;
  var sum = 0.0;
  for (var k = first; k < uncounted(min(first + params.each, params.count), element); k++) {
    sum += copies[k * params.size + element];
  }
  if (index == place) {
    y[place] = sum;
  }
}
