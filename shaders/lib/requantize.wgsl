// What follows a sum of products of bytes before it is stored: storeSum(sum, scale, ...), where `scale` makes the sums of four output
// channels real numbers.
//
// LINEAR == 1: the output has int8 cells and the activation is a clamp, which lies in the output's `low` and `high`; `scale` has the
// output's own scale divided out. So a byte is one product, one rounding and one sum, the same on every adapter.
// Otherwise activation and residual are those of lib/epilogue.wgsl, and the output has int8 cells or others.
#const LINEAR = 0

#include "lib/epilogue.wgsl"

fn storeSum(sum: vec4f, scale: vec4f, place: vec2i, residualOrigin: vec2i, x: i32, y: i32) {
#if LINEAR == 1
  let steps = round(sum * scale) + params.output.zero;
  let bytes = clamp(steps, vec4f(params.output.low), vec4f(params.output.high));
  store8_y(place.x + x, place.y + y, pack8(vec4i(bytes)));
#else
  store_y(place.x + x, place.y + y, finish(sum * scale, residualOrigin, x, y));
#end
}
