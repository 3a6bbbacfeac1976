/**
 * Every operator through planner, session and device against onnxruntime, on the operator fixture.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { importOnnx } from "../../src/onnx/mod.ts";
import { Session } from "../../src/engine/session.ts";
import { gpuTest, testDevice } from "../support/gpu.ts";
import { operatorCases } from "../support/operator_cases.ts";

for (const storage of ["texture", "buffer"] as const) {
  gpuTest(`operators agree with onnxruntime through a session, activations in a ${storage}`, async () => {
    const failures: string[] = [];
    for (const { name, model, inputs, outputs } of operatorCases()) {
      try {
        const session = await Session.create(importOnnx(model), { device: await testDevice(), storage });
        const result = await session.run(Object.fromEntries(inputs.map((input) => [input.name, input])));
        for (const output of outputs) {
          const found = result[output.name];
          assertEquals([...found.shape], [...output.shape], name);
          output.data.forEach((expected, i) => {
            const tolerance = 2e-5 * (1 + Math.abs(expected));
            assert(
              Math.abs(found.data[i] - expected) <= tolerance,
              `element ${i} is ${found.data[i]}, not ${expected}`,
            );
          });
        }
        session.destroy();
      } catch (error) {
        failures.push(`${name}: ${(error as Error).message}`);
      }
    }
    assertEquals(failures, []);
  });
}
