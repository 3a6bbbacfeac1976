// y = clamp(round((x / scale[c] + sigma * noise) / step), low, high) * step * scale[c] over plain row-major tensors `[N,C,...]`; noise by
// lib/counter_normal.wgsl.
//
// `scales` holds those of all channels. Dispatch: a thread for every four elements (lib/linear.wgsl).
#const NOISY = 1

#include "lib/linear.wgsl"
struct Params {
  size: i32,
  channels: i32,
  plane: i32,           // elements of one channel of one image
  step: f32,
  low: f32,
  high: f32,
  sigma: f32,
  seed: i32,            // scrambled
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> scales: array<f32>;
#include "lib/activation.wgsl"
#include "lib/counter_normal.wgsl"

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let first = 4 * linearIndex(thread);
  let last = params.size - 1;
#for l in 0..4
  let at_$l = min(first + $l, last);
  let c_$l = at_$l / params.plane % params.channels;
#end
  let value = vec4f(x[at_0], x[at_1], x[at_2], x[at_3]);
  let scale = vec4f(scales[c_0], scales[c_1], scales[c_2], scales[c_3]);
  let result = noisyQuantize(value, scale, vec4i(at_0, at_1, at_2, at_3));
  // Beyond the end all lanes stand for the last element, and all hold its result.
#for l in 0..4
  y[at_$l] = result[$l];
#end
}
