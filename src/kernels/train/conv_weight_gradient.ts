/**
 * Kernels of ConvWeightGradient: maps in row memory make a plain gradient `[O,C/groups,kh,kw]`. Square kernels up to 3 are register
 * tiled, depthwise ones of 3 and 5 too, all others are simple loops. Shaders: `shaders/train/conv_weight_gradient*.wgsl`.
 *
 * @module
 */

import { sizeOf } from "../../graph/graph.ts";
import type { KernelContext, OperatorKernels } from "../context.ts";
import { workgroupSize } from "../conv_tile.ts";
import type { Target } from "../target.ts";
import { blocked, type BlockedLayout, blocksOf, i32, type Kernel, type Parameters, vec2i } from "../kernel.ts";
import { linearGroups } from "../linear.ts";
import { blockedOf, onImages, read, refuseEpilogue } from "../operand.ts";
import { type Chunks, chunksOf, summed } from "./partial_sums.ts";

/** What one thread of the dense kernel takes in at a time, and what it holds. */
export interface GradientTile {
  /** Pixels of the output's gradient in a row. */
  readonly x: number;
  /** Rows of them. */
  readonly y: number;
  /** Blocks of four output channels. */
  readonly outBlocks: number;
  /** Blocks of four input channels. */
  readonly inBlocks: number;
}

type Context = KernelContext<"ConvWeightGradient">;

const tile = (x: number, y: number, outBlocks: number, inBlocks: number): GradientTile => ({
  x,
  y,
  outBlocks,
  inBlocks,
});

/** Tiles by kind of convolution, largest first; few, since each is a pipeline to compile. `light` are those that compile quickly. */
const TILES: { readonly [T in Target | "light"]: Record<"point" | "window" | "strided", readonly GradientTile[]> } = {
  software: {
    point: [tile(4, 1, 4, 4), tile(4, 2, 2, 2)],
    window: [tile(4, 4, 1, 1)],
    strided: [tile(4, 2, 2, 1)],
  },
  hardware: {
    point: [tile(4, 1, 2, 2)],
    window: [tile(4, 1, 1, 1)],
    strided: [tile(2, 1, 1, 1)],
  },
  light: {
    point: [tile(4, 1, 1, 1)],
    window: [tile(2, 1, 1, 1)],
    strided: [tile(2, 1, 1, 1)],
  },
};

/** True where the dense kernel can compute the gradient. */
function isDense({ node: { attributes } }: Context): boolean {
  const { kernel: [kh, kw], strides: [sy, sx], dilations, groups } = attributes;
  return groups === 1 && kh === kw && kh <= 3 && sy === sx && sx <= 2 && dilations.every((d) => d === 1);
}

/** True where the depthwise kernel can. */
function isDepthwise({ node: { attributes }, inputs: [x, dy] }: Context): boolean {
  const { kernel: [kh, kw], strides: [sy, sx], dilations, groups } = attributes;
  return groups === x.shape[1] && groups === dy.shape[1] && kh === kw && (kh === 3 || kh === 5) && sy === sx &&
    sx <= 2 &&
    dilations.every((d) => d === 1);
}

/** Fewest pixels of a chunk for which the large tiles pay, where pixels are cut at all: small maps have more copies with them. */
const CHUNK_PIXELS = 512;

/** The tile for a convolution. */
function chooseTile(context: Context): GradientTile {
  const { kernel: [kernel], strides: [stride] } = context.node.attributes;
  const kind = kernel === 1 ? "point" : stride > 1 ? "strided" : "window";
  const candidates = TILES[context.light ? "light" : context.target ?? "software"][kind];
  const pays = (shape: GradientTile) => {
    const { count, each } = partsOf(context, shape).chunks;
    return count === 1 || each * shape.x * shape.y >= CHUNK_PIXELS;
  };
  return candidates.find(pays) ?? candidates[candidates.length - 1];
}

/** Tiles of x by y pixels in a plane. */
function tilesOf({ width, height }: BlockedLayout, { x, y }: { readonly x: number; readonly y: number }) {
  const across = Math.ceil(width / x);
  return { across, all: across * Math.ceil(height / y) };
}

/** How the dense kernel parts its work. */
function partsOf({ inputs: [x, dy], outputs: [y], target = "software" }: Context, shape: GradientTile) {
  const output = blockedOf(dy);
  const { across, all } = tilesOf(output, shape);
  const outGroups = Math.ceil(blocksOf(output) / shape.outBlocks);
  const inGroups = Math.ceil(blocksOf(blockedOf(x)) / shape.inBlocks);
  const chunks = chunksOf(all * output.batch, outGroups * inGroups, sizeOf(y.shape), target);
  return { across, all, outGroups, inGroups, chunks };
}

/** The parameters that the shaders with tiles begin with; tiles across a plane, tiles of all of it, and how they are summed. */
function tiledParameters(
  { node: { attributes: { pads } }, inputs: [x, dy] }: Context,
  { across, all, chunks }: { readonly across: number; readonly all: number; readonly chunks: Chunks },
): Parameters {
  return {
    input: blocked(blockedOf(x)),
    output: blocked(blockedOf(dy)),
    pad: vec2i(pads[1], pads[0]),
    tilesX: i32(across),
    tiles: i32(all),
    perChunk: i32(chunks.each),
    chunks: i32(chunks.count),
  };
}

/** The dense kernel with a given tile. */
export function denseGradient(context: Context, shape: GradientTile): Kernel[] {
  const { node: { attributes }, inputs: [x, dy], outputs: [y], pitch, target = "software" } = context;
  const [kernel] = attributes.kernel, [stride] = attributes.strides;
  const { across, all, outGroups, inGroups, chunks } = partsOf(context, shape);
  const workgroup = workgroupSize(target);
  return summed(y, chunks, {
    label: `conv weight gradient ${kernel}x${kernel} s${stride} ${shape.x}x${shape.y}x${4 * shape.outBlocks}x${
      4 * shape.inBlocks
    }`,
    shader: "train/conv_weight_gradient.wgsl",
    constants: {
      K: kernel,
      S: stride,
      TILE_X: shape.x,
      TILE_Y: shape.y,
      OUT_BLOCKS: shape.outBlocks,
      IN_BLOCKS: shape.inBlocks,
      IN_LANES: Math.min(4, blockedOf(x).channels),
      PADDED: kernel > 1 || attributes.pads.some((pad) => pad > 0) ? 1 : 0,
      WORKGROUP: workgroup,
    },
    parameters: {
      ...tiledParameters(context, { across, all, chunks }),
      outGroups: i32(outGroups),
      inGroups: i32(inGroups),
      pitch: i32(pitch),
    },
    bindings: [read(x), read(dy)],
    workgroups: linearGroups(outGroups * inGroups * chunks.count, workgroup),
  });
}

function depthwiseGradient(context: Context): Kernel[] {
  const { node: { attributes }, inputs: [x, dy], outputs: [y], pitch, target = "software" } = context;
  const output = blockedOf(dy);
  const [kernel] = attributes.kernel, [stride] = attributes.strides;
  const shape = { x: 4, y: target === "software" ? 2 : 1 };
  const { across, all } = tilesOf(output, shape);
  const size = sizeOf(y.shape);
  const chunks = chunksOf(all * output.batch, blocksOf(output), size, target);
  const workgroup = workgroupSize(target);
  return summed(y, chunks, {
    label: `conv weight gradient depthwise ${kernel}x${kernel} s${stride}`,
    shader: "train/conv_weight_gradient_depthwise.wgsl",
    constants: { K: kernel, S: stride, TILE_X: shape.x, TILE_Y: shape.y, WORKGROUP: workgroup },
    parameters: { ...tiledParameters(context, { across, all, chunks }), pitch: i32(pitch) },
    bindings: [read(x), read(dy)],
    workgroups: linearGroups(blocksOf(output) * chunks.count, workgroup),
  });
}

function generalGradient(context: Context): Kernel[] {
  const { node: { attributes }, inputs: [x, dy], outputs: [y], pitch, target = "software" } = context;
  const { kernel, strides, pads, dilations, groups } = attributes;
  const input = blockedOf(x), output = blockedOf(dy);
  const size = sizeOf(y.shape);
  const chunks = chunksOf(output.height * output.batch, size, size, target);
  return summed(y, chunks, {
    label: `conv weight gradient general ${kernel[0]}x${kernel[1]}`,
    shader: "train/conv_weight_gradient_general.wgsl",
    constants: {},
    parameters: {
      input: blocked(input),
      output: blocked(output),
      kernel: vec2i(kernel[1], kernel[0]),
      stride: vec2i(strides[1], strides[0]),
      pad: vec2i(pads[1], pads[0]),
      dilation: vec2i(dilations[1], dilations[0]),
      inputsPerGroup: i32(input.channels / groups),
      outputsPerGroup: i32(output.channels / groups),
      size: i32(size),
      perChunk: i32(chunks.each),
      chunks: i32(chunks.count),
      pitch: i32(pitch),
    },
    bindings: [read(x), read(dy)],
    workgroups: linearGroups(size * chunks.count),
  });
}

function kernelsOf(context: Context): Kernel[] {
  refuseEpilogue(context);
  if (isDense(context)) return denseGradient(context, chooseTile(context));
  return isDepthwise(context) ? depthwiseGradient(context) : generalGradient(context);
}

/** Kernels of ConvWeightGradient. */
export const convWeightGradient: OperatorKernels<"ConvWeightGradient"> = {
  mixed: {
    applies: onImages,
    layouts: () => ({ inputs: ["blocked", "blocked"], outputs: ["plain"] }),
    kernels: kernelsOf,
  },
};
