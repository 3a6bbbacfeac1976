/**
 * How the weights of a convolution lie in cells of four outputs, as its shader reads them (`shaders/lib/weights.wgsl`): described once,
 * packed on the host where they are constants, or on the device where they change from run to run
 * (`shaders/train/pack_weights.wgsl`).
 *
 * Dense: layer = group of `outBlocks` output blocks, row = input block, column = ((outBlock * taps + tap) * 4 + input lane); the last
 * row holds the biases, a cell an output block. With groups, rows count from the first input block that an output block needs, and
 * weights outside of a channel's group are zero. Depthwise: row = block, column = tap; the last column holds the biases.
 *
 * @module
 */

import type { ConvShape } from "./conv_form.ts";
import type { ConvStep } from "./conv_step.ts";
import { i32, type Kernel, type KernelBinding, type PackedWeights } from "./kernel.ts";
import { linearGroups } from "./linear.ts";

/** Where each weight goes. */
export interface WeightPacking {
  readonly kind: "dense" | "depthwise";
  readonly outputs: number;
  readonly taps: number;
  /** Output blocks of a layer; 1 for depthwise. */
  readonly outBlocks: number;
  /** Input blocks of a layer. */
  readonly inBlocks: number;
  /** Lane of the first input channel. */
  readonly lead: number;
  readonly inputsPerGroup: number;
  readonly outputsPerGroup: number;
  /** The first input block of any layer comes no later than this. */
  readonly latestBlock: number;
  /** Elements from one output, input, group to the next in the weight as it is given. */
  readonly steps: { readonly output: number; readonly input: number; readonly group: number };
  /** Taps run backwards in the weight. */
  readonly flip: boolean;
}

/** Extents of the packed weights in cells. */
export function packedExtent(packing: WeightPacking): Pick<PackedWeights, "columns" | "rows" | "layers"> {
  const { kind, outputs, taps, outBlocks, inBlocks } = packing;
  if (kind === "depthwise") return { columns: taps + 1, rows: Math.ceil(outputs / 4), layers: 1 };
  return { columns: outBlocks * taps * 4, rows: inBlocks + 1, layers: Math.ceil(outputs / (4 * outBlocks)) };
}

/** What a packing is made from. */
interface PackingSource {
  /** `[O,C/groups,kh,kw]`, as the weight of a Conv, also where it is given as a ConvTranspose's `[C,O/groups,kh,kw]`. */
  readonly shape: readonly number[];
  readonly groups: number;
  /** The weight is given as a ConvTranspose's. */
  readonly transposed: boolean;
  /** A transposed convolution computed as a convolution meets its taps backwards. */
  readonly flip: boolean;
}

/** What the packings of a node are made from. A transposed convolution that is computed as a plain one has its taps flipped. */
export function packingSource(
  { weight, attributes, transposed = false }: ConvShape,
  flip = transposed,
): PackingSource {
  return { shape: weight.shape, groups: attributes.groups, transposed, flip };
}

function stepsOf({ shape: [outputs, inputsPerGroup, kh, kw], groups, transposed }: PackingSource) {
  const taps = kh * kw, outputsPerGroup = outputs / groups;
  if (!transposed) return { output: inputsPerGroup * taps, input: taps, group: 0 };
  // The input counts from the first of its group, the output from the first of all.
  return {
    output: taps,
    input: outputsPerGroup * taps,
    group: (inputsPerGroup - 1) * outputsPerGroup * taps,
  };
}

/** Packing of a convolution whose channels all meet; `lead` is the lane of the first input channel. */
export function densePacking(source: PackingSource, outBlocks: number, lead = 0): WeightPacking {
  const [outputs, inputs, kh, kw] = source.shape;
  const inBlocks = Math.ceil((lead + inputs) / 4);
  return {
    kind: "dense",
    outputs,
    taps: kh * kw,
    outBlocks,
    inBlocks,
    lead,
    inputsPerGroup: inputs,
    outputsPerGroup: outputs,
    latestBlock: 0,
    steps: stepsOf(source),
    flip: source.flip,
  };
}

/** Packing of a convolution of any grouping, one output block a layer, over the given input blocks. */
export function groupedPacking(source: PackingSource, inBlocks: number, latestBlock: number): WeightPacking {
  const [outputs, inputsPerGroup] = source.shape;
  return {
    ...densePacking(source, 1),
    inBlocks,
    latestBlock,
    inputsPerGroup,
    outputsPerGroup: outputs / source.groups,
  };
}

/** Packing of a convolution of each channel by itself. */
export function depthwisePacking({ shape: [channels, , kh, kw], flip }: PackingSource): WeightPacking {
  const taps = kh * kw;
  return {
    kind: "depthwise",
    outputs: channels,
    taps,
    outBlocks: 1,
    inBlocks: 1,
    lead: 0,
    inputsPerGroup: 1,
    outputsPerGroup: 1,
    latestBlock: 0,
    steps: { output: taps, input: 0, group: 0 },
    flip,
  };
}

function packDepthwise(packed: Float32Array, { outputs, taps, flip }: WeightPacking, step: Numbers): void {
  for (let c = 0; c < outputs; c++) {
    const row = (c >> 2) * (taps + 1);
    for (let t = 0; t < taps; t++) {
      packed[4 * (row + t) + (c & 3)] = step.weight.data[c * taps + (flip ? taps - 1 - t : t)];
    }
    if (step.bias) packed[4 * (row + taps) + (c & 3)] = step.bias[c];
  }
}

function packGrouped(packed: Float32Array, packing: WeightPacking, { weight: { data }, bias }: Numbers): void {
  const { outputs, taps, outBlocks, inBlocks, lead, inputsPerGroup, outputsPerGroup, latestBlock, steps } = packing;
  const { columns, rows } = packedExtent(packing);
  for (let o = 0; o < outputs; o++) {
    const layer = Math.floor(o / (4 * outBlocks)), block = (o >> 2) % outBlocks, lane = o & 3;
    const group = Math.floor(o / outputsPerGroup);
    const firstOfLayer = Math.floor(4 * layer * outBlocks / outputsPerGroup) * inputsPerGroup >> 2;
    const first = lead + group * inputsPerGroup - 4 * Math.min(firstOfLayer, latestBlock);
    for (let c = 0; c < inputsPerGroup; c++) {
      const from = o * steps.output + c * steps.input + group * steps.group;
      const cell = (layer * rows + ((first + c) >> 2)) * columns + block * taps * 4 + ((first + c) & 3);
      for (let t = 0; t < taps; t++) {
        packed[4 * (cell + 4 * t) + lane] = data[from + (packing.flip ? taps - 1 - t : t)];
      }
    }
    if (bias) packed[4 * ((layer * rows + inBlocks) * columns + block) + lane] = bias[o];
  }
}

/** As `packGrouped` where there is one group: whole cells one after the other, which takes less than half of its time. */
function packDense(packed: Float32Array, packing: WeightPacking, { weight: { data }, bias }: Numbers): void {
  const { outputs, taps, outBlocks, inBlocks, lead, inputsPerGroup, steps, flip } = packing;
  const { columns, rows } = packedExtent(packing), { output: step } = steps;
  for (let o = 0; o < outputs; o += 4) {
    const layer = Math.floor(o / (4 * outBlocks)), block = (o >> 2) % outBlocks, lanes = Math.min(4, outputs - o);
    for (let c = 0; c < inputsPerGroup; c++) {
      let to = 4 * ((layer * rows + ((lead + c) >> 2)) * columns + block * taps * 4 + ((lead + c) & 3));
      let from = o * step + c * steps.input + (flip ? taps - 1 : 0);
      for (let t = 0; t < taps; t++, to += 16, from += flip ? -1 : 1) {
        packed[to] = data[from];
        if (lanes > 1) packed[to + 1] = data[from + step];
        if (lanes > 2) packed[to + 2] = data[from + 2 * step];
        if (lanes > 3) packed[to + 3] = data[from + 3 * step];
      }
    }
    if (bias) packed.set(bias.subarray(o, o + lanes), 4 * ((layer * rows + inBlocks) * columns + block));
  }
}

/** Weight and bias of a node. */
type Numbers = Pick<ConvStep, "weight" | "bias">;

/** Constant weights packed on the host, when they are uploaded. */
export function packOnHost(packing: WeightPacking, numbers: Numbers): PackedWeights {
  const extent = packedExtent(packing);
  const pack = () => {
    const packed = new Float32Array(4 * extent.columns * extent.rows * extent.layers);
    const isOneGroup = packing.outputsPerGroup === packing.outputs && packing.latestBlock === 0;
    const pack = packing.kind === "depthwise" ? packDepthwise : isOneGroup ? packDense : packGrouped;
    pack(packed, packing, numbers);
    return packed;
  };
  return { ...extent, pack };
}

/** The packed weights of a node as its kernel binds them, and what has to be dispatched before it. */
export interface BoundWeights extends Pick<PackedWeights, "columns" | "rows" | "layers"> {
  readonly binding: KernelBinding;
  readonly before: readonly Kernel[];
}

/** Binds the weights of a node: constants, or values that a dispatch of their own packs at every run. */
export function bindWeights(step: ConvStep, packing: WeightPacking): BoundWeights {
  const { trained } = step;
  if (!trained) {
    const weights = packOnHost(packing, step);
    return { ...weights, binding: { kind: "weights", weights }, before: [] };
  }
  const extent = packedExtent(packing);
  const name = `${step.name}#weights`;
  return {
    ...extent,
    binding: { kind: "packed", name, ...extent, access: "read" },
    before: [packKernel(packing, trained, { kind: "packed", name, ...extent, access: "write" })],
  };
}

function packKernel(
  packing: WeightPacking,
  trained: NonNullable<ConvStep["trained"]>,
  target: KernelBinding & { readonly kind: "packed" },
): Kernel {
  const { columns, rows, layers } = target;
  const { steps } = packing;
  return {
    label: `pack weights ${packing.kind}`,
    shader: "train/pack_weights.wgsl",
    constants: {
      DEPTHWISE: packing.kind === "depthwise" ? 1 : 0,
      BIAS: trained.bias === undefined ? 0 : 1,
    },
    parameters: {
      weightColumns: i32(columns),
      weightRows: i32(rows),
      layers: i32(layers),
      outputs: i32(packing.outputs),
      taps: i32(packing.taps),
      outBlocks: i32(packing.outBlocks),
      lead: i32(packing.lead),
      inputsPerGroup: i32(packing.inputsPerGroup),
      outputsPerGroup: i32(packing.outputsPerGroup),
      latestBlock: i32(packing.latestBlock),
      outputStep: i32(steps.output),
      inputStep: i32(steps.input),
      groupStep: i32(steps.group),
      firstTap: i32(packing.flip ? packing.taps - 1 : 0),
      tapStep: i32(packing.flip ? -1 : 1),
    },
    bindings: [
      { kind: "read", value: trained.weight },
      target,
      ...trained.bias === undefined ? [] : [{ kind: "read", value: trained.bias } as const],
    ],
    workgroups: linearGroups(columns * rows * layers),
  };
}
