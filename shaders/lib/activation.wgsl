// activate(x, a, b): the activation of a kernel's result. Its name (see lib/activate.wgsl) is a constant: software adapters run every case
// of a switch, for every store.
#const ACTIVATION = None

fn sigmoid4(x: vec4f) -> vec4f {
  return 1.0 / (1.0 + exp(-x));
}

// tanh from one exponential of a non-positive number: no overflow at either end, unlike some drivers' own.
fn tanh4(x: vec4f) -> vec4f {
  let e = exp(-2.0 * abs(x));
  return sign(x) * (1.0 - e) / (1.0 + e);
}

// tanh(log(1 + exp(x))) from one exponential, which above 20 changes nothing more.
fn mishGate4(x: vec4f) -> vec4f {
  let e = exp(min(x, vec4f(20.0)));
  let n = e * (e + 2.0);
  return n / (n + 2.0);
}

// The error function to 2e-7 (Abramowitz and Stegun 1964, formula 7.1.26).
fn erf4(x: vec4f) -> vec4f {
  let t = 1.0 / (1.0 + 0.3275911 * abs(x));
  let p = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return sign(x) * (1.0 - p * exp(-x * x));
}

// sin(x + turn * pi) for turn 0 or 1/2. WGSL promises three digits; here x is brought to -pi/2..pi/2 with pi in three parts, and a
// polynomial of degree 11 does the rest.
fn sine4(x: vec4f, turn: f32) -> vec4f {
  let n = round(x * 0.31830989 + turn);
  let k = n - turn;
  let r = ((x - k * 3.140625) - k * 9.67502594e-4) - k * 1.50995799e-7;
  let q = r * r;
  let p = q * (-0.16666667 + q * (8.3333333e-3 + q * (-1.9841270e-4 + q * (2.7557319e-6 - q * 2.5052108e-8))));
  return select(r + r * p, -(r + r * p), floor(n * 0.5) * 2.0 != n);
}

#include "lib/activate.wgsl" NAME=activate KIND=ACTIVATION
