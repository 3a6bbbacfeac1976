/**
 * Operators on single elements, and BatchNormalization, which is one with two numbers a channel. Shaders:
 * `shaders/tensor/unary.wgsl`, `shaders/tensor/plain_unary.wgsl`.
 *
 * @module
 */

import { sizeOf } from "../graph/graph.ts";
import type { Node } from "../graph/operators.ts";
import type { UnaryOperator } from "../graph/unary.ts";
import { type Activation, activationConstants, activationOf, activationParameters } from "./activation.ts";
import type { KernelContext, Operand, OperatorKernels } from "./context.ts";
import { blocked, i32, type Kernel, type PackedWeights } from "./kernel.ts";
import { linearGroups, stripsOf } from "./linear.ts";
import { blockedOf, constantOf, onImages, read, refuseEpilogue, refuseResidual, write } from "./operand.ts";

interface Affine {
  readonly scale: Float32Array;
  readonly shift: Float32Array;
}

function packAffine({ scale, shift }: Affine): PackedWeights {
  const rows = Math.ceil(scale.length / 4);
  const pack = () => {
    const packed = new Float32Array(8 * rows);
    for (let c = 0; c < scale.length; c++) {
      packed[8 * (c >> 2) + (c & 3)] = scale[c];
      packed[8 * (c >> 2) + 4 + (c & 3)] = shift[c];
    }
    return packed;
  };
  return { columns: 2, rows, layers: 1, pack };
}

/** One dispatch that applies an activation, after an affine map of each channel where given, to a tensor in row memory. */
export function unaryBlocked(
  label: string,
  x: Operand,
  y: Operand,
  activation: Activation,
  pitch: number,
  affine?: Affine,
): Kernel {
  const output = blockedOf(y);
  const weights = affine && packAffine(affine);
  return {
    label,
    shader: "tensor/unary.wgsl",
    constants: { AFFINE: affine ? 1 : 0, ...activationConstants(activation) },
    parameters: {
      input: blocked(blockedOf(x)),
      output: blocked(output),
      pitch: i32(pitch),
      weightColumns: i32(weights?.columns ?? 0),
      weightRows: i32(weights?.rows ?? 0),
      ...activationParameters(activation),
    },
    bindings: [read(x), write(y), ...weights ? [{ kind: "weights", weights } as const] : []],
    workgroups: linearGroups(stripsOf(output)),
  };
}

function overBlocks(
  { node, inputs: [x], outputs: [y], pitch }: KernelContext,
  activation: Activation,
  affine?: Affine,
): Kernel {
  return unaryBlocked(node.op.toLowerCase(), x, y, activation, pitch, affine);
}

/** Elements that one thread of the plain kernel takes. */
const RUN = 4;

/** One dispatch that applies an activation, after an affine map of each channel where given, to a plain tensor. */
export function unaryPlain(label: string, x: Operand, y: Operand, activation: Activation, affine?: Affine): Kernel {
  const size = sizeOf(y.shape);
  const channels = affine?.scale.length ?? 1;
  const both = affine && Float32Array.of(...affine.scale, ...affine.shift);
  return {
    label,
    shader: "tensor/plain_unary.wgsl",
    constants: { AFFINE: affine ? 1 : 0, ...activationConstants(activation) },
    parameters: {
      size: i32(size),
      channels: i32(channels),
      plane: i32(sizeOf(y.shape.slice(2))),
      ...activationParameters(activation),
    },
    bindings: [read(x), write(y), ...both ? [{ kind: "constant", data: both } as const] : []],
    workgroups: linearGroups(Math.ceil(size / RUN)),
  };
}

function overPlain(
  { node, inputs: [x], outputs: [y] }: KernelContext,
  activation: Activation,
  affine?: Affine,
): Kernel {
  return unaryPlain(node.op.toLowerCase(), x, y, activation, affine);
}

/** Kernels of every unary operator. */
export const unary: OperatorKernels<UnaryOperator> = {
  blocked: {
    applies: onImages,
    kernels: (context) => {
      refuseEpilogue(context);
      return [overBlocks(context, activationOf(context.node)!)];
    },
  },
  plain: {
    kernels: (context) => {
      refuseEpilogue(context);
      return [overPlain(context, activationOf(context.node)!)];
    },
  },
};

/** x * scale + shift that normalises with constant statistics. */
function affineOf(node: Node<"BatchNormalization">, operands: KernelContext["inputs"]): Affine {
  const [gamma, beta, mean, variance] = ["scale", "bias", "mean", "variance"].map((what, i) =>
    constantOf(node, operands[i + 1], what)
  );
  const scale = gamma.map((value, c) => value / Math.sqrt(variance[c] + node.attributes.epsilon));
  return { scale, shift: beta.map((value, c) => value - mean[c] * scale[c]) };
}

/** Kernels of BatchNormalization whose statistics are constants. */
export const batchNormalization: OperatorKernels<"BatchNormalization"> = {
  blocked: {
    applies: (node, types) => onImages(node, types) && types.inputs.slice(1).every(({ constant }) => constant),
    kernels: (context) => {
      refuseResidual(context);
      return [overBlocks(context, context.epilogue.activation, affineOf(context.node, context.inputs))];
    },
  },
  plain: {
    kernels: (context) => {
      refuseResidual(context);
      return [overPlain(context, context.epilogue.activation, affineOf(context.node, context.inputs))];
    },
  },
};
