// counterNormal(seed, places, values): four normal numbers by a counter, as `src/numbers/counter_normal.ts` has them.
// Needs sine4 of lib/activation.wgsl: WGSL promises three digits of a cosine only.
fn scramble4(bits: vec4u) -> vec4u {
  let first = (bits ^ (bits >> vec4u(16u))) * 0x21f0aaadu;
  let second = (first ^ (first >> vec4u(15u))) * 0x735a2d97u;
  return second ^ (second >> vec4u(15u));
}

// `seed` is scrambled already; `places` count through a tensor; `values` are what their bits count of.
fn counterNormal(seed: i32, places: vec4i, values: vec4f) -> vec4f {
  let first = scramble4(bitcast<vec4u>(values) ^ scramble4(bitcast<vec4u>(places + vec4i(seed))));
  let second = scramble4(first + vec4u(0x9e3779b9u));
  let radius = sqrt(-2.0 * log(vec4f(first >> vec4u(8u)) * 5.9604645e-8 + 5.9604645e-8));
  return radius * sine4(vec4f(second >> vec4u(8u)) * 3.7450704e-7, 0.5);
}

// What a converter gives of analog numbers with noise on them, in steps of a scale each: see NoisyQuantize.
fn noisyQuantize(x: vec4f, scale: vec4f, places: vec4i) -> vec4f {
  var analog = x / scale;
#if NOISY == 1
  analog += params.sigma * counterNormal(params.seed, places, x);
#end
  return clamp(round(analog / params.step), vec4f(params.low), vec4f(params.high)) * params.step * scale;
}
