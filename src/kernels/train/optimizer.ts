/**
 * Kernels of optimizers over a model's parameters, which lie flat (`flat.ts`): the gradients of batches are summed, their norm is
 * taken, and one pass moves the parameters and their moving average. Nothing comes back to the host in between. Shaders:
 * `shaders/train/gradient_norm.wgsl`, `gradient_norm_total.wgsl`, `update.wgsl`, `accumulate.wgsl`, `statistics.wgsl`.
 *
 * Settings that change from update to update stand in the parameter blocks: make the kernels anew with the settings of the update and
 * hand their `parameters` to `Program.setParameters`; everything else about them stays the same.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { f32, i32, type Kernel, type KernelBinding } from "../kernel.ts";
import { linearGroups } from "../linear.ts";
import type { FlatGroup, FlatLayout } from "./flat.ts";

/** How parameters are moved. */
export type OptimizerMethod = "sgd" | "adamw";

/** Everything that may change from one update to the next. */
export interface OptimizerSettings {
  /** Step length of each group. */
  readonly learningRates: Readonly<Record<FlatGroup, number>>;
  /** Momentum of SGD, first beta of AdamW; 0 to 1, without 1. */
  readonly momentum: number;
  /** Decay of the group `weight`; 0 for none. */
  readonly weightDecay: number;
  /** Share that the moving average of the parameters keeps of itself, 0 to 1. */
  readonly averageDecay: number;
  /** Largest norm of the gradient, to which a longer one is shortened; Infinity for none. */
  readonly clipNorm: number;
  /** What the summed gradient is multiplied by to be the mean: 1 / batches in it / scale of the loss. 1 unless given. */
  readonly factor?: number;
  /** Second beta of AdamW; 0.999 unless given. */
  readonly secondMomentum?: number;
  /** What AdamW adds to the root of the second moment; 1e-8 unless given. */
  readonly epsilon?: number;
}

/** Names of the buffers by what they hold; all but `partials` and `state` are flat. */
export const OPTIMIZER_VALUES = {
  /** Gradient of one batch. */
  gradient: "train/gradient",
  /** Sum of the gradients since the last update. */
  sum: "train/gradient_sum",
  /** What is trained. */
  parameters: "train/parameters",
  /** Moving average of the parameters. */
  average: "train/average",
  /** Momentum of SGD, first moment of AdamW. */
  first: "train/first_moment",
  /** Second moment of AdamW. */
  second: "train/second_moment",
  /** Parts of the norm, between two kernels. */
  partials: "train/norm_partials",
  /** See `readOptimizerState`. */
  state: "train/optimizer_state",
  /** Running statistics as a batch leaves them. */
  nextStatistics: "train/next_statistics",
  /** Running statistics. */
  statistics: "train/statistics",
  /** Moving average of the running statistics. */
  averageStatistics: "train/average_statistics",
} as const;

/** Names of the buffers that a kernel reads and writes. */
export type OptimizerValues = Readonly<Record<keyof typeof OPTIMIZER_VALUES, string>>;

/** Parts in which a norm is summed, whatever the adapter, so that equal gradients have equal norms. */
const PARTS = 4096;

/** Numbers of the state. */
const STATE_SIZE = 8;

/** A storage buffer that kernels here name in their bindings. */
export interface OptimizerBuffer {
  /** One of `OPTIMIZER_VALUES`. */
  readonly name: string;
  /** Size. */
  readonly bytes: number;
  /** True for what a resumed run needs; zero before the first update, but for `parameters` and `average`, which begin as the model's. */
  readonly kept: boolean;
}

/** The buffers of an optimizer, without those of gradients of one batch and of statistics. */
export function optimizerBuffers(method: OptimizerMethod, { size }: FlatLayout): OptimizerBuffer[] {
  const { sum, parameters, average, first, second, partials, state } = OPTIMIZER_VALUES;
  const flat = method === "adamw" ? [parameters, average, first, second] : [parameters, average, first];
  return [
    ...flat.map((name) => ({ name, bytes: 4 * size, kept: true })),
    { name: sum, bytes: 4 * size, kept: false },
    { name: partials, bytes: 8 * PARTS, kept: false },
    { name: state, bytes: 4 * STATE_SIZE, kept: true },
  ];
}

/** What the buffer `state` says, once an update has run. */
export interface OptimizerState {
  /** Norm of the mean gradient before it was shortened, over its finite elements. */
  readonly norm: number;
  /** Elements of the gradient that were not finite, or 1 if the norm is beyond f32; where there are any, nothing was changed. */
  readonly nonFinite: number;
  /** Updates that did change something. */
  readonly updates: number;
}

/** Reads the buffer `state`. */
export function readOptimizerState(data: Float32Array): OptimizerState {
  return { norm: data[0], nonFinite: data[1], updates: data[4] };
}

const write = (value: string): KernelBinding => ({ kind: "write", value });
const read = (value: string): KernelBinding => ({ kind: "read", value });

/** Greatest f32: stands for no limit. */
const LARGEST = 3.4028234663852886e38;

/** Elements that a thread takes. */
const VECTOR = 4;

function checked(settings: OptimizerSettings): Required<OptimizerSettings> {
  const whole = { factor: 1, secondMomentum: 0.999, epsilon: 1e-8, ...settings };
  const { learningRates, clipNorm, averageDecay, momentum, secondMomentum, weightDecay, epsilon, factor } = whole;
  const refuse = (what: string, value: number, expected: string) => {
    throw new FeatherdetError(`${what} is ${value}, expected ${expected}`);
  };
  for (const [group, rate] of Object.entries(learningRates)) {
    if (!(rate >= 0 && rate <= LARGEST)) {
      refuse(`learning rate of the group "${group}"`, rate, "a number of at least 0");
    }
  }
  for (const [what, value] of [["momentum", momentum], ["second momentum", secondMomentum]] as const) {
    if (!(value >= 0 && value < 1)) refuse(what, value, "a share of 0 to 1, without 1");
  }
  if (!(averageDecay >= 0 && averageDecay <= 1)) refuse("decay of the average", averageDecay, "a share of 0 to 1");
  if (!(clipNorm > 0)) refuse("greatest norm of the gradient", clipNorm, "a number over 0");
  for (const [what, value] of [["weight decay", weightDecay], ["epsilon", epsilon], ["factor", factor]] as const) {
    if (!(value >= 0 && value <= LARGEST)) refuse(what, value, "a number of at least 0");
  }
  return whole;
}

function normKernels(
  { size }: FlatLayout,
  { factor, momentum, secondMomentum }: Required<OptimizerSettings>,
  values: OptimizerValues,
): Kernel[] {
  return [
    {
      label: "gradient norm parts",
      shader: "train/gradient_norm.wgsl",
      constants: { PARTS },
      parameters: { vectors: i32(size / VECTOR), factor: f32(factor) },
      bindings: [read(values.sum), write(values.partials)],
      workgroups: linearGroups(PARTS),
    },
    {
      label: "gradient norm",
      shader: "train/gradient_norm_total.wgsl",
      constants: { PARTS },
      parameters: {
        first: f32(momentum),
        second: f32(secondMomentum),
        firstRate: f32(1 - momentum),
        secondRate: f32(1 - secondMomentum),
      },
      bindings: [read(values.partials), write(values.state)],
      workgroups: [1, 1, 1],
    },
  ];
}

/**
 * An update from the summed gradient, as dispatches in order: the parts of its norm, the norm with the count of elements that are not
 * finite, the update. Reads `sum`; changes `parameters`, `average`, `first`, of AdamW `second`, and `state`. Where an element of the
 * gradient is not finite, only what `readOptimizerState` gives as norm and count is written.
 *
 * The formulas are PyTorch's of `SGD(nesterov=True)` and `AdamW` and stand in `shaders/train/update.wgsl`. AdamW's corrections of the
 * moments are counted on the device, so that skipped updates do not count, and follow a momentum that changes.
 *
 * `names` are other names for buffers: without accumulation, `{ sum: OPTIMIZER_VALUES.gradient }` takes the gradient where it is.
 * Throws FeatherdetError for settings out of their ranges.
 */
export function optimizerUpdate(
  method: OptimizerMethod,
  layout: FlatLayout,
  settings: OptimizerSettings,
  names: Partial<OptimizerValues> = {},
): Kernel[] {
  const values = { ...OPTIMIZER_VALUES, ...names };
  const whole = checked(settings);
  const { learningRates, momentum, secondMomentum, weightDecay, averageDecay, clipNorm, factor, epsilon } = whole;
  const vectors = layout.size / VECTOR;
  return [...normKernels(layout, whole, values), {
    label: `update ${method}`,
    shader: "train/update.wgsl",
    constants: { METHOD: method },
    parameters: {
      vectors: i32(vectors),
      weightsEnd: i32(layout.ends.weight / VECTOR),
      biasesEnd: i32(layout.ends.bias / VECTOR),
      factor: f32(factor),
      clipNorm: f32(Math.min(clipNorm, LARGEST)),
      weightRate: f32(learningRates.weight),
      biasRate: f32(learningRates.bias),
      normRate: f32(learningRates.norm),
      decay: f32(weightDecay),
      momentum: f32(momentum),
      averageRate: f32(1 - averageDecay),
      firstRate: f32(1 - momentum),
      second: f32(secondMomentum),
      secondRate: f32(1 - secondMomentum),
      epsilon: f32(epsilon),
    },
    bindings: [
      read(values.state),
      read(values.sum),
      ...[values.parameters, values.average, values.first, ...method === "adamw" ? [values.second] : []].map(write),
    ],
    workgroups: linearGroups(vectors),
  }];
}

/** Adds `gradient` to `sum`; a new sum begins as a copy of it. */
export function accumulateGradient({ size }: FlatLayout, names: Partial<OptimizerValues> = {}): Kernel {
  const { gradient, sum } = { ...OPTIMIZER_VALUES, ...names };
  return {
    label: "add gradient",
    shader: "train/accumulate.wgsl",
    constants: {},
    parameters: { vectors: i32(size / VECTOR) },
    bindings: [read(gradient), write(sum)],
    workgroups: linearGroups(size / VECTOR),
  };
}

/** After a batch: `statistics` become `nextStatistics`, but for elements that are not finite. */
export function takeStatistics({ size }: FlatLayout, names: Partial<OptimizerValues> = {}): Kernel {
  const { nextStatistics, statistics } = { ...OPTIMIZER_VALUES, ...names };
  return {
    label: "take statistics",
    shader: "train/statistics.wgsl",
    constants: { MODE: "take" },
    parameters: { size: i32(size), rate: f32(0) },
    bindings: [read(nextStatistics), write(statistics)],
    workgroups: linearGroups(size),
  };
}

/** After an update that was not skipped: `averageStatistics` follow `statistics` as the average of the parameters follows these. */
export function averageStatistics(
  { size }: FlatLayout,
  settings: OptimizerSettings,
  names: Partial<OptimizerValues> = {},
): Kernel {
  const { statistics, averageStatistics, state } = { ...OPTIMIZER_VALUES, ...names };
  return {
    label: "average statistics",
    shader: "train/statistics.wgsl",
    constants: { MODE: "average" },
    parameters: { size: i32(size), rate: f32(1 - checked(settings).averageDecay) },
    bindings: [read(statistics), write(averageStatistics), read(state)],
    workgroups: linearGroups(size),
  };
}
