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

#include "lib/activate.wgsl" NAME=activate KIND=ACTIVATION
