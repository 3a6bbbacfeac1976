/**
 * Operators of two operands with broadcasting. Shaders: `shaders/tensor/binary.wgsl`, `shaders/tensor/plain_binary.wgsl`.
 *
 * @module
 */

import type { Constant } from "../graph/graph.ts";
import type { BinaryOperator } from "../graph/operators.ts";
import { activationConstants, activationParameters } from "./activation.ts";
import type { KernelContext, Operand, OperatorKernels } from "./context.ts";
import { blocked, blocksOf, i32, type Kernel, type KernelBinding, type PackedWeights } from "./kernel.ts";
import { linearGroups, stripsOf } from "./linear.ts";
import { allImages, blockedOf, constantImage, constantOf, read, readPlain, refuseResidual, write } from "./operand.ts";
import { alignedStrides, axes, collapse } from "./strided.ts";

/** Largest extent of a two-dimensional texture that every adapter has. */
const WIDEST = 8192;

/** True where a constant fits the texture that the blocked kernel reads it from. */
function constantFits(constant: Constant): boolean {
  const image = constantImage(constant.shape);
  return constant.shape.length <= 4 && image.width <= WIDEST && blocksOf(image) * image.batch * image.height <= WIDEST;
}

/** Packs a constant as cells: column = x, row = (block * N + image) * H + y. */
function packImage(data: Float32Array, shape: Constant["shape"]): PackedWeights {
  const image = constantImage(shape);
  const { batch, channels, height, width } = image;
  const rows = blocksOf(image) * batch * height;
  const pack = () => {
    const packed = new Float32Array(4 * width * rows);
    for (let n = 0, i = 0; n < batch; n++) {
      for (let c = 0; c < channels; c++) {
        const plane = (c >> 2) * batch + n;
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) packed[4 * ((plane * height + y) * width + x) + (c & 3)] = data[i++];
        }
      }
    }
    return packed;
  };
  return { columns: width, rows, layers: 1, pack };
}

function overBlocks(context: KernelContext<BinaryOperator>): Kernel {
  refuseResidual(context);
  const { node, pitch, epilogue: { activation } } = context;
  // The first operand of the kernel is never a constant; the constant SWAP keeps the order of the operation.
  const swap = context.inputs[0].constant !== undefined;
  const [a, b] = swap ? [context.inputs[1], context.inputs[0]] : context.inputs;
  const [y] = context.outputs;
  const output = blockedOf(y);
  const same = a.value === b.value;
  const weights = b.constant && packImage(constantOf(node, b, "operand"), b.constant.shape);
  const second: KernelBinding[] = weights ? [{ kind: "weights", weights }] : same ? [] : [read(b)];
  return {
    label: node.op.toLowerCase(),
    shader: "tensor/binary.wgsl",
    constants: {
      OP: node.op.toLowerCase(),
      SECOND: weights ? "constant" : same ? "same" : "tensor",
      SWAP: swap ? 1 : 0,
      ...activationConstants(activation),
    },
    parameters: {
      first: blocked(blockedOf(a)),
      second: blocked(b.constant ? constantImage(b.constant.shape) : blockedOf(b)),
      output: blocked(output),
      pitch: i32(pitch),
      weightColumns: i32(weights?.columns ?? 0),
      weightRows: i32(weights?.rows ?? 0),
      ...activationParameters(activation),
    },
    bindings: [read(a), write(y), ...second],
    workgroups: linearGroups(stripsOf(output)),
  };
}

function overPlain(context: KernelContext<BinaryOperator>): Kernel {
  refuseResidual(context);
  const { node, inputs: [a, b], outputs: [y], epilogue: { activation } } = context;
  const strides = (operand: Operand) => alignedStrides(operand.shape, y.shape);
  const { extents, steps: [stepsA, stepsB] } = collapse(y.shape, [strides(a), strides(b)]);
  const same = a.value === b.value;
  const size = y.shape.reduce((product, extent) => product * extent, 1);
  return {
    label: `${node.op.toLowerCase()} plain`,
    shader: "tensor/plain_binary.wgsl",
    constants: {
      RANK: extents.length,
      OP: node.op.toLowerCase(),
      SAME: same ? 1 : 0,
      ...activationConstants(activation),
    },
    parameters: {
      extents: axes(extents),
      stepsA: axes(stepsA),
      stepsB: axes(stepsB),
      size: i32(size),
      ...activationParameters(activation),
    },
    bindings: [readPlain(node, a), write(y), ...same ? [] : [readPlain(node, b)]],
    workgroups: linearGroups(size),
  };
}

/** Kernels of every binary operator. */
export const binary: OperatorKernels<BinaryOperator> = {
  blocked: {
    applies: (_, types) => {
      const constants = types.inputs.flatMap(({ constant }) => constant ?? []);
      return constants.length < 2 && constants.every(constantFits) && allImages(types);
    },
    kernels: (context) => [overBlocks(context)],
  },
  plain: { kernels: (context) => [overPlain(context)] },
};
