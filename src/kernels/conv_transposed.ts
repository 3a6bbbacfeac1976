/**
 * Register-tiled transposed convolutions of stride 2: square kernels of 2 to 4 with one group, of 2 to 5 depthwise; in training the way
 * back through a convolution that halves its map. Shaders: `shaders/conv/transposed.wgsl` and `conv/depthwise_transposed.wgsl`.
 *
 * @module
 */

import { depthwiseCost, type PixelTile } from "./conv_depthwise.ts";
import { acceptsEpilogue, type ConvCandidate, type ConvShape } from "./conv_form.ts";
import { bindWeights, densePacking, depthwisePacking, packingSource } from "./conv_packing.ts";
import { convBindings, type ConvStep, epilogueConstants, epilogueParameters, stepOf } from "./conv_step.ts";
import { type ConvTile, tileCost, workgroupSize } from "./conv_tile.ts";
import type { KernelTarget, Target } from "./target.ts";
import { blocked, blocksOf, i32, type Kernel, vec2i } from "./kernel.ts";
import { linearGroups } from "./linear.ts";

/** True for a transposed convolution by a square kernel, at most so large, that doubles its map. */
function doubles({ attributes, weight, transposed }: ConvShape, largest: number): boolean {
  const [kh, kw] = weight.shape.slice(2);
  return transposed === true && kh === kw && kh >= 2 && kh <= largest && attributes.strides.every((s) => s === 2) &&
    attributes.dilations.every((d) => d === 1);
}

/** True where `transposedConv` can compute the convolution. */
export function transposedConvApplies(step: ConvShape): boolean {
  return step.attributes.groups === 1 && doubles(step, 4);
}

/** True where `depthwiseTransposedConv` can. */
export function depthwiseTransposedApplies(step: ConvShape): boolean {
  const [filters, depth] = step.weight.shape;
  return step.attributes.groups === filters && depth === 1 && doubles(step, 5);
}

/** Pixels of the input that a thread spreads, each over two by two of the output, and output blocks; `light` compiles quickly. */
export function transposedTile(target: Target, light: KernelTarget["light"] = false): ConvTile {
  return target === "software" && !light ? { x: 4, y: 2, outBlocks: 1 } : { x: 2, y: 1, outBlocks: 1 };
}

/** Describes the dispatch with a given tile, after that which packs the weights where they are trained. */
export function transposedConv(
  step: ConvStep,
  pitch: number,
  target: Target = "software",
  tile: ConvTile = transposedTile(target),
): Kernel[] {
  const [kernel] = step.weight.shape.slice(2);
  const [top, left] = step.attributes.pads;
  const output = step.y.layout;
  const tilesX = Math.ceil(output.width / (2 * tile.x));
  const tiles = tilesX * Math.ceil(output.height / (2 * tile.y));
  const weights = bindWeights(step, densePacking(packingSource(step, false), tile.outBlocks));
  const workgroup = workgroupSize(target);
  return [...weights.before, {
    label: `conv transposed ${kernel}x${kernel} s2 ${2 * tile.x}x${2 * tile.y}x${4 * tile.outBlocks}`,
    shader: "conv/transposed.wgsl",
    constants: {
      K: kernel,
      PARITY_X: left % 2,
      PARITY_Y: top % 2,
      TILE_X: tile.x,
      TILE_Y: tile.y,
      OUT_BLOCKS: tile.outBlocks,
      WORKGROUP: workgroup,
      ...epilogueConstants(step),
    },
    parameters: {
      input: blocked(step.x.layout),
      output: blocked(output),
      residual: blocked(step.residual?.layout ?? output),
      shift: vec2i(left >> 1, top >> 1),
      tilesX: i32(tilesX),
      tiles: i32(tiles),
      layers: i32(weights.layers),
      inBlocks: i32(weights.rows - 1),
      pitch: i32(pitch),
      weightColumns: i32(weights.columns),
      weightRows: i32(weights.rows),
      ...epilogueParameters(step),
    },
    bindings: convBindings(step, weights.binding),
    workgroups: linearGroups(tiles * weights.layers * output.batch, workgroup),
  }];
}

/** Pixels of the input that a thread of a depthwise one spreads, each over two by two of the output. */
function depthwiseTransposedTile(target: Target): PixelTile {
  return target === "software" ? { x: 4, y: 1 } : { x: 2, y: 1 };
}

/** Describes the dispatch of a depthwise one, after that which packs the weights where they are trained. */
export function depthwiseTransposedConv(
  step: ConvStep,
  pitch: number,
  target: Target,
  tile: PixelTile,
): Kernel[] {
  const [kernel] = step.weight.shape.slice(2);
  const [top, left] = step.attributes.pads;
  const output = step.y.layout;
  const tilesX = Math.ceil(output.width / (2 * tile.x));
  const tiles = tilesX * Math.ceil(output.height / (2 * tile.y));
  const weights = bindWeights(step, depthwisePacking(packingSource(step, false)));
  const workgroup = workgroupSize(target);
  return [...weights.before, {
    label: `conv depthwise transposed ${kernel}x${kernel} s2 ${2 * tile.x}x${2 * tile.y}`,
    shader: "conv/depthwise_transposed.wgsl",
    constants: {
      K: kernel,
      PARITY_X: left % 2,
      PARITY_Y: top % 2,
      TILE_X: tile.x,
      TILE_Y: tile.y,
      WORKGROUP: workgroup,
      ...epilogueConstants(step),
    },
    parameters: {
      input: blocked(step.x.layout),
      output: blocked(output),
      residual: blocked(step.residual?.layout ?? output),
      shift: vec2i(left >> 1, top >> 1),
      tilesX: i32(tilesX),
      tiles: i32(tiles),
      pitch: i32(pitch),
      weightColumns: i32(weights.columns),
      weightRows: i32(weights.rows),
      ...epilogueParameters(step),
    },
    bindings: convBindings(step, weights.binding),
    workgroups: linearGroups(tiles * blocksOf(output) * output.batch, workgroup),
  }];
}

/** Transposed convolutions of stride 2 among the kernels of convolutions. An output pixel has a quarter of the taps. */
export const transposedCandidate: ConvCandidate<ConvTile> = {
  name: "transposed",
  shaders: ["conv/transposed.wgsl"],
  applies: transposedConvApplies,
  accepts: acceptsEpilogue,
  variants: (_, { adapter, light }) => ({ usual: [transposedTile(adapter, light)] }),
  cost({ weight, output }, { x, y, outBlocks }, { adapter }) {
    const conv = { kernel: weight.shape[2] / 2, stride: 1, inBlocks: Math.ceil(weight.shape[1] / 4), output };
    return tileCost({ ...conv, joined: true }, { x: 2 * x, y: 2 * y, outBlocks }, adapter);
  },
  kernels: (_, context, tile, { adapter }) => transposedConv(stepOf(context), context.pitch, adapter, tile),
};

/** Depthwise transposed convolutions of stride 2 among the kernels of convolutions. */
export const depthwiseTransposedCandidate: ConvCandidate<PixelTile> = {
  name: "depthwise transposed",
  shaders: ["conv/depthwise_transposed.wgsl"],
  applies: depthwiseTransposedApplies,
  accepts: acceptsEpilogue,
  variants: (_, { adapter }) => ({ usual: [depthwiseTransposedTile(adapter)] }),
  cost: ({ weight, output }, { x, y }) => depthwiseCost(weight.shape[2] / 2, 1, output, { x: 2 * x, y: 2 * y }),
  kernels: (_, context, tile, { adapter }) => depthwiseTransposedConv(stepOf(context), context.pitch, adapter, tile),
};
