/**
 * Every convolution of bytes: simple loops, for what has no kernel of its own. Shader: `shaders/int8/conv_general.wgsl`.
 *
 * @module
 */

import type { Int8Arithmetic, KernelContext } from "../context.ts";
import { acceptsEpilogue, type ConvCandidate } from "../conv_form.ts";
import { generalCost, groupingOf } from "../conv_general.ts";
import { blocked, blocksOf, i32, type Kernel, type PackedInt8Weights, vec2i } from "../kernel.ts";
import { linearGroups, STRIP, stripsOf } from "../linear.ts";
import type { Int8Variant } from "./conv_depthwise.ts";
import { arithmetics } from "./conv_numbers.ts";
import {
  int8ConvBindings,
  type Int8ConvStep,
  int8StepOf,
  packBiases,
  putWeight,
  requantizeConstants,
  residualLayout,
  weightParameters,
} from "./conv_step.ts";

/** Packs weights, biases and scales as the shader's header says. */
export function packInt8General(step: Int8ConvStep, arithmetic: Int8Arithmetic): PackedInt8Weights {
  const [outputs, , kh, kw] = step.weight.shape;
  const taps = kh * kw;
  const { inputsPerGroup, outputsPerGroup, inBlocks, firstBlock } = groupingOf(
    step.attributes,
    step.x.layout,
    step.y.layout,
  );
  const columns = Math.max(taps, 2), rows = inBlocks + 1, layers = blocksOf(step.y.layout);
  const pack = () => {
    const words = new Uint32Array(4 * columns * rows * layers);
    const bytes = new Int8Array(words.buffer);
    for (let o = 0; o < outputs; o++) {
      const layer = o >> 2;
      const firstInput = Math.floor(o / outputsPerGroup) * inputsPerGroup - 4 * firstBlock(layer);
      for (let c = 0; c < inputsPerGroup; c++) {
        const input = firstInput + c;
        const first = (layer * rows + (input >> 2)) * columns;
        for (let t = 0; t < taps; t++) {
          putWeight(bytes, first + t, input, o, step.weight.data[(o * inputsPerGroup + c) * taps + t], arithmetic);
        }
      }
    }
    packBiases(step, words, arithmetic, (block) => (block * rows + inBlocks) * columns);
    return words;
  };
  return { columns, rows, layers, pack };
}

/** Describes the dispatch. */
export function int8GeneralConv(step: Int8ConvStep, pitch: number, arithmetic: Int8Arithmetic): Kernel {
  const { strides, pads, dilations } = step.attributes;
  const [kh, kw] = step.weight.shape.slice(2);
  const { inputsPerGroup, outputsPerGroup, inBlocks } = groupingOf(step.attributes, step.x.layout, step.y.layout);
  const weights = packInt8General(step, arithmetic);
  const workgroup = 32;
  return {
    label: `conv int8 general ${kh}x${kw} ${arithmetic}`,
    shader: "int8/conv_general.wgsl",
    constants: { WORKGROUP: workgroup, ARITHMETIC: arithmetic, ...requantizeConstants(step) },
    parameters: {
      input: blocked(step.x.layout),
      output: blocked(step.y.layout),
      residual: blocked(residualLayout(step)),
      kernel: vec2i(kw, kh),
      stride: vec2i(strides[1], strides[0]),
      pad: vec2i(pads[1], pads[0]),
      dilation: vec2i(dilations[1], dilations[0]),
      inputsPerGroup: i32(inputsPerGroup),
      outputsPerGroup: i32(outputsPerGroup),
      inBlocks: i32(inBlocks),
      ...weightParameters(step, weights, pitch),
    },
    bindings: int8ConvBindings(step, weights),
    workgroups: linearGroups(stripsOf(step.y.layout), workgroup),
  };
}

/** The general convolution of bytes among the kernels of convolutions. */
export const int8GeneralCandidate: ConvCandidate<Int8Variant> = {
  name: "int8 general",
  shaders: ["int8/conv_general.wgsl"],
  applies: (form) => !form.transposed,
  accepts: acceptsEpilogue,
  variants({ int8 }, target) {
    const [first, ...others] = arithmetics(int8!, target);
    return { usual: [{ arithmetic: first }], measured: others.map((arithmetic) => ({ arithmetic })) };
  },
  cost: (form, _, { adapter }) => generalCost(form, STRIP, adapter, 1),
  kernels({ int8 }, context, { arithmetic }) {
    return [int8GeneralConv(int8StepOf(context as KernelContext<"Conv">, int8!), context.pitch, arithmetic)];
  },
};

/** The same where first runs are planned (`KernelTarget.light`): one arithmetic wherever it is exact, so that there are few shaders to compile. */
export const int8LightCandidate: ConvCandidate<Int8Variant> = {
  ...int8GeneralCandidate,
  variants: ({ int8 }) => ({ usual: [{ arithmetic: int8!.exactInFloat ? "f32" : "emulated" }] }),
};
