/**
 * Gradients of MaxPool and Resize over row memory; each pixel gathers what it is given. Shaders:
 * `shaders/train/max_pool_gradient*.wgsl`, `shaders/train/resize_gradient.wgsl`.
 *
 * @module
 */

import type { Node } from "../../graph/operators.ts";
import type { KernelContext, OperandTypes, OperatorKernels } from "../context.ts";
import { blocked, i32, type Kernel, vec2i } from "../kernel.ts";
import { linearGroups, stripsOf } from "../linear.ts";
import { blockedOf, onImages, read, refuseEpilogue, write } from "../operand.ts";
import { axisTable } from "../resize.ts";

/** Images of which none is a constant. */
const onMaps = (node: Node, types: OperandTypes) =>
  onImages(node, types) && types.inputs.every(({ constant }) => constant === undefined);

/** Largest window whose taps are told apart by the bits of a word. */
const FLAT = 5;

function maxPool(context: KernelContext<"MaxPoolGradient">): Kernel {
  refuseEpilogue(context);
  const { node, pitch, inputs: [x, dy], outputs: [dx] } = context;
  const { kernel, strides, pads, dilations } = node.attributes;
  const maps = {
    input: blocked(blockedOf(x)),
    gradient: blocked(blockedOf(dy)),
    output: blocked(blockedOf(dx)),
  };
  const pad = vec2i(pads[1], pads[0]);
  const common = {
    bindings: [read(x), read(dy), write(dx)],
    workgroups: linearGroups(stripsOf(blockedOf(dx), 1)),
  };
  const [k] = kernel;
  if (k === kernel[1] && k <= FLAT && [...strides, ...dilations].every((step) => step === 1)) {
    return {
      label: `maxpool gradient ${k}x${k} s1`,
      shader: "train/max_pool_gradient_flat.wgsl",
      constants: { K: k },
      parameters: { ...maps, pad, pitch: i32(pitch) },
      ...common,
    };
  }
  return {
    label: `maxpool gradient ${kernel[0]}x${kernel[1]}`,
    shader: "train/max_pool_gradient.wgsl",
    constants: {},
    parameters: {
      ...maps,
      kernel: vec2i(kernel[1], kernel[0]),
      stride: vec2i(strides[1], strides[0]),
      pad,
      dilation: vec2i(dilations[1], dilations[0]),
      pitch: i32(pitch),
    },
    ...common,
  };
}

/** Kernels of MaxPoolGradient; in row memory only. */
export const maxPoolGradient: OperatorKernels<"MaxPoolGradient"> = {
  blocked: { applies: onMaps, kernels: (context) => [maxPool(context)] },
};

/** For each input index along an axis of `extent`: the first output index that reads it, and the one behind the last. */
function readersTable(table: readonly number[], extent: number): number[] {
  const ranges = Array.from({ length: extent }, (): [number, number] => [0, 0]);
  for (let output = 0; 2 * output < table.length; output++) {
    const low = table[2 * output];
    const read = table[2 * output + 1] > 0 ? [low, Math.min(low + 1, extent - 1)] : [low];
    for (const index of read) {
      const [first, end] = ranges[index];
      ranges[index] = [end === 0 ? output : first, output + 1];
    }
  }
  return ranges.flat();
}

/** Whole factors by which an axis grows when every element is repeated so many times, 0 if it is not so. */
function repeats(table: readonly number[], extent: number): number {
  const factor = table.length / 2 / extent;
  const repeated = Number.isInteger(factor) &&
    table.every((number, i) => number === (i % 2 === 0 ? Math.floor(i / 2 / factor) : 0));
  return repeated ? factor : 0;
}

/** Largest enlargement that is written out flat. */
const MOST_REPEATS = 4;

function resize(context: KernelContext<"ResizeGradient">): Kernel {
  refuseEpilogue(context);
  const { node: { attributes }, pitch, inputs: [dy], outputs: [dx] } = context;
  const [height, width] = attributes.from;
  const columns = axisTable(attributes, 1, width), rows = axisTable(attributes, 0, height);
  const factors = [repeats(columns, width), repeats(rows, height)];
  const flat = factors.every((factor) => factor > 0 && factor <= MOST_REPEATS);
  const table = [...columns, ...rows, ...readersTable(columns, width), ...readersTable(rows, height)];
  return {
    label: flat ? `resize gradient ${factors[1]}x${factors[0]}` : "resize gradient",
    shader: "train/resize_gradient.wgsl",
    constants: flat ? { FACTOR_X: factors[0], FACTOR_Y: factors[1] } : {},
    parameters: { gradient: blocked(blockedOf(dy)), output: blocked(blockedOf(dx)), pitch: i32(pitch) },
    bindings: [read(dy), write(dx), ...flat ? [] : [{ kind: "constant", data: Float32Array.from(table) } as const]],
    workgroups: linearGroups(stripsOf(blockedOf(dx))),
  };
}

/** Kernels of ResizeGradient; in row memory only. */
export const resizeGradient: OperatorKernels<"ResizeGradient"> = {
  blocked: { applies: onMaps, kernels: (context) => [resize(context)] },
};
