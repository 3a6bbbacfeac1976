// An activation function by its number KIND, called NAME; the numbers are those of `src/kernels/activation.ts`. `a` and `b` are the
// function's own parameters (slope, offset, bounds). For a second one beside that of lib/activation.wgsl, which has the helpers.
fn $NAME(x: vec4f, a: f32, b: f32) -> vec4f {
#if KIND == 0
  return x;
#end
#if KIND == 1
  return max(x, vec4f(0.0));
#end
#if KIND == 2
  return select(a * x, x, x >= vec4f(0.0));
#end
#if KIND == 3
  return sigmoid4(x);
#end
#if KIND == 4
  return x * sigmoid4(x);
#end
#if KIND == 5
  return clamp(a * x + b, vec4f(0.0), vec4f(1.0));
#end
#if KIND == 6
  return x * clamp(x / 6.0 + 0.5, vec4f(0.0), vec4f(1.0));
#end
#if KIND == 7
  return clamp(x, vec4f(a), vec4f(b));
#end
#if KIND == 8
  return tanh4(x);
#end
#if KIND == 9
  return exp(x);
#end
#if KIND == 10
  return log(x);
#end
#if KIND == 11
  return sqrt(x);
#end
#if KIND == 12
  return -x;
#end
#if KIND == 13
  // To i8 in steps of a around b and back, as QuantizeLinear and DequantizeLinear do; WGSL rounds halves to even.
  return (clamp(round(x / a) + b, vec4f(-128.0), vec4f(127.0)) - b) * a;
#end
}
