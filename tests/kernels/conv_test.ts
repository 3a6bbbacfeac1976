/** Kernels of Conv and ConvTranspose as the table chooses them, against the reference. */

import { assertEquals } from "@std/assert";
import type { ConvAttributes, Node } from "../../src/graph/operators.ts";
import { type ConvTile, tileCost, tileVariants } from "../../src/kernels/conv_tile.ts";
import { blockedLayout, formName, FORMS } from "../support/compare.ts";
import { gpuTest } from "../support/gpu.ts";
import { type CaseEpilogue, type CaseInput, checkKernels } from "../support/kernel_case.ts";
import { node, PLAIN } from "../support/tiny_graph.ts";

interface Case {
  readonly what: string;
  readonly x: readonly number[];
  readonly weight: readonly number[];
  readonly attributes: Partial<ConvAttributes>;
  readonly bias?: false;
  readonly epilogue?: CaseEpilogue;
}

const SILU: Node = node("Silu", ["y"], ["z"], {});
const BEFORE = { activation: SILU, residual: "before activation" } as const;
const AFTER = { activation: SILU, residual: "after activation" } as const;

const DEPTHWISE: readonly Case[] = [
  { what: "3x3", x: [3, 6, 13, 11], weight: [6, 1, 3, 3], attributes: { groups: 6, pads: [1, 1, 1, 1] } },
  {
    what: "3x3 s2",
    x: [2, 9, 13, 14],
    weight: [9, 1, 3, 3],
    attributes: { groups: 9, strides: [2, 2], pads: [0, 1, 1, 0] },
    bias: false,
  },
  {
    what: "5x5",
    x: [1, 5, 7, 127],
    weight: [5, 1, 5, 5],
    attributes: { groups: 5, pads: [2, 2, 2, 2] },
    epilogue: BEFORE,
  },
  {
    what: "5x5 s2",
    x: [1, 1, 9, 13],
    weight: [1, 1, 5, 5],
    attributes: { groups: 1, strides: [2, 2], pads: [2, 2, 2, 2] },
  },
  {
    what: "5x5 s2",
    x: [2, 4, 9, 13],
    weight: [4, 1, 5, 5],
    attributes: { groups: 4, strides: [2, 2], pads: [2, 1, 1, 2] },
    epilogue: AFTER,
  },
];

const GENERAL: readonly Case[] = [
  { what: "7x7 of one channel", x: [1, 1, 13, 13], weight: [5, 1, 7, 7], attributes: { pads: [3, 3, 3, 3] } },
  { what: "1x3", x: [2, 6, 5, 13], weight: [4, 6, 1, 3], attributes: { pads: [0, 1, 0, 1] }, bias: false },
  {
    what: "5x5, uneven strides",
    x: [1, 7, 11, 17],
    weight: [6, 7, 5, 5],
    attributes: { strides: [1, 3], pads: [2, 0, 1, 2] },
  },
  {
    what: "3x3 dilated",
    x: [3, 4, 13, 9],
    weight: [8, 4, 3, 3],
    attributes: { dilations: [2, 3], pads: [2, 3, 2, 3] },
  },
  { what: "3 groups of 2 to 5", x: [2, 6, 5, 7], weight: [15, 2, 3, 3], attributes: { groups: 3, pads: [1, 1, 1, 1] } },
  { what: "2 groups of 6 to 4", x: [1, 12, 4, 5], weight: [8, 6, 1, 1], attributes: { groups: 2 }, epilogue: BEFORE },
  {
    what: "depthwise with 3 outputs a channel",
    x: [1, 7, 6, 6],
    weight: [21, 1, 3, 3],
    attributes: { groups: 7, pads: [1, 1, 1, 1] },
  },
  {
    what: "depthwise, dilated",
    x: [2, 10, 9, 8],
    weight: [10, 1, 3, 3],
    attributes: { groups: 10, dilations: [2, 2], pads: [2, 2, 2, 2] },
    epilogue: AFTER,
  },
  { what: "whole image", x: [3, 5, 4, 6], weight: [9, 5, 4, 6], attributes: {} },
];

async function check(
  test: Case,
  op: "Conv" | "ConvTranspose",
  form: typeof FORMS[number],
  outputPadding: readonly [number, number] = [0, 0],
  weights: "constant" | "trained" = "constant",
) {
  const attributes = { ...PLAIN, groups: 1, ...test.attributes };
  const filters = op === "Conv" ? test.weight[0] : test.weight[1] * attributes.groups;
  const inputs: Record<string, CaseInput> = {
    x: { shape: test.x },
    w: { shape: test.weight, constant: weights === "constant", range: [-0.5, 0.5] },
  };
  if (test.bias !== false) inputs.b = { shape: [filters], constant: weights === "constant" };
  const conv = op === "Conv"
    ? node("Conv", Object.keys(inputs), ["y"], attributes)
    : node("ConvTranspose", Object.keys(inputs), ["y"], { ...attributes, outputPadding });
  await checkKernels(conv, inputs, {
    form,
    layout: weights === "constant" ? "blocked" : "mixed",
    epilogue: test.epilogue,
    // Trained weights are rounded only where they are packed.
    slack: weights === "trained" && form.scalar === "f16" ? 4 : 2,
  });
}

const DIRECT: readonly Case[] = [
  {
    what: "3x3 of small output",
    x: [2, 5, 3, 3],
    weight: [6, 5, 3, 3],
    attributes: { pads: [1, 1, 1, 1] },
    epilogue: { activation: SILU },
  },
  { what: "1x1 on one pixel", x: [3, 13, 1, 1], weight: [6, 13, 1, 1], attributes: {} },
];

for (const form of FORMS) {
  gpuTest(`convolutions, ${formName(form)}`, async (_, step) => {
    for (const [family, cases] of Object.entries({ direct: DIRECT, depthwise: DEPTHWISE, general: GENERAL })) {
      // The forms differ in the libraries that all of them include.
      const some = form === FORMS[0] ? cases : cases.slice(1, 4);
      for (const test of some) await step(`${family} ${test.what} on [${test.x}]`, () => check(test, "Conv", form));
    }
  });
}

const TRANSPOSED: readonly (readonly [Case, (readonly [number, number])?])[] = [
  [{ what: "2x2 s2", x: [3, 6, 5, 7], weight: [6, 5, 2, 2], attributes: { strides: [2, 2] } }],
  [{
    what: "3x3 s2 with output padding",
    x: [1, 4, 6, 5],
    weight: [4, 3, 3, 3],
    attributes: { strides: [2, 2], pads: [1, 1, 1, 1] },
  }, [1, 1]],
  [{
    what: "3x2, everything uneven",
    x: [2, 6, 4, 5],
    weight: [6, 2, 3, 2],
    attributes: { strides: [3, 2], dilations: [2, 3], pads: [1, 0, 2, 1], groups: 3 },
    epilogue: BEFORE,
  }],
  [{ what: "3x3 s1", x: [2, 6, 5, 13], weight: [6, 7, 3, 3], attributes: { pads: [1, 1, 1, 1] } }],
  [{ what: "1x1 s1", x: [3, 5, 4, 7], weight: [5, 9, 1, 1], attributes: {}, bias: false, epilogue: AFTER }],
  [{ what: "3x3 s1, uneven pads", x: [1, 1, 6, 5], weight: [1, 6, 3, 3], attributes: { pads: [0, 2, 1, 0] } }],
  [{
    what: "depthwise 3x3 s1",
    x: [2, 9, 6, 7],
    weight: [9, 1, 3, 3],
    attributes: { pads: [1, 1, 1, 1], groups: 9 },
    bias: false,
  }],
  [{
    what: "depthwise 5x5 s1 with output padding",
    x: [1, 6, 5, 4],
    weight: [6, 1, 5, 5],
    attributes: { pads: [2, 1, 2, 2], groups: 6 },
  }],
  [{
    what: "depthwise 4x4 s2",
    x: [1, 13, 3, 4],
    weight: [13, 1, 4, 4],
    attributes: { strides: [2, 2], pads: [1, 1, 1, 1], groups: 13 },
    bias: false,
  }],
];

gpuTest("transposed convolutions", async (_, step) => {
  for (const form of [FORMS[0], FORMS[3]]) {
    for (const [test, outputPadding] of TRANSPOSED) {
      await step(
        `${test.what} on [${test.x}], ${formName(form)}`,
        () => check(test, "ConvTranspose", form, outputPadding),
      );
    }
  }
});

gpuTest("convolutions whose weights change from run to run", async (_, step) => {
  for (const form of FORMS) {
    const name = formName(form);
    const some = form === FORMS[0] ? [...DIRECT, ...DEPTHWISE, ...GENERAL] : [DIRECT[0], DEPTHWISE[1], GENERAL[4]];
    for (const test of some) {
      await step(`${test.what} on [${test.x}], ${name}`, () => check(test, "Conv", form, undefined, "trained"));
    }
    for (const [test, padding] of form === FORMS[0] ? TRANSPOSED : TRANSPOSED.slice(3, 7)) {
      await step(
        `transposed ${test.what} on [${test.x}], ${name}`,
        () => check(test, "ConvTranspose", form, padding, "trained"),
      );
    }
  }
});

Deno.test("tiles divide the outputs of common networks", () => {
  for (const kernel of [1, 3]) {
    for (const stride of [1, 2]) {
      for (const [channels, extent] of [[64, 80], [256, 20], [80, 40], [16, 320]]) {
        const output = blockedLayout([1, channels, extent, extent]);
        const cost = (tile: ConvTile) =>
          tileCost({ kernel, stride, inBlocks: 1, output, joined: true }, tile, "software");
        const { usual } = tileVariants(kernel, stride, "software");
        const tile = usual.reduce((best, one) => cost(one) < cost(best) ? one : best);
        const rests = [extent % tile.x, extent % tile.y, channels / 4 % tile.outBlocks];
        assertEquals(rests, [0, 0, 0], `${kernel}x${kernel} s${stride} to ${channels}x${extent}x${extent}`);
      }
    }
  }
});
