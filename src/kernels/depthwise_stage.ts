/**
 * A depthwise convolution as the first stage of the 1x1 convolution that alone reads it: the map between them is never stored.
 * Shader: `shaders/lib/depthwise_stage.wgsl` within `shaders/conv/direct.wgsl`.
 *
 * Each group of output blocks computes the first stage anew, so this pays where few groups cover the outputs: the narrow end of an
 * inverted residual block, or the halves of a small ShuffleNet.
 *
 * @module
 */

import type { ConvAttributes } from "../graph/operators.ts";
import { type Activation, activationParameters } from "./activation.ts";
import { depthwiseApplies } from "./conv_depthwise.ts";
import { type ConvStep, type ConvTile, directConvApplies } from "./conv_direct.ts";
import { tiles } from "./conv_tile.ts";
import type { ParameterField } from "./kernel.ts";

/** A depthwise convolution that is computed on the way. */
export interface DepthwiseStage {
  readonly attributes: ConvAttributes;
  /** `[C,1,k,k]`, row-major. */
  readonly weight: { readonly shape: readonly number[]; readonly data: Float32Array };
  readonly bias?: Float32Array;
  readonly activation: Activation;
}

interface ConvShape {
  readonly attributes: ConvAttributes;
  readonly weight: { readonly shape: readonly number[] };
}

/** True where `depthwise` of an input of some channels can be a stage of `point`. */
export function depthwiseStageApplies(depthwise: ConvShape, channels: number, point: ConvShape): boolean {
  const { attributes: { strides, pads }, weight: { shape } } = point;
  const layout = { kind: "blocked", batch: 1, channels, height: 1, width: 1, columns: 1, rise: 1 } as const;
  return directConvApplies(point) && shape[2] === 1 && strides[0] === 1 && pads.every((pad) => pad === 0) &&
    depthwiseApplies({ ...depthwise, x: { value: "", layout } });
}

/** Tiles of such a step. Few, since each is a pipeline to compile, and small, since compilers take long over large ones. */
const TILES = tiles([5, 4, 4], [5, 2, 6], [5, 2, 8]);

/** Costs in loads of a cell, measured on a software adapter: a store, four by four multiply-accumulates, four of them. */
const STORE = 10, PRODUCT = 0.5, TAP = 0.125;

/** What a step must cost at most beside two separate ones: part of its work is not in the model. */
const WORTHWHILE = 0.75;

type Extents = Pick<ConvStep["y"]["layout"], "channels" | "height" | "width">;

/** Cost of a step for a pixel of one block of its input. */
function stageCost(kernel: number, stride: number, { channels, height, width }: Extents, tile: ConvTile): number {
  const { x, y, outBlocks } = tile;
  const groups = Math.ceil(Math.ceil(channels / 4) / outBlocks);
  const over = Math.ceil(width / x) * x * Math.ceil(height / y) * y / (width * height);
  const loads = ((x - 1) * stride + kernel) * ((y - 1) * stride + kernel) + kernel * kernel + 1 + 4 * outBlocks;
  return over * groups * (loads / (x * y) + TAP * kernel * kernel + PRODUCT * outBlocks);
}

/** The tile of least estimated cost for a depthwise kernel, its stride and the output of the 1x1 convolution. */
export function chooseStageTile(kernel: number, stride: number, output: Extents): ConvTile {
  const cost = (tile: ConvTile) => stageCost(kernel, stride, output, tile);
  return TILES.reduce((best, tile) => cost(tile) < cost(best) ? tile : best);
}

/** True where one step is estimated to be clearly faster than a depthwise convolution and a 1x1 convolution with tiles of 5x2x8. */
export function stagePays(kernel: number, stride: number, output: Extents): boolean {
  const loads = (4 * stride + kernel) * (stride + kernel) + kernel * kernel + 1;
  const blocks = Math.ceil(output.channels / 4);
  const apart = loads / 10 + TAP * kernel * kernel + STORE + blocks * (18 / 20 + PRODUCT);
  return stageCost(kernel, stride, output, chooseStageTile(kernel, stride, output)) < WORTHWHILE * apart;
}

/** Linker constants of the stage. */
export function stageConstants(stage: DepthwiseStage | undefined): Readonly<Record<string, number>> {
  return {
    DEPTHWISE: stage?.weight.shape[2] ?? 0,
    DEPTHWISE_STRIDE: stage?.attributes.strides[0] ?? 1,
    DEPTHWISE_ACTIVATION: stage?.activation.kind ?? 0,
  };
}

/** The stage's own parameter fields. */
export function stageParameters(stage: DepthwiseStage | undefined): ParameterField[] {
  return stage ? activationParameters(stage.activation) : [];
}

/** Cells of a row of weights that the stage takes: its taps, then its biases. */
export function stageColumns(stage: DepthwiseStage | undefined): number {
  return stage ? stage.weight.shape[2] ** 2 + 1 : 0;
}

/** Writes the stage's weights into rows of packed ones, a row an input block, from column `first` on. */
export function packStage(
  { weight, bias }: DepthwiseStage,
  packed: Float32Array,
  { first, columns, rows, layers }: Record<"first" | "columns" | "rows" | "layers", number>,
): void {
  const taps = weight.shape[2] ** 2;
  for (let layer = 0; layer < layers; layer++) {
    for (let c = 0; c < weight.shape[0]; c++) {
      const start = (layer * rows + (c >> 2)) * columns + first;
      for (let t = 0; t < taps; t++) packed[4 * (start + t) + (c & 3)] = weight.data[c * taps + t];
      if (bias) packed[4 * (start + taps) + (c & 3)] = bias[c];
    }
  }
}
