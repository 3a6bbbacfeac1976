/** Kernels of the gradient of convolutions with respect to their weight, against the reference. */

import { assertEquals } from "@std/assert";
import type { ConvAttributes, Node, Pads } from "../../src/graph/operators.ts";
import { convolved } from "../../src/graph/shapes/window.ts";
import type { Target } from "../../src/kernels/target.ts";
import { formName, FORMS, SOME_FORMS } from "../support/compare.ts";
import { gpuTest } from "../support/gpu.ts";
import { checkKernels } from "../support/kernel_case.ts";

interface Case {
  readonly x: readonly [number, number, number, number];
  readonly filters: number;
  readonly kernel: readonly [number, number];
  readonly attributes: ConvAttributes;
}

const attributes = (stride: number, pads: Pads, groups = 1): ConvAttributes => ({
  strides: [stride, stride],
  pads,
  dilations: [1, 1],
  groups,
});
const SAME: Pads = [1, 1, 1, 1], NONE: Pads = [0, 0, 0, 0], TWO: Pads = [2, 2, 2, 2];

const CASES: readonly Case[] = [
  { x: [3, 5, 13, 11], filters: 7, kernel: [3, 3], attributes: attributes(1, SAME) },
  { x: [1, 1, 13, 127], filters: 6, kernel: [3, 3], attributes: attributes(1, NONE) },
  { x: [2, 3, 9, 14], filters: 12, kernel: [3, 3], attributes: attributes(2, SAME) },
  { x: [1, 17, 8, 6], filters: 5, kernel: [3, 3], attributes: attributes(2, [0, 1, 1, 0]) },
  { x: [3, 12, 5, 7], filters: 17, kernel: [1, 1], attributes: attributes(1, NONE) },
  { x: [1, 40, 6, 13], filters: 1, kernel: [1, 1], attributes: attributes(1, NONE) },
  { x: [2, 6, 7, 6], filters: 5, kernel: [1, 1], attributes: attributes(2, SAME) },
  { x: [1, 6, 6, 9], filters: 4, kernel: [2, 2], attributes: attributes(2, NONE) },
  { x: [3, 7, 13, 11], filters: 7, kernel: [3, 3], attributes: attributes(1, SAME, 7) },
  { x: [1, 12, 9, 127], filters: 12, kernel: [3, 3], attributes: attributes(2, SAME, 12) },
  { x: [2, 5, 6, 7], filters: 5, kernel: [5, 5], attributes: attributes(1, TWO, 5) },
  { x: [1, 17, 12, 13], filters: 17, kernel: [5, 5], attributes: attributes(2, TWO, 17) },
  { x: [3, 6, 9, 7], filters: 9, kernel: [5, 5], attributes: attributes(1, TWO) },
  { x: [2, 12, 8, 9], filters: 6, kernel: [3, 3], attributes: attributes(1, SAME, 3) },
  {
    x: [1, 6, 12, 10],
    filters: 12,
    kernel: [7, 2],
    attributes: { strides: [2, 1], pads: [3, 0, 2, 1], dilations: [1, 3], groups: 2 },
  },
  // So many channels that the pixels need not be cut.
  { x: [1, 125, 3, 5], filters: 126, kernel: [1, 1], attributes: attributes(1, NONE) },
];

function check(
  { x, filters, kernel, attributes }: Case,
  form: typeof FORMS[number],
  target: Target,
  others: { readonly range?: readonly [number, number]; readonly slack?: number; readonly light?: boolean } = {},
) {
  const one: Node<"ConvWeightGradient"> = {
    op: "ConvWeightGradient",
    name: "gradient",
    inputs: ["x", "dy"],
    outputs: ["dw"],
    attributes: { ...attributes, kernel },
  };
  const dy = convolved(one, x, [filters, x[1] / attributes.groups, ...kernel]);
  const { range, slack, light } = others;
  return checkKernels(one, { x: { shape: x, range }, dy: { shape: dy, range } }, {
    form,
    layout: "mixed",
    target,
    slack,
    light,
  });
}

for (const [i, form] of SOME_FORMS.entries()) {
  gpuTest(`gradient of convolutions by the weight: ${formName(form)}`, async (_, step) => {
    for (const [k, one] of CASES.entries()) {
      // Forms differ in the libraries that all kernels include: one form has all cases and both sizes of tiles.
      if (i > 0 && k % 4 !== 0) continue;
      const { kernel, attributes: { strides, pads, groups } } = one;
      const name = `${kernel.join("x")} s${strides} pads ${pads} groups ${groups} of [${one.x}] to ${one.filters}`;
      const targets = i === 0 ? ["software", "hardware"] as const : ["hardware"] as const;
      for (const target of targets) {
        await step(`${name}, ${target}`, async () => {
          await check(one, form, target);
        });
      }
      if (i === 0) await step(`${name}, light`, async () => void await check(one, form, "software", { light: true }));
    }
  });
}

gpuTest("gradient of convolutions by the weight: long sums are exact and come out the same again", async () => {
  const long: Case = { x: [8, 2, 128, 128], filters: 3, kernel: [3, 3], attributes: attributes(1, SAME) };
  // Sums of positive numbers grow longest; each must be right to a millionth.
  const run = () => check(long, FORMS[0], "software", { range: [0, 1], slack: 0.1 });
  assertEquals(await run(), await run());
});
