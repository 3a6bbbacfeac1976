// Weights of WEIGHT_BITS, one, two or four, for the direct convolution (src/kernels/low_bit_weights.ts packs them). A word holds the levels of
// 4 input lanes x 4 output lanes of a tap, in two bits each, of two taps in one bit each, or of two input lanes x 4 output lanes in four bits each; word m of an input block begins with tap
// m * 2 / WEIGHT_BITS, counted through the output blocks. Groups of OUT_BLOCKS output blocks have rows by turns in two layers: the words
// of the input blocks, SHARING of them to a cell, then OUT_BLOCKS cells of biases and OUT_BLOCKS of scales.
#include "lib/int8_weights.wgsl" BINDING=BINDING
#const PER_WORD = 32 / WEIGHT_BITS
#const WORDS = (OUT_BLOCKS * K * K * WEIGHT_BITS + 1) / 2
#const CELLS = (WORDS + 3) / 4
#const SHARING = 1 + (WORDS <= 2) + 2 * (WORDS == 1)

// Four words from a column of the group's row on.
fn weightCell(column: i32, group: i32) -> vec4u {
  return weight8(column, group >> 1u, group & 1);
}

// Cells behind the words: biases, scales.
fn weightFloats(cell: i32, group: i32) -> vec4f {
  return bitcast<vec4f>(weightCell(params.weightColumns - 2 * OUT_BLOCKS + cell, group));
}

// The four levels of a word from number `first` on.
fn levels(word: u32, first: u32) -> vec4f {
#if WEIGHT_BITS == 4
  return vec4f(bitcast<vec4i>(vec4u(word) << (vec4u(28u, 24u, 20u, 16u) - 4u * first)) >> vec4u(28u));
#end
#if WEIGHT_BITS == 2
  return vec4f(bitcast<vec4i>(vec4u(word) << (vec4u(30u, 28u, 26u, 24u) - 2u * first)) >> vec4u(30u));
#end
#if WEIGHT_BITS == 1
  // The sign of 1.0.
  return bitcast<vec4f>(((vec4u(word) << (vec4u(31u, 30u, 29u, 28u) - first)) & vec4u(0x80000000u)) | vec4u(0x3f800000u));
#end
}
