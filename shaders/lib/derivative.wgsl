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
}
