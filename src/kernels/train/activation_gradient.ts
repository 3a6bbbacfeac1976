/**
 * Gradients of activations. Shaders: `shaders/train/activation_gradient.wgsl`, `shaders/train/plain_activation_gradient.wgsl`.
 *
 * @module
 */

import { activationNode } from "../../passes/recognise_activations.ts";
import { sizeOf } from "../../graph/graph.ts";
import type { ActivationAttributes, Node } from "../../graph/operators.ts";
import {
  type Activation,
  activationConstants,
  activationOf,
  activationParameters,
  NO_ACTIVATION,
} from "../activation.ts";
import type { KernelContext, OperatorKernels } from "../context.ts";
import { blocked, i32, type Kernel } from "../kernel.ts";
import { linearGroups, stripsOf } from "../linear.ts";
import { blockedOf, onImages, read, readPlain, refuseEpilogue, write } from "../operand.ts";

/** The activation that is an attribute of a node, none if there is none. */
export function activationOfAttribute(node: Node, activation: ActivationAttributes | undefined): Activation {
  if (!activation) return NO_ACTIVATION;
  return activationOf(activationNode(activation, node.name, node.inputs[0], node.outputs[0]))!;
}

function overBlocks(context: KernelContext<"ActivationGradient">): Kernel {
  refuseEpilogue(context);
  const { node, pitch, inputs: [value, dy], outputs: [dx] } = context;
  const activation = activationOfAttribute(node, node.attributes);
  return {
    label: `${activation.name.toLowerCase()} gradient`,
    shader: "train/activation_gradient.wgsl",
    constants: { ...activationConstants(activation) },
    parameters: {
      input: blocked(blockedOf(value)),
      gradient: blocked(blockedOf(dy)),
      output: blocked(blockedOf(dx)),
      pitch: i32(pitch),
      ...activationParameters(activation),
    },
    bindings: [read(value), read(dy), write(dx)],
    workgroups: linearGroups(stripsOf(blockedOf(dx))),
  };
}

/** Elements that one thread of the plain kernel takes. */
const RUN = 4;

function overPlain(context: KernelContext<"ActivationGradient">): Kernel {
  refuseEpilogue(context);
  const { node, inputs: [value, dy], outputs: [dx] } = context;
  const activation = activationOfAttribute(node, node.attributes);
  const size = sizeOf(dx.shape);
  return {
    label: `${activation.name.toLowerCase()} gradient plain`,
    shader: "train/plain_activation_gradient.wgsl",
    constants: { ...activationConstants(activation) },
    parameters: { size: i32(size), ...activationParameters(activation) },
    bindings: [readPlain(node, value), readPlain(node, dy), write(dx)],
    workgroups: linearGroups(Math.ceil(size / RUN)),
  };
}

/** Kernels of ActivationGradient. */
export const activationGradient: OperatorKernels<"ActivationGradient"> = {
  blocked: {
    applies: (node, types) => onImages(node, types) && types.inputs[1].constant === undefined,
    kernels: (context) => [overBlocks(context)],
  },
  plain: { kernels: (context) => [overPlain(context)] },
};
