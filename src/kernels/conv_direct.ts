/**
 * Direct, register-tiled convolution with bias, activation and residual in one dispatch: kernels 1x1 and 3x3 (and any other
 * square one), stride 1 or 2, one group. Shader: `shaders/conv/direct.wgsl`.
 *
 * @module
 */

import type { ConvAttributes } from "../graph/operators.ts";
import { type Activation, activationConstants, activationParameters } from "./activation.ts";
import { joinsOutputs, type Target, workgroupSize } from "./conv_tile.ts";
import { linearGroups } from "./linear.ts";
import { blocked, type BlockedLayout, i32, type Kernel, type PackedWeights, u32, vec2i } from "./kernel.ts";

/** Pixels and output blocks that one thread computes. */
export interface ConvTile {
  /** Pixels in a row. */
  readonly x: number;
  /** Rows. */
  readonly y: number;
  /** Output blocks of four channels. */
  readonly outBlocks: number;
}

/** A convolution with all that is fused into it. */
export interface ConvStep {
  readonly name: string;
  readonly attributes: ConvAttributes;
  /** `[O,C/groups,kh,kw]`, row-major. */
  readonly weight: { readonly shape: readonly number[]; readonly data: Float32Array };
  readonly bias?: Float32Array;
  readonly activation: Activation;
  /** A value added to the result, before the activation where `activateLast`. */
  readonly residual?: { readonly value: string; readonly layout: BlockedLayout; readonly activateLast: boolean };
  /**
   * A tensor whose channels, from a multiple of four on, take turns with those of the result in `y`, the result's coming first where
   * `convFirst`.
   */
  readonly interleaved?: {
    readonly value: string;
    readonly layout: BlockedLayout;
    readonly firstChannel: number;
    readonly convFirst: boolean;
  };
  /** First channel of `x` that is read; 0 by default. */
  readonly firstChannel?: number;
  /** Multiplies the channels of the input first: `[N, C, 1, 1]`. */
  readonly gate?: { readonly value: string; readonly layout: BlockedLayout };
  readonly x: { readonly value: string; readonly layout: BlockedLayout };
  readonly y: { readonly value: string; readonly layout: BlockedLayout };
}

/** True where this kernel can compute the convolution. */
export function directConvApplies(
  { attributes, weight }: {
    readonly attributes: ConvAttributes;
    readonly weight: { readonly shape: readonly number[] };
  },
): boolean {
  const [kh, kw] = weight.shape.slice(2);
  const [sy, sx] = attributes.strides;
  return attributes.groups === 1 && kh === kw && kh <= 3 && sx === sy && sx <= 2 &&
    attributes.dilations.every((d) => d === 1);
}

/** Packs weights and biases as the shader's header says. */
export function packConvWeights(step: ConvStep, outBlocks: number): PackedWeights {
  const [outputs, inputs, kh, kw] = step.weight.shape;
  const taps = kh * kw;
  // Where the channels begin within a block, those before them get weights of zero.
  const lead = (step.firstChannel ?? 0) % 4;
  const inBlocks = Math.ceil((lead + inputs) / 4);
  const layers = Math.ceil(outputs / (4 * outBlocks));
  const columns = outBlocks * taps * 4;
  const rows = inBlocks + 1;
  const pack = () => {
    const packed = new Float32Array(4 * columns * rows * layers);
    for (let o = 0; o < outputs; o++) {
      const layer = Math.floor(o / (4 * outBlocks)), block = Math.floor(o / 4) % outBlocks, lane = o % 4;
      for (let c = 0; c < inputs; c++) {
        const row = layer * rows + ((lead + c) >> 2);
        for (let t = 0; t < taps; t++) {
          packed[(row * columns + (block * taps + t) * 4 + ((lead + c) & 3)) * 4 + lane] =
            step.weight.data[(o * inputs + c) * taps + t];
        }
      }
      if (step.bias) packed[((layer * rows + inBlocks) * columns + block) * 4 + lane] = step.bias[o];
    }
    return packed;
  };
  return { columns, rows, layers, pack };
}

/** Describes the dispatch of a convolution with a given tile. */
export function directConv(step: ConvStep, tile: ConvTile, pitch: number, target: Target = "software"): Kernel {
  const [kernel] = step.weight.shape.slice(2);
  const stride = step.attributes.strides[0];
  const output = step.y.layout;
  const tilesX = Math.ceil(output.width / tile.x);
  const tiles = tilesX * Math.ceil(output.height / tile.y);
  const weights = packConvWeights(step, tile.outBlocks);
  const workgroup = workgroupSize(target);
  const joined = joinsOutputs(target);
  // Pictures have one block of three channels: the fourth is left out.
  const inLanes = Math.min(4, (step.firstChannel ?? 0) % 4 + step.weight.shape[1]);
  const { residual, interleaved, gate } = step;
  const other = residual ?? interleaved;
  return {
    label: `conv ${kernel}x${kernel} s${stride} ${tile.x}x${tile.y}x${4 * tile.outBlocks}${gate ? " gated" : ""}${
      interleaved ? " shuffled" : ""
    }`,
    shader: "conv/direct.wgsl",
    constants: {
      K: kernel,
      S: stride,
      TILE_X: tile.x,
      TILE_Y: tile.y,
      OUT_BLOCKS: tile.outBlocks,
      IN_LANES: inLanes,
      WORKGROUP: workgroup,
      JOINED: joined ? 1 : 0,
      RESIDUAL: residual ? 1 : 0,
      GATED: gate ? 1 : 0,
      INTERLEAVED: interleaved ? interleaved.convFirst ? 2 : 1 : 0,
      ...activationConstants(step.activation),
    },
    parameters: [
      blocked(step.x.layout),
      blocked(output),
      blocked(other?.layout ?? output),
      ...gate ? [blocked(gate.layout)] : [],
      vec2i(step.attributes.pads[1], step.attributes.pads[0]),
      i32(tilesX),
      i32(tiles),
      i32(weights.layers),
      i32((step.firstChannel ?? 0) >> 2),
      i32(weights.rows - 1),
      i32((interleaved?.firstChannel ?? 0) >> 2),
      i32(pitch),
      i32(weights.columns),
      i32(weights.rows),
      ...activationParameters(step.activation),
      u32(residual?.activateLast ? 1 : 0),
    ],
    bindings: [
      { kind: "read", value: step.x.value },
      { kind: "weights", weights },
      { kind: "write", value: step.y.value },
      ...[other, gate].flatMap((tensor) => tensor ? [{ kind: "read", value: tensor.value } as const] : []),
    ],
    workgroups: joined
      ? linearGroups(tiles * weights.layers * output.batch, workgroup)
      : [Math.ceil(tiles / workgroup), weights.layers, output.batch],
  };
}
