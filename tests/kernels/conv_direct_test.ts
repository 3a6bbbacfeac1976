/** The direct convolution kernel against the reference. */

import type { Node, Pads } from "../../src/graph/operators.ts";
import { type Activation, activationOf, NO_ACTIVATION } from "../../src/kernels/activation.ts";
import { directConv } from "../../src/kernels/conv_direct.ts";
import type { ConvTile } from "../../src/kernels/conv_tile.ts";
import type { Target } from "../../src/kernels/target.ts";
import type { StorageForm } from "../../src/kernels/kernel.ts";
import { evaluateNode } from "../../src/reference/evaluate.ts";
import { referenceTensor } from "../../src/reference/tensor.ts";
import { assertClose, blockedLayout, formName, FORMS, PITCH, SOME_FORMS, storable } from "../support/compare.ts";
import { gpuTest, runKernels } from "../support/gpu.ts";
import { randomTensor } from "../support/random.ts";
import { node } from "../support/tiny_graph.ts";

interface Case {
  readonly x: readonly [number, number, number, number];
  readonly filters: number;
  readonly k: number;
  readonly s: number;
  readonly pads: Pads;
  readonly tile: ConvTile;
  readonly bias?: boolean;
  readonly activation?: Node;
  readonly residual?: "before" | "after";
  readonly target?: Target;
}

const SILU = node("Silu", ["y"], ["z"], {});
const SAME: Pads = [1, 1, 1, 1];
const NONE: Pads = [0, 0, 0, 0];

const CASES: readonly Case[] = [
  { x: [1, 3, 13, 13], filters: 16, k: 3, s: 1, pads: SAME, tile: { x: 5, y: 4, outBlocks: 1 }, activation: SILU },
  { x: [3, 5, 13, 11], filters: 7, k: 3, s: 2, pads: SAME, tile: { x: 3, y: 2, outBlocks: 2 }, activation: SILU },
  { x: [1, 8, 9, 127], filters: 10, k: 1, s: 1, pads: NONE, tile: { x: 5, y: 2, outBlocks: 4 }, bias: false },
  { x: [3, 9, 7, 5], filters: 1, k: 1, s: 2, pads: NONE, tile: { x: 4, y: 1, outBlocks: 1 } },
  { x: [2, 6, 8, 8], filters: 9, k: 2, s: 2, pads: [1, 0, 0, 1], tile: { x: 2, y: 2, outBlocks: 1 } },
  { x: [1, 1, 6, 14], filters: 6, k: 2, s: 1, pads: [0, 1, 1, 0], tile: { x: 4, y: 2, outBlocks: 1 } },
  { x: [1, 4, 5, 6], filters: 4, k: 3, s: 1, pads: [2, 0, 1, 3], tile: { x: 5, y: 4, outBlocks: 1 } },
  {
    x: [2, 12, 10, 17],
    filters: 12,
    k: 3,
    s: 1,
    pads: SAME,
    tile: { x: 5, y: 4, outBlocks: 1 },
    activation: SILU,
    residual: "after",
  },
  {
    x: [1, 12, 10, 17],
    filters: 11,
    k: 3,
    s: 1,
    pads: SAME,
    tile: { x: 5, y: 4, outBlocks: 1 },
    activation: node("Relu", ["y"], ["z"], {}),
    residual: "before",
  },
  {
    x: [1, 10, 6, 7],
    filters: 40,
    k: 1,
    s: 1,
    pads: NONE,
    tile: { x: 5, y: 2, outBlocks: 4 },
    activation: node("LeakyRelu", ["y"], ["z"], { alpha: 0.1 }),
    residual: "before",
  },
  { x: [3, 2, 13, 11], filters: 19, k: 3, s: 2, pads: SAME, tile: { x: 2, y: 1, outBlocks: 2 }, target: "hardware" },
];

function label({ x, filters, k, s, pads, tile, residual, target = "software" }: Case): string {
  const form =
    `${k}x${k} s${s} pads ${pads} of [${x}] to ${filters}, tile ${tile.x}x${tile.y}x${tile.outBlocks}, ${target}`;
  return residual ? `${form}, residual ${residual} activation` : form;
}

async function check(test: Case, form: StorageForm): Promise<void> {
  const attributes = { strides: [test.s, test.s], pads: test.pads, dilations: [1, 1], groups: 1 } as const;
  const weightShape = [test.filters, test.x[1], test.k, test.k];
  const x = storable(randomTensor(test.x, 1), form);
  const weight = storable(randomTensor(weightShape, 2, -0.4, 0.4), form);
  const bias = test.bias === false ? undefined : storable(randomTensor([test.filters], 3), form);
  const conv = node("Conv", bias ? ["x", "w", "b"] : ["x", "w"], ["y"], attributes);
  const inputs = [referenceTensor(test.x, x), referenceTensor(weightShape, weight)];
  if (bias) inputs.push(referenceTensor([test.filters], bias));
  let [expected] = evaluateNode(conv, inputs);
  const r = test.residual && storable(randomTensor(expected.shape, 4), form);
  const add = () => ({ shape: expected.shape, data: expected.data.map((value, i) => value + r![i]) });
  if (test.residual === "before") expected = add();
  if (test.activation) [expected] = evaluateNode(test.activation, [expected]);
  if (test.residual === "after") expected = add();

  const activation: Activation = test.activation ? activationOf(test.activation)! : NO_ACTIVATION;
  const layouts = {
    x: blockedLayout(test.x),
    y: blockedLayout(expected.shape, 2, 1),
    r: blockedLayout(expected.shape, 5),
  };
  const residual = r && { value: "r", layout: layouts.r, activateLast: test.residual === "before" };
  const kernels = directConv(
    {
      name: "conv",
      attributes,
      weight: { shape: weightShape, data: weight },
      bias,
      activation,
      residual,
      x: { value: "x", layout: layouts.x },
      y: { value: "y", layout: layouts.y },
    },
    test.tile,
    PITCH,
    { target: test.target },
  );
  const tensors = [{ name: "x", layout: layouts.x, data: x }, { name: "y", layout: layouts.y }];
  if (r) tensors.push({ name: "r", layout: layouts.r, data: r });
  const found = await runKernels(kernels, tensors, form, PITCH);
  assertClose(found.get("y")!, expected.data, form, label(test), 2);
}

/** Small tiles compile fast; the forms differ only in what every tile includes. */
const SMALL: readonly Case[] = [
  { x: [3, 5, 13, 11], filters: 7, k: 3, s: 2, pads: SAME, tile: { x: 2, y: 1, outBlocks: 2 }, activation: SILU },
  { x: [1, 10, 6, 7], filters: 9, k: 1, s: 1, pads: NONE, tile: { x: 2, y: 2, outBlocks: 1 }, residual: "before" },
  {
    x: [2, 4, 5, 9],
    filters: 6,
    k: 2,
    s: 1,
    pads: [1, 0, 0, 1],
    tile: { x: 2, y: 1, outBlocks: 1 },
    residual: "after",
  },
];

for (const form of SOME_FORMS) {
  for (const test of form === FORMS[0] ? CASES : SMALL) {
    gpuTest(`direct conv ${label(test)}, ${formName(form)}`, () => check(test, form));
  }
}
