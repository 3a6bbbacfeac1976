// derivative(value, a, b): the derivative of the operator ACTIVATION (see lib/activate.wgsl). `value` is its input or its output, as its row
// in `src/graph/unary.ts` says. At a kink the derivative is 0, but 1 for LeakyRelu.
// Needs lib/activation.wgsl.
fn derivative(value: vec4f, a: f32, b: f32) -> vec4f {
#if ACTIVATION == None
  return vec4f(1.0);
#end
#if ACTIVATION == Relu
  return select(vec4f(0.0), vec4f(1.0), value > vec4f(0.0));
#end
#if ACTIVATION == LeakyRelu
  return select(vec4f(1.0), vec4f(a), value < vec4f(0.0));
#end
#if ACTIVATION == Sigmoid
  return value * (1.0 - value);
#end
#if ACTIVATION == Silu
  let gate = sigmoid4(value);
  return gate * (1.0 + value * (1.0 - gate));
#end
#if ACTIVATION == HardSigmoid
  return select(vec4f(0.0), vec4f(a), (value > vec4f(0.0)) & (value < vec4f(1.0)));
#end
#if ACTIVATION == HardSwish
  let inner = (2.0 * value + 3.0) / 6.0;
  return select(select(inner, vec4f(1.0), value >= vec4f(3.0)), vec4f(0.0), value <= vec4f(-3.0));
#end
#if ACTIVATION == Mish
  return mishGate4(value) + value * (1.0 - mishGate4(value) * mishGate4(value)) * sigmoid4(value);
#end
#if ACTIVATION == Clip
  return select(vec4f(0.0), vec4f(1.0), (value > vec4f(a)) & (value < vec4f(b)));
#end
#if ACTIVATION == Tanh
  return 1.0 - value * value;
#end
#if ACTIVATION == Atan
  return 1.0 / (1.0 + value * value);
#end
#if ACTIVATION == Softplus
  return sigmoid4(value);
#end
#if ACTIVATION == Elu
  return select(vec4f(1.0), a * exp(value), value < vec4f(0.0));
#end
#if ACTIVATION == Gelu
  return 0.5 * (1.0 + erf4(0.70710678 * value)) + 0.39894228 * value * exp(-0.5 * value * value);
#end
#if ACTIVATION == Erf
  return 1.1283792 * exp(-value * value);
#end
#if ACTIVATION == Sin
  return sine4(value, 0.5);
#end
#if ACTIVATION == Cos
  return -sine4(value, 0.0);
#end
#if ACTIVATION == Abs
  return sign(value);
#end
#if ACTIVATION == Sign || ACTIVATION == Floor || ACTIVATION == Ceil || ACTIVATION == Round
  return vec4f(0.0);
#end
}
