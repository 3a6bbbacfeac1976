// An activation function, called NAME: that of the operator KIND, a row of `src/graph/unary.ts` whose attributes are `a` and `b`; None and
// FakeQuantize besides. For a second function beside that of lib/activation.wgsl, which has the helpers.
fn $NAME(x: vec4f, a: f32, b: f32) -> vec4f {
#if KIND == None
  return x;
#end
#if KIND == Relu
  return max(x, vec4f(0.0));
#end
#if KIND == LeakyRelu
  return select(a * x, x, x >= vec4f(0.0));
#end
#if KIND == Sigmoid
  return sigmoid4(x);
#end
#if KIND == Silu
  return x * sigmoid4(x);
#end
#if KIND == HardSigmoid
  return clamp(a * x + b, vec4f(0.0), vec4f(1.0));
#end
#if KIND == HardSwish
  return x * clamp(x / 6.0 + 0.5, vec4f(0.0), vec4f(1.0));
#end
#if KIND == Mish
  return x * mishGate4(x);
#end
#if KIND == Clip
  return clamp(x, vec4f(a), vec4f(b));
#end
#if KIND == Tanh
  return tanh4(x);
#end
#if KIND == Atan
  return atan(x);
#end
#if KIND == Softplus
  return max(x, vec4f(0.0)) + log(1.0 + exp(-abs(x)));
#end
#if KIND == Exp
  return exp(x);
#end
#if KIND == Log
  return log(x);
#end
#if KIND == Sqrt
  return sqrt(x);
#end
#if KIND == Neg
  return -x;
#end
#if KIND == Elu
  return select(a * (exp(min(x, vec4f(0.0))) - 1.0), x, x >= vec4f(0.0));
#end
#if KIND == Gelu
  return 0.5 * x * (1.0 + erf4(0.70710678 * x));
#end
#if KIND == Erf
  return erf4(x);
#end
#if KIND == Sin
  return sine4(x, 0.0);
#end
#if KIND == Cos
  return sine4(x, 0.5);
#end
#if KIND == Abs
  return abs(x);
#end
#if KIND == Sign
  return sign(x);
#end
#if KIND == Floor
  return floor(x);
#end
#if KIND == Ceil
  return ceil(x);
#end
#if KIND == Round
  return round(x);
#end
#if KIND == FakeQuantize
  // To i8 in steps of a around b and back, as QuantizeLinear and DequantizeLinear do; WGSL rounds halves to even.
  return (clamp(round(x / a) + b, vec4f(-128.0), vec4f(127.0)) - b) * a;
#end
}
