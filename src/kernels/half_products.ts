/**
 * Weights of convolutions whose products are computed and summed up in f16, up to 32 of them at a time (`HALF` in
 * `shaders/conv/direct.wgsl`). They are divided by a power of two of each output channel, so that the weights of such a sum are together
 * one half at most: the sum is then at most half of the greatest input, which f16 holds, whatever the input is. Powers of two change no digit
 * of a weight that f16 holds.
 *
 * @module
 */

import { packedExtent, packOnHost, type WeightPacking } from "./conv_packing.ts";
import type { ConvStep } from "./conv_step.ts";
import type { PackedWeights } from "./kernel.ts";

/** Taps, of four input channels each, whose products are summed up in f16; the shader's `HALF_TAPS` and `HALF_BLOCKS` follow from it. */
const TAPS = 8;

/** Exponents of powers of two that f16 holds. */
const LEAST = -14, MOST = 15;

/** The number of a weight's sum: taps of a block of inputs, or blocks whose taps are few. */
function partOf(block: number, tap: number, taps: number): number {
  const blocks = Math.floor(TAPS / taps);
  return blocks > 1 ? Math.floor(block / blocks) : 2 * block + (tap < TAPS ? 0 : 1);
}

/** For each output channel of a dense packing the power of two that its weights are divided by. */
export function halfScales(packing: WeightPacking, data: Float32Array): Float32Array<ArrayBuffer> {
  const { outputs, inputsPerGroup, taps, lead, steps } = packing;
  return Float32Array.from({ length: outputs }, (_, output) => {
    const sums = new Map<number, number>();
    for (let input = 0; input < inputsPerGroup; input++) {
      for (let tap = 0; tap < taps; tap++) {
        // The shader counts taps of transposed weights backwards.
        const weight = data[output * steps.output + input * steps.input + (packing.flip ? taps - 1 - tap : tap)];
        const part = partOf(lead + input >> 2, tap, taps);
        sums.set(part, (sums.get(part) ?? 0) + Math.abs(weight));
      }
    }
    const greatest = Math.max(...sums.values());
    return greatest === 0 ? 1 : 2 ** Math.min(Math.max(Math.ceil(Math.log2(greatest)) + 1, LEAST), MOST);
  });
}

/** The packed weights of such a convolution, a cell of scales behind that of the biases for each output block. */
export function packForHalves(
  packing: WeightPacking,
  { weight, bias }: Pick<ConvStep, "weight" | "bias">,
): PackedWeights {
  const { outBlocks, outputs, inBlocks, inputsPerGroup, taps, steps } = packing,
    { columns, rows } = packedExtent(packing);
  return {
    ...packedExtent(packing),
    pack() {
      const scales = halfScales(packing, weight.data), data = weight.data.slice();
      for (let output = 0; output < outputs; output++) {
        for (let input = 0; input < inputsPerGroup; input++) {
          const first = output * steps.output + input * steps.input;
          for (let tap = 0; tap < taps; tap++) data[first + tap] /= scales[output];
        }
      }
      const packed = packOnHost(packing, { weight: { shape: weight.shape, data }, bias }).pack();
      scales.forEach((scale, output) => {
        const layer = Math.floor(output / (4 * outBlocks)), block = (output >> 2) % outBlocks;
        packed[4 * ((layer * rows + inBlocks) * columns + outBlocks + block) + (output & 3)] = scale;
      });
      return packed;
    },
  };
}
