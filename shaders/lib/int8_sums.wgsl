// How sums of products of bytes are computed; Sums is a sum of four output channels. ARITHMETIC also says how weights are packed:
//   f32       in f32, exact while every sum stays below 2^24, which the host has checked; a word an input, its bytes the outputs
//   dot       by packed dot products; a word an output, its bytes the inputs
//   emulated  in 32-bit integers; a word an input, its bytes the outputs. Inputs count from -128 up (the host takes what that adds off
//             the bias): compilers that see factors without a sign find shorter instructions for their products.
#const ARITHMETIC = f32

#include "lib/int8.wgsl"
#if ARITHMETIC == f32
alias Sums = vec4f;
#else
alias Sums = vec4i;
#end

// Four bytes of the input as factors.
fn inputs4(bytes: u32) -> Sums {
#if ARITHMETIC == emulated
  return bitcast<vec4i>((vec4u(bytes ^ 0x80808080u) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u));
#else
  return Sums(unpack8(bytes));
#end
}
