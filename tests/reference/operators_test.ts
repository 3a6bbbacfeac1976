/**
 * The reference and the shape rules against onnxruntime, over every operator of the union.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { ARITY, inferTypes, TRAINING_OPERATORS, verify } from "../../src/graph/mod.ts";
import { importOnnx } from "../../src/onnx/import.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { operatorCases } from "../support/operator_cases.ts";

const CASES = operatorCases();

Deno.test("the fixture has a case for every operator", () => {
  // Those of training have no ONNX form; tests/train/autodiff/gradients_test.ts compares them with finite differences.
  const covered = new Set<string>([...CASES.map((entry) => entry.operator), ...TRAINING_OPERATORS]);
  assertEquals(Object.keys(ARITY).filter((operator) => !covered.has(operator)), []);
});

for (const { name, model, inputs, outputs } of CASES) {
  Deno.test(`reference and shapes of ${name} equal onnxruntime's`, () => {
    const graph = importOnnx(model, { file: `${name}.onnx` });
    verify(graph);
    const types = inferTypes(graph);
    const feeds = inputs.map((input) => [input.name, referenceTensor(input.shape, input.data)] as const);
    const found = runReference(graph, Object.fromEntries(feeds));
    for (const expected of outputs) {
      assertEquals(types.get(expected.name), { dtype: "f32", shape: [...expected.shape] });
      const actual = found.get(expected.name)!;
      assertEquals([...actual.shape], [...expected.shape]);
      expected.data.forEach((value, i) => {
        // onnxruntime rounds to float32 at every step; sums here are short.
        const allowed = 4e-6 * Math.max(1, Math.abs(value));
        const off = Math.abs(actual.data[i] - value);
        assert(off <= allowed, `${expected.name}[${i}] is ${actual.data[i]}, onnxruntime says ${value}`);
      });
    }
  });
}
