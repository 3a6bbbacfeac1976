/**
 * Direct, register-tiled convolution with bias, activation and residual in one dispatch: kernels 1x1 and 3x3 (and any other
 * square one), stride 1 or 2, one group; a transposed one of stride 1 is such a convolution with its taps backwards. Shader:
 * `shaders/conv/direct.wgsl`.
 *
 * @module
 */

import { activationConstants } from "./activation.ts";
import { asConvolution, type ConvCandidate, type ConvShape, inputLanes, mayHaveFewBits } from "./conv_form.ts";
import { type ConvStep, epilogueParameters, stepOf } from "./conv_step.ts";
import { type ConvTile, joinsOutputs, tileCost, tileVariants, workgroupSize } from "./conv_tile.ts";
import { packForHalves } from "./half_products.ts";
import type { Target } from "./target.ts";
import { linearGroups } from "./linear.ts";
import { densePacking, packedExtent, packingSource, type WeightPacking } from "./conv_packing.ts";
import { bindInFewBits, type GroupedWeights } from "./conv_weights.ts";
import { blocked, i32, type Kernel, vec2i } from "./kernel.ts";
import { LIST_ROWS, packBlocks } from "./sparse_weights.ts";

/** True where this kernel can compute the convolution. */
export function directConvApplies({ attributes, weight }: ConvShape): boolean {
  const [kh, kw] = weight.shape.slice(2);
  const [sy, sx] = attributes.strides;
  return attributes.groups === 1 && kh === kw && kh <= 3 && sx === sy && sx <= 2 &&
    attributes.dilations.every((d) => d === 1);
}

/** How a direct convolution is computed, besides its tile. */
export interface DirectConvOptions {
  /** Kind of adapter. Default `software`. */
  readonly target?: Target;
  /** Keeps weights in floats also where one, two or four bits would hold them. */
  readonly floatWeights?: boolean;
  /** Pixels of a tile come one after the other, row by row, whatever the map's width is; of kernels of one pixel (see `flatApplies`). */
  readonly flat?: boolean;
  /** Computes products in f16, where nothing multiplies the weights and they are constants in floats. */
  readonly halfProducts?: boolean;
  /** Leaves out blocks of zeros in the weights, which are constants of floats; of tiles of one output block. */
  readonly sparse?: boolean;
}

/**
 * The weights of a node as they are bound: without blocks of zeros where `sparse`, in one, two or four bits each where these hold them and that is
 * `allowed`; `groups` of output blocks are computed.
 */
function weightsOf(
  step: ConvStep,
  packing: WeightPacking,
  { allowed, sparse, half }: { readonly allowed: boolean; readonly sparse: boolean; readonly half: boolean },
): GroupedWeights & { readonly half: boolean } {
  const rest = { before: [], groups: packedExtent(packing).layers, bits: 32 } as const;
  if (sparse) {
    const weights = packBlocks(packing, step);
    return { ...weights, ...rest, binding: { kind: "weights", weights }, half: false };
  }
  const bound = bindInFewBits(step, packing, allowed);
  if (!half || step.trained || bound.bits < 32) return { ...bound, half: false };
  const weights = packForHalves(packing, step);
  return { ...weights, ...rest, binding: { kind: "weights", weights }, half };
}

/** Describes the dispatch of a convolution with a given tile, after that which packs its weights where they are trained. */
export function directConv(
  step: ConvStep,
  tile: ConvTile,
  pitch: number,
  { target = "software", floatWeights = false, halfProducts = false, flat = false, sparse = false }: DirectConvOptions =
    {},
): Kernel[] {
  const [kernel] = step.weight.shape.slice(2);
  const stride = step.attributes.strides[0];
  const output = step.y.layout;
  const tilesX = Math.ceil(output.width / tile.x);
  const tiles = flat ? Math.ceil(output.width * output.height / tile.x) : tilesX * Math.ceil(output.height / tile.y);
  const packing = densePacking(packingSource(step), tile.outBlocks, (step.firstChannel ?? 0) % 4);
  const workgroup = workgroupSize(target);
  const joined = joinsOutputs(target);
  const inLanes = inputLanes({ firstChannel: step.firstChannel ?? 0, weight: step.weight });
  const { residual, interleaved, gate } = step;
  const weights = weightsOf(step, packing, {
    allowed: inLanes === 4 && !floatWeights,
    sparse,
    half: halfProducts && gate === undefined,
  });
  const other = residual ?? interleaved;
  return [...weights.before, {
    label: `conv ${kernel}x${kernel} s${stride} ${flat ? "flat " : ""}${sparse ? "sparse " : ""}${tile.x}x${tile.y}x${
      4 * tile.outBlocks
    }${gate ? " gated" : ""}${interleaved ? " shuffled" : ""}${weights.bits < 32 ? ` w${weights.bits}` : ""}${
      weights.half ? " f16" : ""
    }`,
    shader: "conv/direct.wgsl",
    constants: {
      K: kernel,
      S: stride,
      TILE_X: tile.x,
      TILE_Y: tile.y,
      OUT_BLOCKS: tile.outBlocks,
      IN_LANES: inLanes,
      WEIGHT_BITS: weights.bits,
      ...weights.half && { HALF: 1 },
      WORKGROUP: workgroup,
      JOINED: joined ? 1 : 0,
      ...flat && { FLAT: 1 },
      ...sparse && { SPARSE: 1, LIST_ROWS },
      RESIDUAL: residual ? 1 : 0,
      GATED: gate ? 1 : 0,
      INTERLEAVED: interleaved ? interleaved.convFirst ? 2 : 1 : 0,
      ...activationConstants(step.activation),
    },
    parameters: {
      input: blocked(step.x.layout),
      output: blocked(output),
      residual: blocked(other?.layout ?? output),
      ...gate && { gate: blocked(gate.layout) },
      pad: vec2i(step.attributes.pads[1], step.attributes.pads[0]),
      tilesX: i32(tilesX),
      tiles: i32(tiles),
      layers: i32(weights.groups),
      firstBlock: i32((step.firstChannel ?? 0) >> 2),
      inBlocks: i32(packing.inBlocks),
      otherBlock: i32((interleaved?.firstChannel ?? 0) >> 2),
      pitch: i32(pitch),
      weightColumns: i32(weights.columns),
      weightRows: i32(weights.rows),
      ...epilogueParameters(step),
    },
    bindings: [
      { kind: "read", value: step.x.value },
      weights.binding,
      { kind: "write", value: step.y.value },
      ...[other, gate].flatMap((tensor) => tensor ? [{ kind: "read", value: tensor.value } as const] : []),
    ],
    workgroups: joined
      ? linearGroups(tiles * weights.groups * output.batch, workgroup)
      : [Math.ceil(tiles / workgroup), weights.groups, output.batch],
  }];
}

/** The direct convolution among the kernels of convolutions: it takes along whatever there is, where the weights are constants. */
export const directCandidate: ConvCandidate<ConvTile> = {
  name: "direct",
  shaders: ["conv/direct.wgsl"],
  applies(form) {
    const plain = asConvolution(form);
    return plain !== undefined && directConvApplies(plain);
  },
  accepts(fusions, form) {
    const reads = (["gate", "channel range", "channel shuffle"] as const).some((fusion) => fusions.has(fusion));
    if (reads && (form.transposed || form.trained)) return false;
    return !fusions.has("low-bit weights") || mayHaveFewBits(form);
  },
  variants({ attributes, weight }, { adapter, halfProducts }) {
    const [stride] = attributes.strides;
    // A software adapter has no such products: it computes each in floats and rounds it, and large tiles take long to compile.
    if (halfProducts) return tileVariants(weight.shape[2], stride, "hardware");
    return tileVariants(weight.shape[2], stride, adapter);
  },
  cost({ attributes, weight, firstChannel, output }, tile, { adapter }) {
    const inBlocks = Math.ceil((firstChannel % 4 + weight.shape[1]) / 4);
    const conv = { kernel: weight.shape[2], stride: attributes.strides[0], inBlocks, output };
    return tileCost({ ...conv, joined: joinsOutputs(adapter) }, tile, adapter);
  },
  kernels(_, context, tile, { adapter, floatWeights, halfProducts }) {
    return directConv(asConvolution(stepOf(context))!, tile, context.pitch, {
      target: adapter,
      floatWeights,
      halfProducts,
    });
  },
};
