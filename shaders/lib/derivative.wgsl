// The derivative of an activation by its number ACTIVATION (see lib/activate.wgsl), called derivative(value, a, b): `value` is the
// activation's input for LeakyRelu (2), Silu (4) and HardSwish (6), else its output. At a kink it is 0, but 1 for LeakyRelu.
// Needs lib/activation.wgsl.
fn derivative(value: vec4f, a: f32, b: f32) -> vec4f {
#if ACTIVATION == 0
  return vec4f(1.0);
#end
#if ACTIVATION == 1
  return select(vec4f(0.0), vec4f(1.0), value > vec4f(0.0));
#end
#if ACTIVATION == 2
  return select(vec4f(1.0), vec4f(a), value < vec4f(0.0));
#end
#if ACTIVATION == 3
  return value * (1.0 - value);
#end
#if ACTIVATION == 4
  let gate = sigmoid4(value);
  return gate * (1.0 + value * (1.0 - gate));
#end
#if ACTIVATION == 5
  return select(vec4f(0.0), vec4f(a), (value > vec4f(0.0)) & (value < vec4f(1.0)));
#end
#if ACTIVATION == 6
  let inner = (2.0 * value + 3.0) / 6.0;
  return select(select(inner, vec4f(1.0), value >= vec4f(3.0)), vec4f(0.0), value <= vec4f(-3.0));
#end
#if ACTIVATION == 7
  return select(vec4f(0.0), vec4f(1.0), (value > vec4f(a)) & (value < vec4f(b)));
#end
#if ACTIVATION == 8
  return 1.0 - value * value;
#end
}
