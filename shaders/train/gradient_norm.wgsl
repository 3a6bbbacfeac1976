// Squares of a flat gradient, summed in parts whose bounds depend on nothing but the size: sums are the same in every run.
//
//   partials[t] = (sum of (factor * g)^2 over finite g, number of g that are not finite), over the vectors t, t + PARTS, ...
//
// The gradient is read as words, since shaders may take it for granted that floats are finite. Dispatch: PARTS threads
// (lib/linear.wgsl); train/gradient_norm_total.wgsl adds the parts.
#const PARTS = 4096

#include "lib/linear.wgsl"
struct Params {
  vectors: i32,         // four elements each
  factor: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> gradient: array<vec4u>;
@group(0) @binding(2) var<storage, read_write> partials: array<vec2f>;

const EXPONENT = 0x7f800000u;

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let part = linearIndex(thread);
  var squares = vec4f();
  var broken = vec4f();
  for (var i = part; i < uncounted(params.vectors, part); i += PARTS) {
    let words = gradient[i];
    let whole = (words & vec4u(EXPONENT)) != vec4u(EXPONENT);
    let values = params.factor * bitcast<vec4f>(select(vec4u(), words, whole));
    squares += values * values;
    broken += select(vec4f(1.0), vec4f(), whole);
  }
  partials[part] = vec2f(dot(squares, vec4f(1.0)), dot(broken, vec4f(1.0)));
}
