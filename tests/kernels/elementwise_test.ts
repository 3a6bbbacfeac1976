/** Kernels of unary and binary operators and of BatchNormalization against the reference. */

import type { BinaryOperator } from "../../src/graph/operators.ts";
import { PAIR_OPERATORS } from "../../src/graph/pairs.ts";
import { isActivation } from "../../src/graph/unary.ts";
import { formName, FORMS } from "../support/compare.ts";
import { gpuTest } from "../support/gpu.ts";
import { type CaseInput, checkKernels } from "../support/kernel_case.ts";
import { node } from "../support/tiny_graph.ts";
import { UNARY_CASES, unaryNode } from "../support/unary_cases.ts";

/** Where powers of e overflow. */
const FAR = [-95, 95] as const;

for (const form of FORMS) {
  gpuTest(`unary operators in row memory, ${formName(form)}`, async () => {
    for (const one of UNARY_CASES) {
      // What attributes do is the same for all forms.
      if (form !== FORMS[0] && Object.keys(one.attributes).length > 0) continue;
      const ranges = isActivation(one.op) ? [one.range, FAR] : [one.range];
      for (const range of ranges) {
        await checkKernels(unaryNode(one), { x: { shape: [3, 5, 13, 11], range } }, { form, layout: "blocked" });
      }
    }
  });

  gpuTest(`BatchNormalization in row memory, ${formName(form)}`, async () => {
    const parameter = { shape: [6], constant: true };
    const inputs = {
      x: { shape: [3, 6, 1, 13] },
      s: parameter,
      b: parameter,
      m: parameter,
      v: { ...parameter, range: [0.5, 2] },
    } as const;
    const norm = node("BatchNormalization", ["x", "s", "b", "m", "v"], ["y"], { epsilon: 1e-3 });
    const activation = node("Silu", ["y"], ["z"], {});
    await checkKernels(norm, inputs, { form, layout: "blocked", epilogue: { activation } });
  });
}

/** Away from zero, for divisors. */
const POSITIVE = [0.5, 2] as const;
const BLOCKED: readonly (readonly [BinaryOperator, CaseInput, CaseInput])[] = [
  ["Add", { shape: [3, 5, 13, 7] }, { shape: [3, 5, 13, 7] }],
  ["Mul", { shape: [3, 6, 5, 7] }, { shape: [3, 6, 1, 1] }],
  ["Mul", { shape: [1, 6, 1, 1] }, { shape: [3, 6, 5, 7] }],
  ["Sub", { shape: [2, 9, 4, 6] }, { shape: [2, 1, 4, 6] }],
  ["Sub", { shape: [2, 1, 4, 6] }, { shape: [2, 9, 4, 6] }],
  ["Div", { shape: [2, 7, 5, 5] }, { shape: [1, 1, 1, 1], range: POSITIVE }],
  ["Div", { shape: [2, 7, 1, 5] }, { shape: [1, 1, 4, 1], range: POSITIVE }],
  ["Div", { shape: [2, 7, 3, 5] }, { shape: [], constant: true, range: POSITIVE }],
  ["Sub", { shape: [1], constant: true }, { shape: [2, 7, 3, 5] }],
  ["Add", { shape: [3, 7, 3, 5] }, { shape: [1, 7, 1, 1], constant: true }],
  ["Add", { shape: [3, 7, 3, 5] }, { shape: [7, 1, 1], constant: true }],
  ["Div", { shape: [3, 5, 6, 5], constant: true }, { shape: [3, 5, 6, 5], range: POSITIVE }],
  ["Mul", { shape: [2, 6, 4, 9] }, { shape: [2, 1, 4, 9], constant: true }],
  ["Mul", { shape: [2, 6, 1, 1] }, { shape: [4, 9], constant: true }],
  ...PAIR_OPERATORS.flatMap((op): readonly (readonly [BinaryOperator, CaseInput, CaseInput])[] => [
    [op, { shape: [3, 5, 13, 7], range: POSITIVE }, { shape: [3, 5, 13, 7] }],
    [op, { shape: [1, 7, 1, 1], constant: true, range: POSITIVE }, { shape: [2, 7, 3, 5] }],
  ]),
];

const shapes = (a: CaseInput, b: CaseInput) =>
  `[${a.shape}]${a.constant ? " constant" : ""} and [${b.shape}]${b.constant ? " constant" : ""}`;

for (const form of FORMS) {
  gpuTest(`binary operators in row memory, ${formName(form)}`, async (_, step) => {
    for (const [op, a, b] of form === FORMS[0] ? BLOCKED : BLOCKED.filter((_, i) => i % 4 === 1)) {
      await step(`${op} of ${shapes(a, b)}`, () => {
        return checkKernels(node(op, ["a", "b"], ["y"], {}), { a, b }, { form, layout: "blocked" });
      });
    }
    await step("Mul of a tensor and itself, then an activation", async () => {
      const epilogue = { activation: node("Sigmoid", ["y"], ["z"], {}) };
      const square = node("Mul", ["a", "a"], ["y"], {});
      await checkKernels(square, { a: { shape: [2, 5, 4, 7] } }, { form, layout: "blocked", epilogue });
    });
  });
}

const PLAIN: readonly (readonly [BinaryOperator, CaseInput, CaseInput])[] = [
  ["Add", { shape: [3, 127] }, { shape: [3, 127] }],
  ["Sub", { shape: [2, 1, 3, 1, 4, 5] }, { shape: [6, 1, 7, 1, 5] }],
  ["Mul", { shape: [2, 84, 13] }, { shape: [], constant: true }],
  ["Div", { shape: [1], constant: true }, { shape: [3, 5, 1], range: POSITIVE }],
  ["Mul", { shape: [1, 4, 21] }, { shape: [1, 1, 21], constant: true }],
  ["Add", { shape: [] }, { shape: [] }],
  ["Div", { shape: [1, 3, 1, 5, 1, 7, 1] }, { shape: [2, 1, 4, 1, 3, 1, 2], range: POSITIVE }],
  ...PAIR_OPERATORS.map((op): readonly [BinaryOperator, CaseInput, CaseInput] => [
    op,
    { shape: [3, 1, 127], range: POSITIVE },
    { shape: [2, 1] },
  ]),
];

gpuTest("binary operators over plain tensors", async (_, step) => {
  for (const [op, a, b] of PLAIN) {
    await step(`${op} of ${shapes(a, b)}`, () => {
      return checkKernels(node(op, ["a", "b"], ["y"], {}), { a, b }, { form: FORMS[0], layout: "plain" });
    });
  }
  await step("Mul of a tensor and itself, then an activation", async () => {
    const epilogue = { activation: node("Sigmoid", ["y"], ["z"], {}) };
    const square = node("Mul", ["a", "a"], ["y"], {});
    await checkKernels(square, { a: { shape: [5, 7] } }, { form: FORMS[0], layout: "plain", epilogue });
  });
});

gpuTest("unary operators over plain tensors", async () => {
  for (const one of UNARY_CASES) {
    await checkKernels(unaryNode(one), { x: { shape: [3, 127], range: one.range } }, {
      form: FORMS[0],
      layout: "plain",
    });
  }
});

gpuTest("BatchNormalization over plain tensors", async () => {
  const parameter = { shape: [5], constant: true };
  for (const shape of [[3, 5], [2, 5, 13], [2, 5, 3, 2, 7]]) {
    const inputs = { x: { shape }, s: parameter, b: parameter, m: parameter, v: { ...parameter, range: POSITIVE } };
    const norm = node("BatchNormalization", ["x", "s", "b", "m", "v"], ["y"], { epsilon: 1e-5 });
    await checkKernels(norm, inputs, { form: FORMS[0], layout: "plain" });
  }
});
