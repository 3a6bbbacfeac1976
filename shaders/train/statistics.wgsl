// Running statistics, which lie flat, after a batch (MODE == take) and after an update (MODE == average).
//
//   take: current = next, where next is finite: one bad batch does not spoil them for good
//   average: current += rate * (next - current), unless `state` (train/gradient_norm_total.wgsl) says that the update is skipped
//
// Dispatch: a thread an element (lib/linear.wgsl).
#const MODE = take

#include "lib/linear.wgsl"
struct Params {
  size: i32,
  rate: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
#if MODE == take
@group(0) @binding(1) var<storage, read_write> next: array<u32>;
@group(0) @binding(2) var<storage, read_write> current: array<u32>;
#else
@group(0) @binding(1) var<storage, read_write> next: array<f32>;
@group(0) @binding(2) var<storage, read_write> current: array<f32>;
@group(0) @binding(3) var<storage, read_write> state: array<vec4f, 2>;
#end

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let i = linearIndex(thread);
  if (i >= params.size) {
    return;
  }
#if MODE == take
  let words = next[i];
  if ((words & 0x7f800000u) != 0x7f800000u) {
    current[i] = words;
  }
#else
  if (state[0].y > 0.0) {
    return;
  }
  let mean = current[i];
  current[i] = mean + params.rate * (next[i] - mean);
#end
}
