/**
 * Convolutions of one group whose threads work together through workgroup memory, for hardware: as a product of tiles that a workgroup loads
 * once (`shaders/conv/shared.wgsl`), and with the input channels split among threads, for maps of few pixels (`shaders/conv/split.wgsl`).
 * Only measuring chooses them.
 *
 * @module
 */

import type { Candidate } from "./candidate.ts";
import {
  acceptsChannelRange,
  asConvolution,
  type ConvCandidate,
  type ConvContext,
  type ConvForm,
} from "./conv_form.ts";
import { blockWeights } from "./conv_weights.ts";
import { convBindings, type ConvStep, epilogueConstants, stepOf } from "./conv_step.ts";
import { idleFactor, LOAD_COST } from "./conv_tile.ts";
import { blocked, type Kernel, vec2i } from "./kernel.ts";

/** Pixels and output blocks that a thread computes of a product of tiles. */
export type SharedTile = { readonly run: number; readonly outBlocks: number };

/** Pixels that threads compute together, and how many threads share the input channels. */
export type SplitTile = { readonly run: number; readonly split: number };

/** Threads of a workgroup: those of a product lie in a grid. */
const WORKGROUP = 64, ACROSS = 16, DOWN = 4;

/** True where these kernels can compute the convolution. */
export function workgroupApplies(form: ConvForm): boolean {
  const plain = asConvolution(form);
  return plain !== undefined && plain.attributes.groups === 1;
}

/** The dispatch of a convolution by one of the shaders, after that which packs its weights where they are trained. */
function dispatch(
  step: ConvStep,
  pitch: number,
  { shader, label, constants, runs, groups }: {
    readonly shader: string;
    readonly label: string;
    readonly constants: Kernel["constants"];
    /** Pixels of a workgroup, and its output blocks. */
    readonly runs: number;
    readonly groups: number;
  },
): Kernel[] {
  const output = step.y.layout, { strides, pads, dilations } = step.attributes;
  const [kh, kw] = step.weight.shape.slice(2);
  const weights = blockWeights(step, pitch);
  return [...weights.before, {
    label: `conv ${kh}x${kw} s${strides[0]} ${label}`,
    shader,
    constants: { ...constants, WORKGROUP, ...epilogueConstants(step) },
    parameters: {
      input: blocked(step.x.layout),
      output: blocked(output),
      residual: blocked(step.residual?.layout ?? output),
      kernel: vec2i(kw, kh),
      stride: vec2i(strides[1], strides[0]),
      pad: vec2i(pads[1], pads[0]),
      dilation: vec2i(dilations[1], dilations[0]),
      ...weights.parameters,
    },
    bindings: convBindings(step, weights.binding),
    workgroups: [Math.ceil(output.width * output.height / runs), Math.ceil(weights.layers / groups), output.batch],
  }];
}

/** A candidate for hardware that only measuring chooses; its cost compares its variants alone. */
function measuredCandidate<Tile extends object>(
  name: string,
  shader: string,
  tiles: readonly Tile[],
  describe: (tile: Tile) => Omit<Parameters<typeof dispatch>[2], "shader">,
): Candidate<ConvForm, ConvContext, Tile> {
  return {
    name,
    shaders: [shader],
    applies: workgroupApplies,
    accepts: acceptsChannelRange,
    variants: (_, { adapter }) => ({ usual: [], measured: adapter === "hardware" ? tiles : [] }),
    cost({ weight, firstChannel, output: { width, height, batch, channels } }, tile, { adapter }) {
      const { runs, groups } = describe(tile), [kh, kw] = weight.shape.slice(2);
      const inBlocks = Math.ceil((firstChannel % 4 + weight.shape[1]) / 4);
      const workgroups = Math.ceil(width * height / runs) * Math.ceil(channels / 4 / groups) * batch;
      const each = runs * groups + LOAD_COST * (runs + 4 * groups);
      return workgroups * kh * kw * inBlocks * each * idleFactor(WORKGROUP * workgroups, adapter);
    },
    kernels: (_, context, tile) =>
      dispatch(asConvolution(stepOf(context))!, context.pitch, { shader, ...describe(tile) }),
  };
}

/** Products of tiles in workgroup memory among the kernels of convolutions. */
export const sharedCandidate: ConvCandidate<SharedTile> = measuredCandidate(
  "shared",
  "conv/shared.wgsl",
  [{ run: 4, outBlocks: 2 }, { run: 4, outBlocks: 4 }, { run: 2, outBlocks: 2 }, { run: 8, outBlocks: 2 }],
  ({ run, outBlocks }) => ({
    label: `shared ${ACROSS * run}x${4 * DOWN * outBlocks}`,
    constants: { RUN: run, OUT_BLOCKS: outBlocks, ACROSS, DOWN },
    runs: ACROSS * run,
    groups: DOWN * outBlocks,
  }),
);

/** Convolutions with split input channels among the kernels of convolutions. */
export const splitCandidate: ConvCandidate<SplitTile> = measuredCandidate(
  "split",
  "conv/split.wgsl",
  [{ run: 4, split: 8 }, { run: 2, split: 4 }, { run: 4, split: 16 }, { run: 1, split: 8 }],
  ({ run, split }) => ({
    label: `split ${split}x${run}`,
    constants: { RUN: run, SPLIT: split },
    runs: run * WORKGROUP / split,
    groups: 1,
  }),
);
