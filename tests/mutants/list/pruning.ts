/**
 * Mutants of pruning: what is worth least, what is removed, what is fitted behind it.
 *
 * @module
 */

import type { Mutant } from "../mutant.ts";

const REFIT = "compress/prune/refit_test.ts", MASKS = "compress/prune/masks_test.ts";

/** Channels and weights that go, and weights that make up for them. */
export const PRUNING_MUTANTS: readonly Mutant[] = [
  {
    id: "slice-start",
    file: "src/passes/remove_channels.ts",
    before: "return index - [...removed].filter((other) => other < index).length;",
    after: "return index;",
    test: "passes/remove_channels_test.ts",
    filter: "removeChannels adapts groups",
    why: "slices take other channels than before",
  },
  {
    id: "groups-not-adapted",
    file: "src/passes/remove_channels.ts",
    before: "const groups = channels / weight.shape[1];",
    after: "const groups = node.attributes.groups;",
    test: "passes/remove_channels_test.ts",
    filter: "removeChannels adapts groups",
    why: "depthwise convolutions keep the number of their channels",
  },
  {
    id: "lamp-order",
    file: "src/compress/prune/criteria.ts",
    before: "const order = squares.map((_, i) => i).sort((a, b) => squares[b][part] - squares[a][part]);",
    after: "const order = squares.map((_, i) => i).sort((a, b) => squares[a][part] - squares[b][part]);",
    test: "compress/prune/criteria_test.ts",
    filter: "bn is the absolute scale, lamp",
    why: "LAMP keeps the wrong channels",
  },
  {
    id: "norm-signed",
    file: "src/compress/prune/criteria.ts",
    before: "const x = Math.abs(Number(constant.data[at]));",
    after: "const x = Number(constant.data[at]);",
    test: "compress/prune/criteria_test.ts",
    filter: "norms sum the rows",
    why: "channels of negative weights go first",
  },
  {
    id: "worth-of-others",
    file: "src/compress/prune/select.ts",
    before: "for (let i = scores.length - from; i < scores.length - to; i++) sum += scores[order[i]];",
    after: "for (let i = scores.length - from; i < scores.length - to; i++) sum += scores[i];",
    test: "compress/prune/prune_test.ts",
    filter: "what goes is worth the least of its ladder",
    why: "layers lose channels by what others are worth",
  },
  {
    id: "masks-by-sign",
    file: "src/compress/prune/mask_patterns.ts",
    before: "places.sort((a, b) => Math.abs(data[b]) - Math.abs(data[a]) || a - b);",
    after: "places.sort((a, b) => data[b] - data[a] || a - b);",
    test: MASKS,
    filter: "of four successive inputs",
    why: "large negative weights become zero",
  },
  {
    id: "masks-one-too-many",
    file: "src/compress/prune/masks.ts",
    before: "if (zeros + size > most) break;",
    after: "if (zeros > most) break;",
    test: MASKS,
    filter: "the least magnitudes go",
    why: "more weights become zero than was asked for",
  },
  {
    id: "mask-inverted",
    file: "src/compress/prune/masks.ts",
    before: "const data = Float32Array.from(constant.data as Float32Array, (x, at) => mask[at] === 1 ? x : 0);",
    after: "const data = Float32Array.from(constant.data as Float32Array, (x, at) => mask[at] === 1 ? 0 : x);",
    test: MASKS,
    filter: "the analyser counts the zeros",
    why: "what should stay goes",
  },
  {
    id: "refit-mean",
    file: "src/compress/prune/least_squares.ts",
    before: "gram[i * inputs + j] = gram[j * inputs + i] = sums.product(i, j) - count * mean[i] * mean[j];",
    after: "gram[i * inputs + j] = gram[j * inputs + i] = sums.product(i, j);",
    test: REFIT,
    filter: "rows are fitted as the normal equations",
    why: "weights behind pruned channels are fitted to other sums",
  },
  {
    id: "refit-ridge",
    file: "src/compress/prune/least_squares.ts",
    before: "for (let i = 0; i < inputs; i++) gram[i * inputs + i] += ridge * trace / inputs;",
    after: "for (let i = 0; i < inputs; i++) gram[i * inputs + i] += ridge * trace;",
    test: REFIT,
    filter: "rows are fitted as the normal equations",
    why: "the fit is held back by the number of its inputs",
  },
  {
    id: "refit-offset",
    file: "src/compress/prune/least_squares.ts",
    before: "for (let k = 0; k < inputs; k++) sum -= fitted[o * inputs + k] * mean[k];",
    after: "for (let k = 0; k < inputs; k++) sum -= weights[o * inputs + k] * mean[k];",
    test: REFIT,
    filter: "rows are fitted as the normal equations",
    why: "biases do not belong to the fitted weights",
  },
  {
    id: "refit-edges",
    file: "src/compress/prune/refit.ts",
    before: "rows[at++] = y < 0 || y >= height || x < 0 || x >= width ? 0 : input.data[plane + y * width + x];",
    after: "rows[at++] = y < 0 || y >= height ? 0 : input.data[plane + y * width + x];",
    test: REFIT,
    filter: "a convolution of stride 2 with",
    why: "pixels beyond the edge are those of the next row",
  },
];
