/**
 * Convolution that leaves out blocks of zeros in its weights, four outputs by four inputs: the direct convolution over a list of the other
 * blocks. Shader: `shaders/conv/direct.wgsl` with `SPARSE`.
 *
 * @module
 */

import { directCandidate, directConv } from "./conv_direct.ts";
import { asConvolution, type ConvCandidate } from "./conv_form.ts";
import { stepOf } from "./conv_step.ts";
import { type ConvTile, joinsOutputs, LOAD_COST, tileCost, tileKind, type TileLists, tiles } from "./conv_tile.ts";

/** Share of blocks that are not zero above which the list costs more than it saves. */
export const MOST_BLOCKS_LEFT = 0.75;

/**
 * How much longer a block takes than in a dense convolution of the same tile, by the estimate: threads of a workgroup have lists of unequal
 * length, and what is done once an output is shared by fewer blocks. Between 1.35 and 1.6 where 30 % of the blocks are left
 * (`bench/kernels.ts` on a software adapter).
 */
const LIST_FACTOR = 1.4;

/** Tiles of one output block: each has a list of its own. */
const SPARSE_TILES: TileLists = {
  software: {
    point: tiles([5, 4, 1], [5, 2, 1], [2, 2, 1]),
    window: tiles([5, 4, 1], [2, 2, 1]),
    strided: tiles([5, 2, 1], [2, 2, 1]),
  },
  // Never measured on hardware yet.
  hardware: { point: [], window: [], strided: [] },
  measured: {
    point: tiles([4, 2, 1], [10, 2, 1]),
    window: tiles([4, 2, 1], [5, 2, 1]),
    strided: tiles([2, 1, 1], [5, 4, 1]),
  },
};

/** The convolution without blocks of zeros among the kernels of convolutions; it takes along what the direct one does, but no few bits. */
export const sparseCandidate: ConvCandidate<ConvTile> = {
  name: "sparse",
  shaders: directCandidate.shaders,
  applies: ({ blocksLeft }) => blocksLeft !== undefined,
  accepts: (fusions, form) => !fusions.has("low-bit weights") && directCandidate.accepts(fusions, form),
  variants({ attributes, weight }, { adapter }) {
    const kind = tileKind(weight.shape[2], attributes.strides[0]);
    const others = adapter === "hardware" ? SPARSE_TILES.software[kind] : [];
    return { usual: SPARSE_TILES[adapter][kind], measured: [...others, ...SPARSE_TILES.measured[kind]] };
  },
  cost({ attributes, weight, firstChannel, output, blocksLeft = 1 }, tile, { adapter }) {
    const [, inputs, kernel] = weight.shape;
    const inBlocks = Math.ceil((firstChannel % 4 + inputs) / 4);
    const conv = { kernel, stride: attributes.strides[0], inBlocks, output, joined: joinsOutputs(adapter) };
    // The place of a block in the input is one more load.
    const cells = output.batch * output.width * output.height * Math.ceil(output.channels / 4);
    return LIST_FACTOR * blocksLeft *
      (tileCost(conv, tile, adapter) + cells * inBlocks * LOAD_COST / (tile.x * tile.y));
  },
  kernels: (_, context, tile, { adapter }) =>
    directConv(asConvolution(stepOf(context))!, tile, context.pitch, { target: adapter, sparse: true }),
};
