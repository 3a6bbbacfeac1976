// A walk over up to eight axes of plain tensors: splits the number of an element into an index along each of RANK axes, outermost
// first. An axis list is an `Axes`; entries past RANK are not looked at.
#include "lib/linear.wgsl"
#const RANK = 4

struct Axes {
  low: vec4i,
  high: vec4i,
}

// Index along each axis of a row-major tensor of the given extents.
fn indexOf(element: i32, extents: Axes) -> array<i32, RANK> {
  var index: array<i32, RANK>;
  var rest = element;
#for k in 1..RANK
#if RANK - k < 4
  index[$(RANK - k)] = rest % extents.low[$(RANK - k)];
  rest /= extents.low[$(RANK - k)];
#else
  index[$(RANK - k)] = rest % extents.high[$(RANK - k - 4)];
  rest /= extents.high[$(RANK - k - 4)];
#end
#end
  index[0] = rest;
  return index;
}

// Sum of index times step over the axes.
fn dotSteps(index: array<i32, RANK>, steps: Axes) -> i32 {
  var sum = 0;
#for k in 0..RANK
#if k < 4
  sum += index[$k] * steps.low[$k];
#else
  sum += index[$k] * steps.high[$(k - 4)];
#end
#end
  return sum;
}
