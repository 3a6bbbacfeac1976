/** Kernels of NoisyQuantize against the reference: rounding exactly, noise up to the digits of a device's logarithm; the noise itself by its moments. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { FeatherdetError, inferTypes, type OperatorAttributes } from "../../src/graph/mod.ts";
import { counterNormal } from "../../src/numbers/counter_normal.ts";
import { evaluateNode } from "../../src/reference/evaluate.ts";
import { referenceTensor } from "../../src/reference/tensor.ts";
import { formName, FORMS, SOME_FORMS } from "../support/compare.ts";
import { gpuTest } from "../support/gpu.ts";
import { checkKernels } from "../support/kernel_case.ts";
import { graphOf, node } from "../support/tiny_graph.ts";

type Attributes = OperatorAttributes["NoisyQuantize"];

const USUAL: Attributes = { scales: [1], step: 0.125, low: -8, high: 7, sigma: 0, seed: 3 };
const converter = (attributes: Partial<Attributes>) => node("NoisyQuantize", ["x"], ["y"], { ...USUAL, ...attributes });

const evaluated = (attributes: Partial<Attributes>, shape: readonly number[], numbers: ArrayLike<number>) => [
  ...evaluateNode(converter(attributes), [referenceTensor(shape, numbers)])[0].data,
];

Deno.test("a converter without noise rounds halves to even and saturates, in steps of each channel", () => {
  const x = [0.0625, 0.1875, 0.3, -0.0625, -0.1875, -0.3, 9, -9];
  assertEquals(evaluated({}, [8], x).map((y) => y + 0), [0, 0.25, 0.25, 0, -0.25, -0.25, 0.875, -1]);
  // Twice and half the steps: the same numbers in the second channel are four times as fine.
  const y = evaluated({ scales: [2, 0.5] }, [1, 2, 4], [0.3, 0.4, 9, -9, 0.3, 0.4, 9, -9]);
  assertEquals(y, [0.25, 0.5, 1.75, -2, 0.3125, 0.375, 0.4375, -0.5]);
});

/** Mean of a function of noise over many places. */
function meanOf(of: (noise: number, i: number) => number, count = 200_000): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += of(counterNormal(11, i, 0.5), i);
  return sum / count;
}

Deno.test("noise by the counter is normal, and independent over places, seeds and values", () => {
  // Five standard errors of 200,000 numbers.
  const off = 5 / Math.sqrt(200_000);
  const near = (found: number, expected: number, spread: number, what: string) =>
    assert(Math.abs(found - expected) < spread * off, `${what} is ${found}, expected ${expected}`);
  near(meanOf((n) => n), 0, 1, "the mean");
  near(meanOf((n) => n * n), 1, Math.SQRT2, "the variance");
  near(meanOf((n) => n ** 3), 0, Math.sqrt(15), "the skewness");
  near(meanOf((n) => n ** 4), 3, Math.sqrt(96), "the fourth moment");
  // 4.55 % of normal numbers lie beyond two standard deviations.
  near(meanOf((n) => Math.abs(n) > 2 ? 1 : 0), 0.0455, 0.21, "the share of the tails");
  near(meanOf((n, i) => n * counterNormal(11, i + 1, 0.5)), 0, 1, "the product with the next place");
  near(meanOf((n, i) => n * counterNormal(12, i, 0.5)), 0, 1, "the product with the next seed");
  near(meanOf((n, i) => n * counterNormal(11, i, 0.5 + 2 ** -24)), 0, 1, "the product with the next number of f32");
});

/** Steps so fine that rounding hides nothing of the noise. */
const FINE = { step: 2 ** -19, low: -(2 ** 23), high: 2 ** 23 };

for (const form of SOME_FORMS) {
  gpuTest(`NoisyQuantize, ${formName(form)}`, async (_, step) => {
    for (const [shape, count] of [[[3, 6, 13, 11], 6], [[1, 1, 5, 127], 1], [[2, 13, 3, 1], 1]] as const) {
      const scales = Array.from({ length: count }, (_, c) => 0.75 + c / 8);
      await step(
        `noise over [${shape}]`,
        () => checkKernels(converter({ ...FINE, scales, sigma: 0.3 }), { x: { shape } }, { form, layout: "blocked" }),
      );
      await step(
        `steps over [${shape}]`,
        () => checkKernels(converter({ scales }), { x: { shape, range: [-3, 3] } }, { form, layout: "blocked" }),
      );
    }
  });
}

gpuTest("NoisyQuantize, plain", async (_, step) => {
  for (const [shape, count] of [[[3, 7, 13], 7], [[127], 1], [[1, 1, 1, 1], 1]] as const) {
    const scales = Array.from({ length: count }, (_, c) => 0.75 + c / 8);
    await step(
      `over [${shape}]`,
      () =>
        checkKernels(converter({ ...FINE, scales, sigma: 0.3, seed: -5 }), { x: { shape } }, {
          form: FORMS[0],
          layout: "plain",
        }),
    );
  }
});

Deno.test("converters that cannot be are refused", () => {
  for (
    const [attributes, message] of [
      [{ scales: [] }, "scales must be positive"],
      [{ scales: [1, 0, 1] }, "scales must be positive"],
      [{ scales: [1, 1] }, "2 scales do not fit the channels of [2,3]"],
      [{ step: 0 }, "step 0 must be a positive number"],
      [{ low: 7 }, "levels 7 to 7 must be whole numbers"],
      [{ high: 2 ** 24 }, "must be whole numbers within 2 ** 23"],
      [{ sigma: -1 }, "sigma -1 must be a number of at least 0"],
      [{ seed: 0.5 }, "seed 0.5 must be a whole number"],
    ] as const
  ) {
    assertThrows(
      () => inferTypes(graphOf({ x: [2, 3] }, ["y"], [converter(attributes)])),
      FeatherdetError,
      message,
    );
  }
});
