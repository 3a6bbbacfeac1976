// One update of a model's parameters, which lie flat, and of their moving average. With g the summed gradient times `factor`, times
// clipNorm / norm where the norm is greater:
//
//   METHOD == sgd (Nesterov's momentum, Sutskever et al. 2013, in the form of PyTorch):
//     g += decay * p,  m = momentum * m + g,  p -= rate * (g + momentum * m)
//   METHOD == adamw (Loshchilov and Hutter 2019):
//     p -= rate * decay * p,  m = momentum * m + (1 - momentum) * g,  v = second * v + (1 - second) * g^2
//     p -= rate * (m / c1) / (sqrt(v / c2) + epsilon)
//   average += averageRate * (p - average)
//
// The groups lie one behind the other, weights first, of which alone decay takes. `state` is train/gradient_norm_total.wgsl's;
// where it counts an element that is not finite, nothing changes. Dispatch: a thread for every four elements (lib/linear.wgsl).
#const METHOD = sgd

#include "lib/linear.wgsl"
struct Params {
  vectors: i32,         // four elements each
  weightsEnd: i32,      // in vectors
  biasesEnd: i32,
  factor: f32,
  clipNorm: f32,
  weightRate: f32,
  biasRate: f32,
  normRate: f32,
  decay: f32,
  momentum: f32,
  averageRate: f32,
  firstRate: f32,       // 1 - momentum, rounded from more digits
  second: f32,
  secondRate: f32,      // 1 - second
  epsilon: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> state: array<vec4f, 2>;
@group(0) @binding(2) var<storage, read_write> gradient: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> parameters: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> average: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> first: array<vec4f>;
#if METHOD == adamw
@group(0) @binding(6) var<storage, read_write> moment: array<vec4f>;
#end

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let i = linearIndex(thread);
  let known = state[0];
  if (i >= params.vectors || known.y > 0.0) {
    return;
  }
  let rate = select(select(params.normRate, params.biasRate, i < params.biasesEnd), params.weightRate, i < params.weightsEnd);
  let decay = select(0.0, params.decay, i < params.weightsEnd);
  let scale = params.factor * select(1.0, params.clipNorm / known.x, known.x > params.clipNorm);
  let before = parameters[i];
#if METHOD == sgd
  let g = scale * gradient[i] + decay * before;
  let m = params.momentum * first[i] + g;
  let after = before - rate * (g + params.momentum * m);
#end
#if METHOD == adamw
  let g = scale * gradient[i];
  let m = params.momentum * first[i] + params.firstRate * g;
  let v = params.second * moment[i] + params.secondRate * g * g;
  moment[i] = v;
  let after = (1.0 - rate * decay) * before - (rate / known.z) * m / (sqrt(v / known.w) + params.epsilon);
#end
  first[i] = m;
  parameters[i] = after;
  let mean = average[i];
  average[i] = mean + params.averageRate * (after - mean);
}
