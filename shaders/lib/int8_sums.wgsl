// How sums of products of bytes are computed; what a sum of four output channels is. ARITHMETIC also says how weights are packed:
//   f32       in f32, exact while every sum stays below 2^24, which the host has checked; a word an input, its bytes the outputs
//   dot       by packed dot products; a word an output, its bytes the inputs
//   emulated  in 32-bit integers; a word an input, its bytes the outputs
#const ARITHMETIC = f32

#include "lib/int8.wgsl"
#if ARITHMETIC == f32
alias Sums = vec4f;
#else
alias Sums = vec4i;
#end
