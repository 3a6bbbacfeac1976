/** Kernels of quantization-aware training against the reference, and that the planner fuses none of them. */

import { assertEquals } from "@std/assert";
import type { Node, Operator } from "../../src/graph/operators.ts";
import { NO_ACTIVATION } from "../../src/kernels/activation.ts";
import type { OperatorKernels } from "../../src/kernels/context.ts";
import type { Layout, StorageForm } from "../../src/kernels/kernel.ts";
import { KERNELS } from "../../src/kernels/table.ts";
import { evaluateNode } from "../../src/reference/evaluate.ts";
import { referenceTensor } from "../../src/reference/tensor.ts";
import { assertClose, blockedLayout, formName, FORMS, PITCH, SOME_FORMS } from "../support/compare.ts";
import { gpuTest, runKernels } from "../support/gpu.ts";
import { checkKernels } from "../support/kernel_case.ts";
import { comparePlan } from "../support/plan_case.ts";
import { randomTensor } from "../support/random.ts";
import { graphOf, node, PLAIN, weight } from "../support/tiny_graph.ts";

const fakeQuantize = (scale: number, zeroPoint: number) => node("FakeQuantize", ["x"], ["y"], { scale, zeroPoint });
const rounded = (bits: 8 | 4 | 2 | 1) => node("FakeQuantizeWeights", ["x"], ["y"], { bits });

/** What the kernels of a node of one input make of these numbers, compared with the reference. */
async function checkNumbers(
  one: Node,
  shape: readonly number[],
  numbers: ArrayLike<number>,
  layout: "blocked" | "plain",
  form: StorageForm,
): Promise<Float32Array> {
  const data = Float32Array.from(numbers);
  const place: Layout = layout === "plain" ? { kind: "plain", shape } : blockedLayout(shape);
  const operand = (value: string) => ({ value, shape, layout: place });
  const table = KERNELS[one.op] as unknown as OperatorKernels<Operator>;
  const kernels = table[layout]!.kernels({
    node: one,
    inputs: [operand("x")],
    outputs: [operand("y")],
    epilogue: { activation: NO_ACTIVATION },
    pitch: PITCH,
  });
  const found = await runKernels(
    kernels,
    [{ name: "x", layout: place, data }, { name: "y", layout: place }],
    form,
    PITCH,
  );
  const [expected] = evaluateNode(one, [referenceTensor(shape, data)]);
  assertClose(found.get("y")!, expected.data, layout === "plain" ? FORMS[0] : form, `${one.op} ${layout}`);
  return found.get("y")!;
}

/** Scale, zero point and a range that reaches beyond what int8 holds then. */
const ROUNDINGS = [[0.05, 0, [-8, 8]], [0.031, -37, [-4, 6]], [0.02, 127, [-6, 1]], [0.04, -128, [-1, 12]]] as const;

for (const form of SOME_FORMS) {
  gpuTest(`FakeQuantize, ${formName(form)}`, async (_, step) => {
    for (const [scale, zeroPoint, range] of form === FORMS[0] ? ROUNDINGS : ROUNDINGS.slice(1, 2)) {
      for (const shape of [[3, 6, 13, 11], [1, 1, 5, 127]]) {
        await step(
          `${scale} and ${zeroPoint} over [${shape}]`,
          () => checkKernels(fakeQuantize(scale, zeroPoint), { x: { shape, range } }, { form, layout: "blocked" }),
        );
      }
    }
  });
}

gpuTest("FakeQuantize, plain", async (_, step) => {
  for (const [scale, zeroPoint, range] of ROUNDINGS) {
    for (const shape of [[3, 7, 13], [127], [1, 1, 1, 1]]) {
      await step(
        `${scale} and ${zeroPoint} over [${shape}]`,
        () =>
          checkKernels(fakeQuantize(scale, zeroPoint), { x: { shape, range } }, { form: FORMS[0], layout: "plain" }),
      );
    }
  }
});

gpuTest("FakeQuantize rounds halves to even and saturates, in every layout and form", async (_, step) => {
  // Every half step from beyond the least to beyond the greatest number of int8, exact in f16.
  const halves = Float32Array.from({ length: 3 * 5 * 37 }, (_, i) => (i - 277) / 8);
  for (const zeroPoint of [0, 5]) {
    const one = fakeQuantize(0.25, zeroPoint);
    await step(`plain, ${zeroPoint}`, () => checkNumbers(one, [3, 5, 37], halves, "plain", FORMS[0]));
    for (const form of SOME_FORMS) {
      await step(`${formName(form)}, ${zeroPoint}`, () => checkNumbers(one, [3, 5, 37, 1], halves, "blocked", form));
    }
  }
  const worked = await checkNumbers(
    fakeQuantize(0.25, 0),
    [6],
    [0.125, 0.375, 0.625, -0.125, -0.375, 99],
    "plain",
    FORMS[0],
  );
  assertEquals([...worked].map((y) => y + 0), [0, 0.5, 0.5, 0, -0.5, 31.75]);
});

const WEIGHTS = [[13, 127], [6, 3, 3, 3], [1, 13, 1, 1], [127, 1, 5, 5], [3, 1], [5], [9, 64, 3, 3]] as const;

for (const target of ["software", "hardware"] as const) {
  gpuTest(`FakeQuantizeWeights as for ${target}`, async (_, step) => {
    for (const bits of [8, 4, 2, 1] as const) {
      for (const shape of WEIGHTS) {
        await step(
          `${bits} bits of [${shape}]`,
          () => checkKernels(rounded(bits), { x: { shape } }, { form: FORMS[0], layout: "plain", target }),
        );
      }
    }
  });
}

gpuTest(
  "FakeQuantizeWeights rounds halves to even, keeps channels of zeros and is the same bit for bit",
  async (_, step) => {
    const halves = [127, ...Array.from({ length: 36 }, (_, i) => i - 17.5)];
    const worked = await checkNumbers(rounded(8), [1, 37], halves, "plain", FORMS[0]);
    assertEquals([...worked.slice(15, 21)].map((y) => y + 0), [-4, -2, -2, 0, 0, 2]);
    const ternary = await checkNumbers(rounded(2), [2, 2], [4, -1, 1, -1], "plain", FORMS[0]);
    assertEquals([...ternary], [4, 0, 1, -1]);
    // A weight of zero counts as positive where there is no level for it.
    const binary = await checkNumbers(rounded(1), [2, 4], [4, -2, 0, 2, -1, 0, 0, -1], "plain", FORMS[0]);
    assertEquals([...binary], [2, -2, 2, 2, -0.5, 0.5, 0.5, -0.5]);
    for (const bits of [8, 4, 2, 1] as const) {
      await step(`${bits} bits`, async () => {
        // The second of three channels is zero.
        const numbers = randomTensor([3, 7, 13], bits).map((value, i) => i >= 91 && i < 182 ? 0 : value);
        const first = await checkNumbers(rounded(bits), [3, 7, 13], numbers, "plain", FORMS[0]);
        assertEquals(first.subarray(91, 182).map((y) => y + 0), new Float32Array(91));
        assertEquals(await checkNumbers(rounded(bits), [3, 7, 13], numbers, "plain", FORMS[0]), first);
      });
    }
  },
);

gpuTest("nothing fuses FakeQuantize, and rounded constants are computed when a model is planned", async (device) => {
  const graph = graphOf({ x: [2, 5, 13, 7] }, ["y"], [
    node("FakeQuantize", ["x"], ["xq"], { scale: 1 / 32, zeroPoint: 3 }),
    node("FakeQuantizeWeights", ["w"], ["wq"], { bits: 2 }),
    node("Conv", ["xq", "wq", "b"], ["z"], { ...PLAIN, groups: 1 }),
    node("FakeQuantize", ["z"], ["zq"], { scale: 4, zeroPoint: 0 }),
    node("Relu", ["zq"], ["y"], {}),
  ], { w: weight([6, 5, 3, 3]), b: weight([6], 2) });
  const { operators } = await comparePlan(graph, { device });
  const computing = operators.filter((name) => !["ToBlocked", "ToPlain"].includes(name));
  assertEquals(computing, ["FakeQuantize", "Conv", "FakeQuantize", "Relu"]);
});
