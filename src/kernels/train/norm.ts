/**
 * Batch normalisation by the batch's own statistics and its gradient, each with the activation behind it where the graph or the planner
 * says so. Three dispatches each: sums of parts of planes, what follows from them for each channel, the map; BatchNormApply is the last
 * one of the forward run alone. Shaders:
 * `shaders/train/channel_partials.wgsl`, `shaders/train/channel_totals.wgsl`, `shaders/train/batch_norm_*.wgsl`.
 *
 * @module
 */

import { unaryRow } from "../../graph/unary.ts";
import { sizeOf } from "../../graph/graph.ts";
import { type Activation, activationConstants, activationParameters, NO_ACTIVATION } from "../activation.ts";
import type { Target } from "../target.ts";
import type { KernelContext, Operand, OperandTypes, OperatorKernels } from "../context.ts";
import { blocked, f32, i32, type Kernel } from "../kernel.ts";
import { blockedOf, read, readPlain, refuseEpilogue, refuseResidual, write } from "../operand.ts";
import { activationOfAttribute } from "./activation_gradient.ts";
import { partialsOf, partsOf, SUMMED } from "./parts.ts";

/** Pixels that one team takes where a map is written: on software adapters few, so that vectors store to places near each other. */
const WRITTEN: { readonly [T in Target]: number } = { software: 128, hardware: 1024 };

/** True where the maps among the inputs, which have the output's shape, are images of floats in memory. */
function onFloatImages({ inputs, outputs: [{ shape }] }: OperandTypes, maps: readonly number[]): boolean {
  const images = maps.every((i) => inputs[i].dtype === "f32" && inputs[i].constant === undefined);
  return images && shape.length === 4 && sizeOf(shape) > 0;
}

/** Activation of a normalised map: that of the node, or what the planner fuses behind it. */
function activationBehind(context: KernelContext<"BatchNormTraining" | "BatchNormApply">): Activation {
  refuseResidual(context);
  const own = activationOfAttribute(context.node, context.node.attributes.activation);
  if (own === NO_ACTIVATION) return context.epilogue.activation;
  refuseEpilogue(context);
  return own;
}

/** The dispatch that writes the normalised map; `vectors` are mean, inverse deviation, scale, bias. */
function applyKernel(
  context: KernelContext<"BatchNormTraining" | "BatchNormApply">,
  vectors: readonly Operand[],
): Kernel {
  const { node, pitch, target = "software", inputs: [x], outputs: [y] } = context;
  const activation = activationBehind(context);
  const input = blockedOf(x);
  const written = partsOf(input, WRITTEN[target], target);
  return {
    label: `batch norm ${activation.name.toLowerCase()}`,
    shader: "train/batch_norm_apply.wgsl",
    constants: { ...written.teams.constants, ...activationConstants(activation) },
    parameters: {
      input: blocked(input),
      output: blocked(blockedOf(y)),
      rows: i32(written.rows),
      parts: i32(written.parts),
      pitch: i32(pitch),
      ...activationParameters(activation),
    },
    bindings: [read(x), write(y), ...vectors.map((vector) => readPlain(node, vector))],
    workgroups: written.teams.workgroups,
  };
}

function trainingKernels(context: KernelContext<"BatchNormTraining">): Kernel[] {
  const { node, pitch, target = "software", inputs, outputs } = context;
  const [x, scale, bias, oldMean, oldVariance] = inputs;
  const [, mean, inverse, newMean, newVariance] = outputs;
  const { epsilon, momentum } = node.attributes;
  const input = blockedOf(x);
  const plain = (operand: Operand) => readPlain(node, operand);
  const summed = partsOf(input, SUMMED, target);
  return [
    {
      label: "batch norm moments",
      shader: "train/channel_partials.wgsl",
      constants: { ...summed.teams.constants, MODE: "moments" },
      parameters: {
        input: blocked(input),
        gradient: blocked(input),
        rows: i32(summed.rows),
        parts: i32(summed.parts),
        pitch: i32(pitch),
        activationA: f32(0),
        activationB: f32(0),
      },
      bindings: [read(x), partialsOf(input, summed)],
      workgroups: summed.teams.workgroups,
    },
    {
      label: "batch norm statistics",
      shader: "train/batch_norm_statistics.wgsl",
      constants: summed.blockTeams.constants,
      parameters: {
        input: blocked(input),
        rows: i32(summed.rows),
        parts: i32(summed.parts),
        epsilon: f32(epsilon),
        momentum: f32(momentum),
      },
      bindings: [
        partialsOf(input, summed),
        plain(oldMean),
        plain(oldVariance),
        ...[mean, inverse, newMean, newVariance].map(write),
      ],
      workgroups: summed.blockTeams.workgroups,
    },
    applyKernel(context, [mean, inverse, scale, bias]),
  ];
}

/** Kernels of BatchNormTraining: maps in row memory, vectors plain. */
export const batchNormTraining: OperatorKernels<"BatchNormTraining"> = {
  mixed: {
    applies: (_, types) => onFloatImages(types, [0]),
    layouts: () => ({
      inputs: ["blocked", "plain", "plain", "plain", "plain"],
      outputs: ["blocked", "plain", "plain", "plain", "plain"],
    }),
    kernels: trainingKernels,
  },
};

/** Kernels of BatchNormApply, the last dispatch of BatchNormTraining: maps in row memory, vectors plain. */
export const batchNormApply: OperatorKernels<"BatchNormApply"> = {
  mixed: {
    applies: (_, types) => onFloatImages(types, [0]),
    layouts: () => ({ inputs: ["blocked", "plain", "plain", "plain", "plain"], outputs: ["blocked"] }),
    kernels: (context) => {
      const [, scale, bias, mean, inverse] = context.inputs;
      return [applyKernel(context, [mean, inverse, scale, bias])];
    },
  },
};

function gradientKernels(context: KernelContext<"BatchNormGradient">): Kernel[] {
  refuseEpilogue(context);
  const { node, pitch, target = "software", inputs, outputs: [dx, dScale, dBias] } = context;
  const [x, scale, mean, inverse, dy, bias] = inputs;
  const { activation: own } = node.attributes;
  const activation = activationOfAttribute(node, own);
  const input = blockedOf(x), gradient = blockedOf(dy);
  const plain = (operand: Operand) => readPlain(node, operand);
  const summed = partsOf(input, SUMMED, target), written = partsOf(input, WRITTEN[target], target);
  const partials = partialsOf(input, summed);
  const derivative = {
    ...activationConstants(activation),
    FROM_INPUT: own === undefined || unaryRow(own.activation).derivative.from === "input" ? 1 : 0,
  };
  const shift = own === undefined ? [] : [plain(bias)];
  return [
    {
      label: `batch norm gradient sums ${activation.name.toLowerCase()}`,
      shader: "train/channel_partials.wgsl",
      constants: { ...summed.teams.constants, ...derivative, MODE: "gradient" },
      parameters: {
        input: blocked(input),
        gradient: blocked(gradient),
        rows: i32(summed.rows),
        parts: i32(summed.parts),
        pitch: i32(pitch),
        ...activationParameters(activation),
      },
      bindings: [
        read(x),
        partials,
        read(dy),
        plain(mean),
        plain(inverse),
        ...own === undefined ? [] : [plain(scale), ...shift],
      ],
      workgroups: summed.teams.workgroups,
    },
    {
      label: "batch norm gradient totals",
      shader: "train/channel_totals.wgsl",
      constants: { ...summed.blockTeams.constants, MODE: "gradient" },
      parameters: { input: blocked(input), parts: i32(summed.parts) },
      bindings: [partials, write(dBias), write(dScale)],
      workgroups: summed.blockTeams.workgroups,
    },
    {
      label: `batch norm gradient ${activation.name.toLowerCase()}`,
      shader: "train/batch_norm_gradient.wgsl",
      constants: { ...written.teams.constants, ...derivative },
      parameters: {
        input: blocked(input),
        gradient: blocked(gradient),
        output: blocked(blockedOf(dx)),
        rows: i32(written.rows),
        parts: i32(written.parts),
        first: i32(summed.count),
        pitch: i32(pitch),
        ...activationParameters(activation),
      },
      bindings: [read(x), read(dy), write(dx), partials, plain(mean), plain(inverse), plain(scale), ...shift],
      workgroups: written.teams.workgroups,
    },
  ];
}

/** Kernels of BatchNormGradient: maps in row memory, vectors plain. */
export const batchNormGradient: OperatorKernels<"BatchNormGradient"> = {
  mixed: {
    applies: (_, types) => onFloatImages(types, [0, 4]),
    layouts: () => ({
      inputs: ["blocked", "plain", "plain", "plain", "blocked", "plain"],
      outputs: ["blocked", "plain", "plain"],
    }),
    kernels: gradientKernels,
  },
};
