// y = activate(x), or y = activate(x * scale[c] + shift[c]) with AFFINE == 1, over plain row-major tensors `[N,C,...]`.
//
// `affine` holds the scales of all channels, then their shifts. Dispatch: a thread for every four elements (lib/linear.wgsl).
#const AFFINE = 0

#include "lib/linear.wgsl"
struct Params {
  size: i32,
  channels: i32,
  plane: i32,           // elements of one channel of one image
  activationA: f32,
  activationB: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
#if AFFINE == 1
@group(0) @binding(3) var<storage, read_write> affine: array<f32>;
#end
#include "lib/activation.wgsl"

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let first = 4 * linearIndex(thread);
  let last = params.size - 1;
#for l in 0..4
  let at_$l = min(first + $l, last);
#if AFFINE == 1
  let c_$l = at_$l / params.plane % params.channels;
#end
#end
  let value = vec4f(x[at_0], x[at_1], x[at_2], x[at_3]);
#if AFFINE == 1
  let scale = vec4f(affine[c_0], affine[c_1], affine[c_2], affine[c_3]);
  let shift = vec4f(affine[params.channels + c_0], affine[params.channels + c_1], affine[params.channels + c_2], affine[params.channels + c_3]);
  let result = activate(value * scale + shift, params.activationA, params.activationB);
#else
  let result = activate(value, params.activationA, params.activationB);
#end
  // Beyond the end all lanes stand for the last element, and all hold its result.
#for l in 0..4
  y[at_$l] = result[$l];
#end
}
