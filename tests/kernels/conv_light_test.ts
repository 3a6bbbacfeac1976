/** The convolution that compiles quickly: against the reference, and bit for bit what the kernels give that take its place. */

import { assertEquals } from "@std/assert";
import type { ConvAttributes, Node } from "../../src/graph/operators.ts";
import { convContest } from "../../src/kernels/conv.ts";
import { lightApplies, lightConv } from "../../src/kernels/conv_light.ts";
import { asConvolution } from "../../src/kernels/conv_form.ts";
import { stepOf } from "../../src/kernels/conv_step.ts";
import type { KernelContext } from "../../src/kernels/context.ts";
import type { Kernel, StorageForm } from "../../src/kernels/kernel.ts";
import { formName, FORMS, SOME_FORMS } from "../support/compare.ts";
import { gpuTest } from "../support/gpu.ts";
import { type CaseEpilogue, checkKernels } from "../support/kernel_case.ts";
import { node, PLAIN } from "../support/tiny_graph.ts";

interface Case {
  readonly x: readonly [number, number, number, number];
  readonly weight: readonly [number, number, number, number];
  readonly attributes?: Partial<ConvAttributes>;
  readonly transposed?: boolean;
  readonly epilogue?: CaseEpilogue;
  /** Which of the kernels that run quickly gives the same bits. */
  readonly same?: string;
}

const SILU = node("Silu", ["y"], ["z"], {});
const SAME = [1, 1, 1, 1] as const;

const CASES: Readonly<Record<string, Case>> = {
  "1x1 over rows of 13": { x: [3, 9, 13, 13], weight: [7, 9, 1, 1], epilogue: { activation: SILU }, same: "direct" },
  "3x3 of a picture": {
    x: [1, 3, 13, 127],
    weight: [10, 3, 3, 3],
    attributes: { pads: SAME, strides: [2, 2] },
    epilogue: { activation: SILU },
    same: "direct",
  },
  "3x3 with a residual behind": {
    x: [3, 12, 7, 13],
    weight: [12, 12, 3, 3],
    attributes: { pads: SAME },
    epilogue: { activation: SILU, residual: "after activation", shift: 1 },
    same: "direct",
  },
  "3x3 of one channel to one, a residual before": {
    x: [1, 1, 5, 11],
    weight: [1, 1, 3, 3],
    attributes: { pads: SAME },
    epilogue: { activation: node("Relu", ["y"], ["z"], {}), residual: "before activation" },
  },
  "3x2, padding of all kinds": {
    x: [1, 6, 7, 9],
    weight: [5, 6, 3, 2],
    attributes: { pads: [2, 0, 0, 1], strides: [1, 3] },
  },
  "a residual and no activation": { x: [2, 5, 3, 4], weight: [9, 5, 1, 1], epilogue: { residual: "after activation" } },
  "depthwise": {
    x: [3, 19, 7, 13],
    weight: [19, 1, 3, 3],
    attributes: { pads: SAME, groups: 19 },
    epilogue: { activation: SILU },
    same: "depthwise",
  },
  "depthwise 5x5 s2 of one block": {
    x: [2, 3, 9, 7],
    weight: [3, 1, 5, 5],
    attributes: { pads: [2, 2, 2, 2], strides: [2, 2], groups: 3 },
    same: "depthwise",
  },
  "transposed 3x3": { x: [1, 5, 6, 7], weight: [5, 6, 3, 3], transposed: true },
};

function nodeOf({ attributes, transposed }: Case): Node {
  const all = { ...PLAIN, groups: 1, ...attributes };
  return transposed
    ? node("ConvTranspose", ["x", "w", "b"], ["y"], { ...all, outputPadding: [0, 0] })
    : node("Conv", ["x", "w", "b"], ["y"], all);
}

function check(test: Case, form: StorageForm, make: (context: KernelContext<"Conv">) => Kernel[]) {
  return checkKernels(nodeOf(test), {
    x: { shape: test.x },
    w: { shape: test.weight, constant: true, range: [-0.5, 0.5] },
    b: { shape: [test.weight[test.transposed ? 1 : 0]], constant: true },
  }, { form, layout: "blocked", epilogue: test.epilogue, slack: 2, make });
}

const light = (context: KernelContext<"Conv">) =>
  lightConv(asConvolution(stepOf(context))!, { strip: 10, outBlocks: 2 }, context.pitch, "software");

for (const form of SOME_FORMS) {
  gpuTest(`the light convolution, ${formName(form)}`, async (_, step) => {
    // The forms differ in the libraries that all kernels include.
    const cases = Object.entries(CASES).filter(([, { same }]) => form === FORMS[0] || same !== undefined);
    for (const [what, test] of cases) {
      await step(what, async () => {
        const found = await check(test, form, light);
        if (test.same === undefined || form !== FORMS[0]) return;
        const others = await check(
          test,
          form,
          (context) =>
            convContest(context).options.find(({ kernel, measured }) => kernel === test.same && !measured)!.make(
              context,
            ),
        );
        assertEquals([...found.get("y")!], [...others.get("y")!]);
      });
    }
  });
}

Deno.test("one pipeline serves every dense and depthwise convolution of an activation, and those without one", () => {
  const shared = new Set<string>();
  const contexts: KernelContext<"Conv">[] = [];
  const collect = (context: KernelContext<"Conv">) => {
    contexts.push(context);
    return [];
  };
  return Promise.all(
    Object.values(CASES).filter(({ epilogue }) => epilogue?.activation?.op !== "Relu").map((test) =>
      check(test, FORMS[0], collect).catch(() => {})
    ),
  ).then(() => {
    for (const context of contexts) {
      for (const { shader, constants, bindings } of light(context)) {
        shared.add(JSON.stringify([shader, constants, bindings.map(({ kind }) => kind)]));
      }
    }
    assertEquals([contexts.length, shared.size], [Object.keys(CASES).length - 1, 1]);
  });
});

Deno.test("the light convolution leaves what it cannot compute to others", () => {
  const weight = (...shape: number[]) => ({ shape });
  const attributes = { ...PLAIN, groups: 1 };
  assertEquals(lightApplies({ attributes, weight: weight(8, 4, 3, 3) }), true);
  assertEquals(lightApplies({ attributes: { ...attributes, dilations: [2, 2] }, weight: weight(8, 4, 3, 3) }), false);
  assertEquals(lightApplies({ attributes: { ...attributes, groups: 2 }, weight: weight(8, 4, 3, 3) }), false);
  // A channel multiplier of two.
  assertEquals(lightApplies({ attributes: { ...attributes, groups: 4 }, weight: weight(8, 1, 3, 3) }), false);
});
