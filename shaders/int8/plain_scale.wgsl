// Between floats and whole numbers, over plain row-major tensors; whole numbers are held as floats, too.
//
//   DIRECTION == quantize:    y = clamp(round(x / scale) + zeroPoint, low, high), halves to even
//   DIRECTION == dequantize:  y = (x - zeroPoint) * scale
//
// There is one scale and zero point, or one for each of `count` indices along an axis with `inner` elements between neighbours.
// Dispatch: a thread an element (lib/linear.wgsl).
#const DIRECTION = quantize

#include "lib/linear.wgsl"
struct Params {
  size: i32,
  inner: i32,
  count: i32,
  low: f32,
  high: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> scales: array<f32>;
@group(0) @binding(3) var<storage, read_write> zeroPoints: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let element = min(linearIndex(thread), params.size - 1);
  let index = element / params.inner % params.count;
#if DIRECTION == quantize
  y[element] = clamp(round(x[element] / scales[index]) + zeroPoints[index], params.low, params.high);
#else
  y[element] = (x[element] - zeroPoints[index]) * scales[index];
#end
}
