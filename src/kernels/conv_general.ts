/**
 * Every convolution and transposed convolution: simple loops, for what has no kernel of its own. Shader:
 * `shaders/conv/general.wgsl`.
 *
 * @module
 */

import type { ConvStep } from "./conv_direct.ts";
import { convBindings, epilogueConstants, epilogueParameters } from "./conv_step.ts";
import { blocked, blocksOf, i32, type Kernel, type PackedWeights, vec2i } from "./kernel.ts";
import { linearGroups, stripsOf } from "./linear.ts";

/** How groups lie in the channels. */
export interface Grouping {
  readonly inputsPerGroup: number;
  readonly outputsPerGroup: number;
  /** Input blocks that an output block runs over. */
  readonly inBlocks: number;
  /** The first of them. */
  readonly firstBlock: (outBlock: number) => number;
}

/** The grouping of a convolution. */
export function groupingOf(step: Pick<ConvStep, "attributes" | "x" | "y">): Grouping {
  const { groups } = step.attributes;
  const inputs = step.x.layout.channels, outputs = step.y.layout.channels;
  const inputsPerGroup = inputs / groups, outputsPerGroup = outputs / groups;
  const wanted = (outBlock: number) => Math.floor(4 * outBlock / outputsPerGroup) * inputsPerGroup >> 2;
  let inBlocks = 1;
  for (let block = 0; block < blocksOf(step.y.layout); block++) {
    const lastGroup = Math.floor(Math.min(4 * block + 3, outputs - 1) / outputsPerGroup);
    const lastInput = (lastGroup + 1) * inputsPerGroup - 1;
    inBlocks = Math.max(inBlocks, (lastInput >> 2) - wanted(block) + 1);
  }
  // The run of the last output blocks is moved back so that it ends within the input.
  const latest = blocksOf(step.x.layout) - inBlocks;
  return { inputsPerGroup, outputsPerGroup, inBlocks, firstBlock: (outBlock) => Math.min(wanted(outBlock), latest) };
}

/** Packs weights and biases as the shader's header says; `at(o, c, t)` is the weight of output `o` and its group's input `c`. */
function packWeights(
  step: ConvStep,
  grouping: Grouping,
  at: (o: number, c: number, t: number) => number,
): PackedWeights {
  const [kh, kw] = step.weight.shape.slice(2);
  const taps = kh * kw;
  const { inputsPerGroup, outputsPerGroup, inBlocks, firstBlock } = grouping;
  const columns = 4 * taps, rows = inBlocks + 1, layers = blocksOf(step.y.layout);
  const pack = () => {
    const packed = new Float32Array(4 * columns * rows * layers);
    for (let o = 0; o < step.y.layout.channels; o++) {
      const layer = o >> 2;
      const firstInput = Math.floor(o / outputsPerGroup) * inputsPerGroup - 4 * firstBlock(layer);
      for (let c = 0; c < inputsPerGroup; c++) {
        const input = firstInput + c;
        const row = (layer * rows + (input >> 2)) * columns;
        for (let t = 0; t < taps; t++) packed[4 * (row + 4 * t + (input & 3)) + (o & 3)] = at(o, c, t);
      }
      if (step.bias) packed[4 * (layer * rows + inBlocks) * columns + (o & 3)] = step.bias[o];
    }
    return packed;
  };
  return { columns, rows, layers, pack };
}

/** Describes the dispatch of a convolution, or of a transposed one, whose weight is `[C,O/groups,kh,kw]`. */
export function generalConv(step: ConvStep, pitch: number, transposed: boolean): Kernel {
  const { strides, pads, dilations } = step.attributes;
  const { shape, data } = step.weight;
  const [kh, kw] = shape.slice(2);
  const grouping = groupingOf(step);
  const { inputsPerGroup, outputsPerGroup, inBlocks } = grouping;
  const depth = shape[1], taps = kh * kw;
  const weights = packWeights(step, grouping, (o, c, t) => {
    if (!transposed) return data[(o * depth + c) * taps + t];
    const group = Math.floor(o / outputsPerGroup);
    return data[((group * inputsPerGroup + c) * depth + o - group * outputsPerGroup) * taps + t];
  });
  const workgroup = 32;
  return {
    label: `conv ${transposed ? "transposed" : "general"} ${kh}x${kw}`,
    shader: "conv/general.wgsl",
    constants: { TRANSPOSED: transposed ? 1 : 0, WORKGROUP: workgroup, ...epilogueConstants(step) },
    parameters: [
      blocked(step.x.layout),
      blocked(step.y.layout),
      blocked(step.residual?.layout ?? step.y.layout),
      vec2i(kw, kh),
      vec2i(strides[1], strides[0]),
      vec2i(pads[1], pads[0]),
      vec2i(dilations[1], dilations[0]),
      i32(inputsPerGroup),
      i32(outputsPerGroup),
      i32(inBlocks),
      i32(pitch),
      i32(weights.columns),
      i32(weights.rows),
      ...epilogueParameters(step),
    ],
    bindings: convBindings(step, weights),
    workgroups: linearGroups(stripsOf(step.y.layout), workgroup),
  };
}
