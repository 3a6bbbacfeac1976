// The greatest elements of every line of a plain tensor, sorted, and their places (TopK). An element goes to the place that is its rank:
// the number of elements before it. SIGN -1 looks for the least.
//
// Dispatch: a thread an element of x (lib/linear.wgsl).
#const SIGN = 1

#include "lib/linear.wgsl"
struct Params {
  size: i32,
  extent: i32,
  step: i32,            // from one element of a line to the next
  k: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> values: array<f32>;
@group(0) @binding(3) var<storage, read_write> places: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let element = min(linearIndex(thread), params.size - 1);
  let row = element / params.step;
  let outer = row / params.extent;
  let inner = element - row * params.step;
  let place = row - outer * params.extent;
  let first = outer * params.extent * params.step + inner;
  let own = x[element];
  let key = own * f32(SIGN);
  var rank = 0;
  let end = uncounted(params.extent, element);
  for (var i = 0; i < end; i++) {
    let other = x[first + i * params.step] * f32(SIGN);
    rank += select(0, 1, other > key || (other == key && i < place));
  }
  if (rank < params.k) {
    let slot = (outer * params.k + rank) * params.step + inner;
    values[slot] = own;
    places[slot] = f32(place);
  }
}
