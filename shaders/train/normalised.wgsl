// What the gradient of a normalisation computes anew instead of reading it: the normalised value, and the derivative of the activation
// behind it. Needs lib/activation.wgsl; FROM_INPUT == 0 where the derivative is computed from the activation's output.
#include "lib/derivative.wgsl"

struct Norm {
  mean: vec4f,
  inverse: vec4f,       // of the deviation
  scale: vec4f,
  bias: vec4f,
}

// That of a channel block, from the vectors mean, inverse and, where there is an activation, scale and bias (lib/vector.wgsl).
fn normOf(block: i32, channels: i32) -> Norm {
  var norm: Norm;
  norm.mean = mean4(block, channels);
  norm.inverse = inverse4(block, channels);
#if ACTIVATION != None
  norm.scale = scale4(block, channels);
  norm.bias = bias4(block, channels);
#end
  return norm;
}

// Before scale and bias.
fn normalised(x: vec4f, norm: Norm) -> vec4f {
  return (x - norm.mean) * norm.inverse;
}

// The derivative of the activation, for a normalised value.
fn derivativeAt(normal: vec4f, norm: Norm) -> vec4f {
#if ACTIVATION == None
  return vec4f(1.0);
#else
  let value = normal * norm.scale + norm.bias;
#if FROM_INPUT == 1
  return derivative(value, params.activationA, params.activationB);
#else
  return derivative(activate(value, params.activationA, params.activationB), params.activationA, params.activationB);
#end
#end
}
