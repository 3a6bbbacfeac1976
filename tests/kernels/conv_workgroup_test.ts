/** Convolutions through workgroup memory against the reference: odd shapes, every form of storage, weights of a run, fusions. */

import { assertEquals } from "@std/assert";
import type { ConvAttributes, Node } from "../../src/graph/operators.ts";
import { sharedCandidate, splitCandidate } from "../../src/kernels/conv_workgroup.ts";
import { formName, FORMS, SOME_FORMS } from "../support/compare.ts";
import { gpuTest } from "../support/gpu.ts";
import { type CaseEpilogue, checkKernels } from "../support/kernel_case.ts";
import { node, PLAIN } from "../support/tiny_graph.ts";

const SILU: Node = node("Silu", ["y"], ["z"], {});

interface Case {
  readonly x: readonly [number, number, number, number];
  readonly filters: number;
  readonly kernel: readonly [number, number];
  readonly attributes?: Partial<ConvAttributes>;
  readonly epilogue?: CaseEpilogue;
  readonly transposed?: boolean;
  readonly trained?: boolean;
}

const CASES: Readonly<Record<string, Case>> = {
  "1x1, batch 3": {
    x: [3, 37, 13, 7],
    filters: 41,
    kernel: [1, 1],
    epilogue: { activation: SILU, residual: "before activation", shift: 1 },
  },
  "1x1 of one channel to one": { x: [1, 1, 5, 127], filters: 1, kernel: [1, 1] },
  "3x3 s2, uneven padding": {
    x: [1, 6, 13, 11],
    filters: 10,
    kernel: [3, 3],
    attributes: { strides: [2, 2], pads: [2, 0, 1, 3] },
    epilogue: { activation: SILU, residual: "after activation" },
  },
  "5x2, dilated": {
    x: [2, 19, 9, 8],
    filters: 5,
    kernel: [5, 2],
    attributes: { dilations: [2, 3], strides: [1, 2], pads: [4, 1, 4, 2] },
  },
  "3x3 with weights of this run": {
    x: [1, 9, 6, 5],
    filters: 7,
    kernel: [3, 3],
    attributes: { pads: [1, 1, 1, 1] },
    trained: true,
  },
  "3x3 backwards, with weights of this run": {
    x: [2, 7, 5, 6],
    filters: 6,
    kernel: [3, 3],
    attributes: { pads: [1, 1, 1, 1] },
    transposed: true,
    trained: true,
  },
};

async function check(
  { x, filters, kernel, attributes, epilogue, transposed, trained }: Case,
  form: typeof FORMS[number],
  option: {
    readonly kernel: string;
    readonly variant: string;
  },
) {
  const all = { ...PLAIN, groups: 1, ...attributes }, names = ["x", "w", "b"], constant = !trained;
  const tested = transposed
    ? node("ConvTranspose", names, ["y"], { ...all, outputPadding: [0, 0] })
    : node("Conv", names, ["y"], all);
  await checkKernels(tested, {
    x: { shape: x },
    w: { shape: [...(transposed ? [x[1], filters] : [filters, x[1]]), ...kernel], constant, range: [-0.5, 0.5] },
    b: { shape: [filters], constant },
  }, {
    form,
    layout: trained ? "mixed" : "blocked",
    epilogue,
    target: "hardware",
    option,
    slack: trained && form.scalar === "f16" ? 4 : 2,
  });
}

const OPTIONS = {
  shared: ["run=4 outBlocks=2", "run=2 outBlocks=2"],
  split: ["run=4 split=8", "run=1 split=8"],
} as const;

for (const [kernel, variants] of Object.entries(OPTIONS)) {
  for (const form of SOME_FORMS) {
    gpuTest(`convolution "${kernel}" through workgroup memory, ${formName(form)}`, async (_, step) => {
      // The forms differ in what every kernel includes.
      for (const [what, test] of Object.entries(CASES).slice(0, form === FORMS[0] ? undefined : 3)) {
        for (const variant of form === FORMS[0] ? variants : variants.slice(0, 1)) {
          await step(`${what}, ${variant}`, () => check(test, form, { kernel, variant }));
        }
      }
    });
  }
}

Deno.test("software adapters have no convolutions through workgroup memory, and hardware has them by measuring only", () => {
  for (const candidate of [sharedCandidate, splitCandidate]) {
    const of = (adapter: "software" | "hardware") => {
      const { usual, measured = [] } = candidate.variants({} as never, {
        adapter,
        packedDot: false,
        floatWeights: false,
      });
      return [usual.length, measured.length > 0];
    };
    assertEquals([of("software"), of("hardware")], [[0, false], [0, true]]);
  }
});
