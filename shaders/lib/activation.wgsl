// Activation functions by number; the numbers are those of `src/kernels/activation.ts`. `a` and `b` are the function's own
// parameters (slope, offset, bounds). The number is a constant: software adapters run every case of a switch, for every store.
#const ACTIVATION = 0

fn sigmoid4(x: vec4f) -> vec4f {
  return 1.0 / (1.0 + exp(-x));
}

// tanh from one exponential of a non-positive number: no overflow at either end, unlike some drivers' own.
fn tanh4(x: vec4f) -> vec4f {
  let e = exp(-2.0 * abs(x));
  return sign(x) * (1.0 - e) / (1.0 + e);
}

fn activate(x: vec4f, a: f32, b: f32) -> vec4f {
#if ACTIVATION == 0
  return x;
#end
#if ACTIVATION == 1
  return max(x, vec4f(0.0));
#end
#if ACTIVATION == 2
  return select(a * x, x, x >= vec4f(0.0));
#end
#if ACTIVATION == 3
  return sigmoid4(x);
#end
#if ACTIVATION == 4
  return x * sigmoid4(x);
#end
#if ACTIVATION == 5
  return clamp(a * x + b, vec4f(0.0), vec4f(1.0));
#end
#if ACTIVATION == 6
  return x * clamp(x / 6.0 + 0.5, vec4f(0.0), vec4f(1.0));
#end
#if ACTIVATION == 7
  return clamp(x, vec4f(a), vec4f(b));
#end
#if ACTIVATION == 8
  return tanh4(x);
#end
#if ACTIVATION == 9
  return exp(x);
#end
#if ACTIVATION == 10
  return log(x);
#end
#if ACTIVATION == 11
  return sqrt(x);
#end
#if ACTIVATION == 12
  return -x;
#end
}
