/**
 * The gates of squeeze-and-excitation in one dispatch: mean of each channel, two small products with their activations. Shader:
 * `shaders/attention/squeeze_excite.wgsl`.
 *
 * @module
 */

import { type Activation, activationConstants, activationParameters } from "./activation.ts";
import type { Operand } from "./context.ts";
import type { Target } from "./target.ts";
import { blocked, blocksOf, f32, i32, type Kernel, type PackedWeights } from "./kernel.ts";
import { blockedOf, read, write } from "./operand.ts";

/** A matrix product over channels with what follows it. */
export interface ChannelProduct {
  /** `[outputs, inputs]`, row-major. */
  readonly weight: Float32Array;
  readonly bias?: Float32Array;
  readonly inputs: number;
  readonly outputs: number;
  readonly activation: Activation;
}

/** Two products in a row over the means of a map's channels. */
export interface SqueezeExciteStep {
  /** `[N, C, H, W]`. */
  readonly x: Operand;
  /** `[N, C', 1, 1]`. */
  readonly y: Operand;
  readonly squeeze: ChannelProduct;
  readonly excite: ChannelProduct;
  /** Hidden channels are the sum of those of the means and those of the maxima (the channel attention of CBAM; see `excitedTwice`). */
  readonly maxima?: boolean;
  readonly pitch: number;
  readonly target: Target;
}

/** Most channel blocks on either side: four lists of them have to fit the memory of a workgroup, of which every adapter has 16 KiB. */
const MOST_BLOCKS = 256;

/** Cells of a map that one workgroup may sum: beyond, a dispatch of its own with more workgroups is worth its cost. */
const MOST_CELLS: { readonly [K in Target]: number } = { software: 1 << 16, hardware: 1 << 12 };

/** Channel blocks of a number of channels. */
const blocks = (channels: number) => Math.ceil(channels / 4);

/** True where the products fit the kernel. */
export function squeezeExciteApplies(squeeze: ChannelProduct, excite: ChannelProduct): boolean {
  return squeeze.outputs === excite.inputs &&
    [squeeze.inputs, squeeze.outputs, excite.outputs].every((channels) => blocks(channels) <= MOST_BLOCKS);
}

/** True where the kernel should take the means of a map `[N, C, H, W]` itself. */
export function squeezesAtOnce([, channels, height, width]: readonly number[], target: Target): boolean {
  return blocks(channels) * height * width <= MOST_CELLS[target];
}

/** The second product of a sum of two, whose inputs are added: their biases are two. */
export function excitedTwice(excite: ChannelProduct): ChannelProduct {
  return { ...excite, bias: excite.bias?.map((value) => 2 * value) };
}

/** Packs both products as the shader's header says. */
function packProducts(squeeze: ChannelProduct, excite: ChannelProduct): PackedWeights {
  const hidden = 4 * blocks(squeeze.outputs);
  const columns = Math.max(blocks(squeeze.inputs), blocks(excite.outputs), blocks(squeeze.outputs));
  const rows = 2 * hidden + 2;
  const pack = () => {
    const packed = new Float32Array(4 * columns * rows);
    for (let s = 0; s < squeeze.outputs; s++) {
      packed.set(squeeze.weight.subarray(s * squeeze.inputs, (s + 1) * squeeze.inputs), 4 * s * columns);
      for (let c = 0; c < excite.outputs; c++) {
        packed[4 * (hidden + s) * columns + c] = excite.weight[c * excite.inputs + s];
      }
    }
    if (squeeze.bias) packed.set(squeeze.bias, 8 * hidden * columns);
    if (excite.bias) packed.set(excite.bias, 4 * (2 * hidden + 1) * columns);
    return packed;
  };
  return { columns, rows, layers: 1, pack };
}

/** Describes the dispatch. */
export function squeezeExciteKernel(step: SqueezeExciteStep): Kernel {
  const { x, y, squeeze, excite, maxima = false, pitch, target } = step;
  const input = blockedOf(x);
  const weights = packProducts(squeeze, excite);
  const workgroup = target === "software" ? 64 : 256;
  const segments = Math.max(1, Math.min(input.height, Math.floor(workgroup / blocksOf(input))));
  // Powers of two, so that few pipelines serve many layers.
  const cells = 2 ** Math.ceil(Math.log2(Math.max(workgroup, blocksOf(input), blocks(squeeze.outputs))));
  return {
    label: maxima ? "squeeze excite twice" : "squeeze excite",
    shader: "attention/squeeze_excite.wgsl",
    constants: {
      WORKGROUP: workgroup,
      CELLS: cells,
      MAXIMA: maxima ? 1 : 0,
      HIDDEN_ACTIVATION: squeeze.activation.name,
      ...activationConstants(excite.activation),
    },
    parameters: {
      input: blocked(input),
      output: blocked(blockedOf(y)),
      segments: i32(segments),
      hiddenBlocks: i32(blocks(squeeze.outputs)),
      factor: f32(1 / (input.height * input.width)),
      pitch: i32(pitch),
      weightColumns: i32(weights.columns),
      weightRows: i32(weights.rows),
      hiddenA: f32(squeeze.activation.a),
      hiddenB: f32(squeeze.activation.b),
      ...activationParameters(excite.activation),
    },
    bindings: [read(x), { kind: "weights", weights }, write(y)],
    workgroups: [input.batch, 1, 1],
  };
}
