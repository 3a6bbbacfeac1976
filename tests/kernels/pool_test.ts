/** Kernels of pooling, of reductions in row memory and of Resize, against the reference. */

import type { Node, OperatorAttributes, PoolAttributes } from "../../src/graph/operators.ts";
import { formName, FORMS } from "../support/compare.ts";
import { gpuTest } from "../support/gpu.ts";
import { checkKernels } from "../support/kernel_case.ts";
import { node, PLAIN } from "../support/tiny_graph.ts";

const WINDOW: PoolAttributes = { ...PLAIN, kernel: [2, 2], ceilMode: false };

const max = (attributes: Partial<PoolAttributes>) => node("MaxPool", ["x"], ["y"], { ...WINDOW, ...attributes });
const average = (attributes: Partial<OperatorAttributes["AveragePool"]>) =>
  node("AveragePool", ["x"], ["y"], { ...WINDOW, countIncludePad: false, ...attributes });

const POOLS: readonly (readonly [string, readonly number[], Node])[] = [
  ["maximum 5x5", [3, 6, 13, 11], max({ kernel: [5, 5], pads: [2, 2, 2, 2] })],
  ["maximum 2x2 s2", [1, 1, 13, 127], max({ strides: [2, 2] })],
  ["maximum 3x3 s2, rounded up", [2, 9, 14, 8], max({ kernel: [3, 3], strides: [2, 2], ceilMode: true })],
  ["maximum 3x3 s2, padded", [2, 4, 9, 6], max({ kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] })],
  ["maximum 2x3 dilated", [2, 5, 9, 13], max({ kernel: [2, 3], dilations: [3, 2], pads: [1, 2, 0, 1] })],
  ["maximum 13x13", [1, 5, 13, 13], max({ kernel: [13, 13], pads: [6, 6, 6, 6] })],
  ["average 3x3 s2, padded", [3, 6, 9, 7], average({ kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] })],
  [
    "average 3x3 s2, pads counted",
    [3, 6, 9, 7],
    average({ kernel: [3, 3], strides: [2, 2], pads: [1, 0, 1, 2], countIncludePad: true }),
  ],
  [
    "average 3x2, rounded up, pads counted",
    [2, 3, 10, 8],
    average({ kernel: [3, 2], strides: [2, 3], pads: [1, 1, 1, 0], countIncludePad: true, ceilMode: true }),
  ],
  ["average 2x2 s2, rounded up", [1, 5, 5, 13], average({ strides: [2, 2], ceilMode: true })],
];

const GLOBAL: readonly (readonly [string, readonly number[], Node])[] = [
  ["mean of pixels", [3, 7, 13, 11], node("GlobalAveragePool", ["x"], ["y"], {})],
  ["mean of one pixel", [3, 7, 1, 1], node("ReduceMean", ["x"], ["y"], { axes: [2, 3], keepDims: true })],
  ["sum of pixels", [1, 5, 5, 5], node("ReduceSum", ["x"], ["y"], { axes: [2, 3], keepDims: true })],
  ["maximum of pixels", [2, 5, 20, 17], node("ReduceMax", ["x"], ["y"], { axes: [2, 3], keepDims: true })],
  ["mean of channels", [3, 13, 5, 7], node("ReduceMean", ["x"], ["y"], { axes: [1], keepDims: true })],
  ["maximum of channels", [2, 6, 5, 7], node("ReduceMax", ["x"], ["y"], { axes: [1], keepDims: true })],
];

for (const form of FORMS) {
  gpuTest(`pooling, ${formName(form)}`, async (_, step) => {
    const pools = form === FORMS[0] ? POOLS : [POOLS[0], POOLS[4], POOLS[7]];
    for (const [what, shape, pool] of pools) {
      // Below zero, so that a padding of zeros would show in a maximum.
      const inputs = { x: { shape, range: [-2, -1] } } as const;
      await step(`${what} of [${shape}]`, () => checkKernels(pool, inputs, { form, layout: "blocked" }));
    }
  });

  gpuTest(`reductions in row memory, ${formName(form)}`, async (_, step) => {
    const reductions = form === FORMS[0] ? GLOBAL : [GLOBAL[0], GLOBAL[4]];
    for (const [what, shape, reduce] of reductions) {
      await step(
        `${what} of [${shape}]`,
        () => checkKernels(reduce, { x: { shape } }, { form, layout: "blocked", slack: 4 }),
      );
    }
  });
}

type Resize = OperatorAttributes["Resize"];
const MODES: readonly Partial<Resize>[] = [
  { mode: "nearest", coordinates: "asymmetric", nearest: "floor" },
  { mode: "nearest", coordinates: "half_pixel", nearest: "round_prefer_floor" },
  { mode: "nearest", coordinates: "half_pixel", nearest: "round_prefer_ceil" },
  { mode: "nearest", coordinates: "pytorch_half_pixel", nearest: "ceil" },
  { mode: "nearest", coordinates: "align_corners", nearest: "round_prefer_ceil" },
  { mode: "linear", coordinates: "half_pixel" },
  { mode: "linear", coordinates: "pytorch_half_pixel" },
  { mode: "linear", coordinates: "asymmetric" },
  { mode: "linear", coordinates: "align_corners" },
];
const SIZES: readonly (readonly [readonly number[], readonly [number, number]])[] = [
  [[3, 6, 5, 7], [10, 14]],
  [[1, 1, 13, 6], [5, 9]],
  [[2, 21, 3, 4], [1, 13]],
];

for (const form of FORMS) {
  gpuTest(`Resize, ${formName(form)}`, async () => {
    for (const mode of form === FORMS[0] ? MODES : [MODES[0], MODES[5]]) {
      for (const [shape, size] of SIZES) {
        const scales = [size[0] / shape[2], size[1] / shape[3]] as const;
        const attributes: Resize = {
          mode: "nearest",
          coordinates: "half_pixel",
          nearest: "floor",
          ...mode,
          size,
          scales,
        };
        const resize = node("Resize", ["x"], ["y"], attributes);
        await checkKernels(resize, { x: { shape } }, { form, layout: "blocked" });
      }
    }
  });
}
