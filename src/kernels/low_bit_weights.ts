/**
 * Weights of one, two or four bits as the direct convolution reads them: found from the numbers alone, so that it does not matter where they
 * come from, and packed into words (`shaders/lib/low_bit_weights.wgsl`).
 *
 * In every output channel the weights are levels -7 to 7 (four bits), -1, 0, 1 (two bits) or -1, 1 (one bit) times a scale of that channel.
 * A word holds the levels of 4 inputs x 4 outputs of one tap as fields of two bits in two's complement, those of two inputs as fields of
 * four bits, or those of two taps as sign bits; within the sixteen, outputs come next to one another. The words of an input block, outputs before taps, fill cells of four; blocks of one or two
 * words share a cell. The cells of all input blocks of a group of outputs lie in a row, behind them biases and then scales as the bits
 * of f32, a cell an output block; the rows of group 2r and 2r + 1 are row r of the two layers.
 *
 * @module
 */

import type { WeightBits } from "../graph/packed_weights.ts";
import type { WeightPacking } from "./conv_packing.ts";
import type { PackedInt8Weights } from "./kernel.ts";

/** Levels of weights: how many bits hold one, and what they are multiplied by. */
export interface WeightLevels {
  /** 4 where a channel has several magnitudes; else 2 where a level is 0 or where spare lanes of a block need one, 1 otherwise. */
  readonly bits: WeightBits;
  /** A scale for each output channel; 0 where all of its weights are. */
  readonly scales: Float32Array;
}

/** Most cells in a row: what every adapter allows a texture, which is made no power of two wide. */
const MOST_COLUMNS = 8191;

/** Shows the index of each weight, output by output, with what it belongs to, until one is refused; true if none is. */
function forEachWeight(
  { outputs, inputsPerGroup, taps, steps, flip }: WeightPacking,
  see: (index: number, output: number, input: number, tap: number) => boolean,
): boolean {
  for (let o = 0; o < outputs; o++) {
    for (let c = 0; c < inputsPerGroup; c++) {
      const from = o * steps.output + c * steps.input;
      for (let t = 0; t < taps; t++) {
        if (!see(from + (flip ? taps - 1 - t : t), o, c, t)) return false;
      }
    }
  }
  return true;
}

/** The greatest level. */
const MOST = 7;

/** What rounding may do to a multiple of a scale in f32, and to one whose channel was multiplied by a number since, relatively. */
const ROUNDING = 2 ** -22;

/** The scale of which magnitudes are multiples by whole numbers up to `MOST`, the greatest there is; undefined if there is none. */
function commonScale(magnitudes: readonly number[]): number | undefined {
  const greatest = magnitudes.reduce((most, each) => Math.max(most, each), 0);
  for (let level = magnitudes.length; level <= MOST; level++) {
    const scale = greatest / level;
    const isMultiple = (each: number) => {
      const nearest = Math.round(each / scale);
      return nearest > 0 && Math.abs(nearest * scale - each) <= ROUNDING * each;
    };
    if (magnitudes.every(isMultiple)) return Math.fround(scale);
  }
  return undefined;
}

/**
 * The levels of the weights of a dense packing, or undefined where the weights of some channel are no such levels: the first weight of more
 * magnitudes than there are levels, or one that is not finite, ends the search.
 */
export function levelsOf(packing: WeightPacking, data: Float32Array): WeightLevels | undefined {
  const zeros = new Uint8Array(packing.outputs);
  const magnitudes = Array.from({ length: packing.outputs }, (): number[] => []);
  const agree = forEachWeight(packing, (index, o) => {
    const magnitude = Math.abs(data[index]), known = magnitudes[o];
    if (magnitude === 0) zeros[o] = 1;
    else if (known.includes(magnitude)) return true;
    else known.push(magnitude);
    return known.length <= MOST && magnitude < Infinity;
  });
  if (!agree) return undefined;
  const found = magnitudes.map((known) => known.length === 0 ? 0 : commonScale(known));
  if (found.includes(undefined)) return undefined;
  const scales = Float32Array.from(found as number[]);
  // Channels of zeros only are so by their scale. Lanes of a block that are no input of the convolution need a level of zero.
  const spare = packing.lead !== 0 || packing.inputsPerGroup % 4 !== 0;
  const signs = !spare && scales.every((scale, o) => scale === 0 || zeros[o] === 0);
  const bits = magnitudes.some(({ length }) => length > 1) ? 4 : signs ? 1 : 2;
  return lowBitExtent(packing, bits).columns > MOST_COLUMNS ? undefined : { bits, scales };
}

/** Words of an input block, cells that hold them, and input blocks that share a cell. */
function blockExtent({ outBlocks, taps }: WeightPacking, bits: number) {
  const words = Math.ceil(outBlocks * taps * bits / 2);
  return { words, cells: Math.ceil(words / 4), sharing: words === 1 ? 4 : words === 2 ? 2 : 1 };
}

function lowBitExtent(packing: WeightPacking, bits: number) {
  const { cells, sharing } = blockExtent(packing, bits);
  const { inBlocks, outBlocks, outputs } = packing;
  const groups = Math.ceil(outputs / (4 * outBlocks));
  return { columns: Math.ceil(inBlocks / sharing) * cells + 2 * outBlocks, rows: Math.ceil(groups / 2), layers: 2 };
}

/** Packs levels, biases and scales as the module's header says. */
export function packLowBit(
  packing: WeightPacking,
  { bits, scales }: WeightLevels,
  { weight, bias }: { readonly weight: { readonly data: Float32Array }; readonly bias?: Float32Array },
): PackedInt8Weights {
  const extent = lowBitExtent(packing, bits);
  const { columns, rows, layers } = extent;
  const { words: wordsOfBlock, cells, sharing } = blockExtent(packing, bits);
  const { outputs, outBlocks, taps, lead } = packing;
  const pack = () => {
    const words = new Uint32Array(4 * columns * rows * layers);
    const floats = new Float32Array(words.buffer);
    const rowOf = (o: number) => {
      const group = Math.floor(o / (4 * outBlocks));
      return ((group & 1) * rows + (group >> 1)) * columns;
    };
    forEachWeight(packing, (index, o, c, t) => {
      const level = scales[o] === 0 ? 0 : Math.round(weight.data[index] / scales[o]);
      const field = bits === 1 ? Number(level < 0) : level & 2 ** bits - 1;
      const input = lead + c, block = input >> 2;
      const place = 16 * ((o >> 2) % outBlocks * taps + t) + 4 * (input & 3) + (o & 3);
      const cell = rowOf(o) + Math.floor(block / sharing) * cells;
      const word = block % sharing * wordsOfBlock + (place * bits >> 5);
      words[4 * cell + word] |= field << (place * bits & 31);
      return true;
    });
    for (let o = 0; o < outputs; o++) {
      const at = 4 * (rowOf(o) + columns - 2 * outBlocks + (o >> 2) % outBlocks) + (o & 3);
      if (bias) floats[at] = bias[o];
      floats[at + 4 * outBlocks] = scales[o];
    }
    return words;
  };
  return { ...extent, pack };
}
