/**
 * Weights without their blocks of zeros, as the direct convolution reads them with `SPARSE` (`shaders/conv/direct.wgsl`).
 *
 * A block is four outputs by four inputs with all taps. The packed weights are a list of rows of `4 * taps + 1` cells, `LIST_ROWS` of them
 * in a layer of memory: first a row for each output block, whose first cell holds the biases and whose second the place of the first of its
 * entries and their number; then the entries, each the weights of a block that is not zero, ((tap * 4) + input lane) a cell, and behind them
 * the number of the input block. Whole numbers are pairs of digits to the base 1024, the low one first.
 *
 * @module
 */

import type { WeightPacking } from "./conv_packing.ts";
import type { PackedWeights } from "./kernel.ts";

/** Rows in a layer: what every adapter allows a texture, and more. */
export const LIST_ROWS = 2048;

const outBlocksOf = ({ outputs }: WeightPacking) => Math.ceil(outputs / 4);

/** True where some weight of a block is not zero. */
function hasWeights(packing: WeightPacking, data: Float32Array, outBlock: number, inBlock: number): boolean {
  const { outputs, inputsPerGroup, taps, lead, steps } = packing;
  const firstInput = Math.max(0, 4 * inBlock - lead), lastInput = Math.min(inputsPerGroup, 4 * inBlock + 4 - lead);
  for (let o = 4 * outBlock; o < Math.min(outputs, 4 * outBlock + 4); o++) {
    for (let c = firstInput; c < lastInput; c++) {
      const from = o * steps.output + c * steps.input;
      for (let t = 0; t < taps; t++) if (data[from + t] !== 0) return true;
    }
  }
  return false;
}

/** Share of the blocks of a dense packing of one output block a layer in which some weight is not zero. */
export function shareOfBlocks(packing: WeightPacking, data: Float32Array): number {
  const outBlocks = outBlocksOf(packing);
  let left = 0;
  for (let o = 0; o < outBlocks; o++) {
    for (let i = 0; i < packing.inBlocks; i++) if (hasWeights(packing, data, o, i)) left++;
  }
  return left / (outBlocks * packing.inBlocks);
}

/** Packs the blocks that are not zero as the module's header says. */
export function packBlocks(
  packing: WeightPacking,
  { weight: { data }, bias }: { readonly weight: { readonly data: Float32Array }; readonly bias?: Float32Array },
): PackedWeights {
  const { outputs, inputsPerGroup, taps, inBlocks, lead, steps, flip } = packing;
  const outBlocks = outBlocksOf(packing), columns = 4 * taps + 1;
  const lists = Array.from(
    { length: outBlocks },
    (_, o) => Array.from({ length: inBlocks }, (_, i) => i).filter((i) => hasWeights(packing, data, o, i)),
  );
  const all = outBlocks + lists.reduce((sum, list) => sum + list.length, 0);
  const rows = Math.min(all, LIST_ROWS), layers = Math.ceil(all / LIST_ROWS);
  const pack = () => {
    const packed = new Float32Array(4 * columns * rows * layers);
    const write = (row: number, column: number, numbers: readonly number[]) =>
      packed.set(numbers, 4 * (row * columns + column));
    const digits = (n: number) => [n % 1024, Math.floor(n / 1024)];
    let row = outBlocks;
    lists.forEach((list, o) => {
      const lanes = [0, 1, 2, 3].map((lane) => 4 * o + lane);
      write(o, 0, lanes.map((output) => bias?.[output] ?? 0));
      write(o, 1, [...digits(row), ...digits(list.length)]);
      for (const block of list) {
        for (let lane = 0; lane < 4; lane++) {
          const c = 4 * block + lane - lead;
          if (c < 0 || c >= inputsPerGroup) continue;
          for (let t = 0; t < taps; t++) {
            const from = c * steps.input + (flip ? taps - 1 - t : t);
            write(row, 4 * t + lane, lanes.map((o) => o < outputs ? data[o * steps.output + from] : 0));
          }
        }
        write(row, 4 * taps, digits(block));
        row++;
      }
    });
    return packed;
  };
  return { columns, rows, layers, pack };
}
