/** Every kernel that competes for a convolution, in every variant, against the reference; and who is cheapest where. */

import { assert, assertEquals } from "@std/assert";
import type { ConvAttributes, Node } from "../../src/graph/operators.ts";
import { chooseOption } from "../../src/kernels/candidate.ts";
import { CONV_CANDIDATES, convContest } from "../../src/kernels/conv.ts";
import { NO_ACTIVATION } from "../../src/kernels/activation.ts";
import type { KernelContext, Operand } from "../../src/kernels/context.ts";
import type { Target } from "../../src/kernels/target.ts";
import { blockedLayout, formName, FORMS, PITCH, SOME_FORMS } from "../support/compare.ts";
import { gpuTest } from "../support/gpu.ts";
import { type CaseEpilogue, checkKernels } from "../support/kernel_case.ts";
import { node, PLAIN, weight } from "../support/tiny_graph.ts";

interface Case {
  readonly x: readonly [number, number, number, number];
  readonly weight: readonly [number, number, number, number];
  readonly attributes?: Partial<ConvAttributes>;
  readonly op?: "Conv" | "ConvTranspose";
  readonly epilogue?: CaseEpilogue;
}

const SILU: Node = node("Silu", ["y"], ["z"], {});
const BEFORE = { activation: SILU, residual: "before activation" } as const;
const AFTER = { activation: SILU, residual: "after activation" } as const;

const CASES: Readonly<Record<string, Case>> = {
  "1x1 over rows of 13": { x: [1, 9, 13, 13], weight: [7, 9, 1, 1], epilogue: { ...BEFORE, shift: 1 } },
  "1x1 over rows of one pixel": { x: [3, 6, 11, 1], weight: [10, 6, 1, 1], epilogue: AFTER },
  "1x1 of one channel to one": { x: [2, 1, 3, 127], weight: [1, 1, 1, 1] },
  "1x1 on one pixel": { x: [3, 13, 1, 1], weight: [6, 13, 1, 1], epilogue: { activation: SILU } },
  "transposed 1x1": { x: [1, 5, 7, 9], weight: [5, 11, 1, 1], op: "ConvTranspose", epilogue: { ...AFTER, shift: 2 } },
  "3x3 of one channel to one": { x: [1, 1, 13, 7], weight: [1, 1, 3, 3], attributes: { pads: [1, 1, 1, 1] } },
  "3x3 s2": { x: [2, 5, 9, 13], weight: [6, 5, 3, 3], attributes: { pads: [1, 1, 1, 1], strides: [2, 2] } },
  "depthwise": {
    x: [2, 6, 7, 5],
    weight: [6, 1, 3, 3],
    attributes: { pads: [1, 1, 1, 1], groups: 6 },
    epilogue: { ...BEFORE, shift: 1 },
  },
  "transposed 4x4 s2": {
    x: [1, 6, 5, 3],
    weight: [6, 5, 4, 4],
    attributes: { pads: [1, 1, 1, 1], strides: [2, 2] },
    op: "ConvTranspose",
  },
};

function nodeOf({ attributes, op = "Conv" }: Case): Node {
  const all = { ...PLAIN, groups: 1, ...attributes };
  return op === "Conv"
    ? node("Conv", ["x", "w", "b"], ["y"], all)
    : node("ConvTranspose", ["x", "w", "b"], ["y"], { ...all, outputPadding: [0, 0] });
}

/** A case with its operands placed. */
function contextOf(test: Case, target: Target = "software"): KernelContext<"Conv"> {
  const { x, weight: shape, attributes: { strides = [1, 1], pads = [0, 0, 0, 0] } = {}, op = "Conv" } = test;
  const extent = (axis: 0 | 1) => {
    const kernel = shape[2 + axis], size = x[2 + axis], padding = pads[axis] + pads[2 + axis];
    return op === "Conv"
      ? Math.floor((size + padding - kernel) / strides[axis]) + 1
      : (size - 1) * strides[axis] - padding + kernel;
  };
  const outputs = op === "Conv" ? shape[0] : shape[1] * (test.attributes?.groups ?? 1);
  const operand = (value: string, shape: readonly number[]): Operand => ({
    value,
    shape,
    layout: blockedLayout(shape),
  });
  return {
    node: nodeOf(test) as Node<"Conv">,
    inputs: [operand("x", x), { value: "w", shape, layout: { kind: "plain", shape }, constant: weight(shape) }],
    outputs: [operand("y", [x[0], outputs, extent(0), extent(1)])],
    epilogue: { activation: NO_ACTIVATION },
    pitch: PITCH,
    target,
  };
}

const contestOf = (test: Case, target?: Target) => convContest(contextOf(test, target));

for (const form of SOME_FORMS) {
  gpuTest(`kernels that compete for convolutions, ${formName(form)}`, async (_, step) => {
    for (const [what, test] of Object.entries(CASES)) {
      const outputs = test.op === "ConvTranspose" ? test.weight[1] : test.weight[0];
      for (const { kernel, variant, measured } of contestOf(test).options) {
        // The forms differ in the libraries that all of them include, and the direct kernel and Winograd's have tests of their own: most
        // of the time would go into compiling their larger tiles.
        if (
          kernel === "winograd" || measured && (form !== FORMS[0] || kernel === "direct") ||
          form !== FORMS[0] && kernel === "direct"
        ) {
          continue;
        }
        await step(`${what}: ${kernel} ${variant}`, () =>
          checkKernels(nodeOf(test), {
            x: { shape: test.x },
            w: { shape: test.weight, constant: true, range: [-0.5, 0.5] },
            b: { shape: [outputs], constant: true },
          }, { form, layout: "blocked", epilogue: test.epilogue, option: { kernel, variant }, slack: 2 }));
      }
    }
  });
}

gpuTest("the flat convolution gives the direct one's numbers, bit for bit", async () => {
  const test = CASES["1x1 over rows of 13"];
  const inputs = {
    x: { shape: test.x },
    w: { shape: test.weight, constant: true, range: [-0.5, 0.5] as const },
    b: { shape: [7], constant: true },
  };
  const run = async (kernel: string, variant: string) => {
    const option = { kernel, variant };
    const found = await checkKernels(nodeOf(test), inputs, { form: FORMS[0], layout: "blocked", option, slack: 2 });
    return [...found.get("y")!];
  };
  const direct = await run("direct", "x=5 y=2 outBlocks=2");
  for (const variant of ["run=10 outBlocks=2", "run=10 outBlocks=4"]) assertEquals(await run("flat", variant), direct);
});

gpuTest("weights that change from run to run are packed for whichever kernel is chosen", async () => {
  for (
    const [what, kernel, variant] of [
      ["1x1 over rows of 13", "flat", "run=10 outBlocks=2"],
      ["1x1 on one pixel", "general", "strip=1"],
      ["transposed 1x1", "flat", "run=10 outBlocks=4"],
    ]
  ) {
    const test = CASES[what];
    const outputs = test.op === "ConvTranspose" ? test.weight[1] : test.weight[0];
    const inputs = { x: { shape: test.x }, w: { shape: test.weight }, b: { shape: [outputs] } };
    await checkKernels(nodeOf(test), inputs, {
      form: FORMS[0],
      layout: "mixed",
      option: { kernel, variant },
      slack: 2,
    });
  }
});

Deno.test("who is cheapest: direct where tiles fit, flat where they waste, Winograd on windows, general on single pixels, depthwise by channels", () => {
  const chosen = (test: Case, target?: Target) => chooseOption(contestOf(test, target)).kernel;
  const point = (extent: number, channels = 64): Case => ({
    x: [1, channels, extent, extent],
    weight: [channels, channels, 1, 1],
  });
  // Measured on a software adapter (bench/kernels.ts): the sides of maps of 320 and 640 pixels, of 256, 416 and 224.
  assertEquals([80, 40, 20, 10, 5].map((extent) => chosen(point(extent))), Array(5).fill("direct"));
  assertEquals([16, 32, 26, 13, 7].map((extent) => chosen(point(extent))), Array(5).fill("flat"));
  assertEquals(chosen(point(1, 144)), "general");
  const grouped = (groups: number): Case => ({
    x: [1, 16, 20, 20],
    weight: [16, 16 / groups, 3, 3],
    attributes: { groups, pads: [1, 1, 1, 1] },
  });
  assertEquals([1, 4, 16].map((groups) => chosen(grouped(groups))), ["winograd", "general", "depthwise"]);
  const strided = { ...grouped(1), attributes: { pads: [1, 1, 1, 1], strides: [2, 2] } } as const;
  assertEquals([chosen(strided), chosen(grouped(1), "hardware")], ["direct", "direct"]);
  // What nobody has measured on hardware is left to measuring.
  assertEquals([7, 16, 20].map((extent) => chosen(point(extent), "hardware")), ["direct", "direct", "direct"]);
});

Deno.test("the shaders of a candidate are those that it dispatches", () => {
  for (const [what, test] of Object.entries(CASES)) {
    const { options } = contestOf(test);
    assert(options.some(({ kernel }) => kernel === "general"), what);
    for (const { kernel, make } of options) {
      const { shaders } = CONV_CANDIDATES.find(({ name }) => name === kernel)!;
      for (const { shader } of make(contextOf(test))) {
        assert(shaders.includes(shader), `${kernel} dispatches ${shader}`);
      }
    }
    assert(
      options.every(({ measured, cost }) => cost > 0 && Number.isFinite(cost) && typeof measured === "boolean"),
      what,
    );
  }
});
