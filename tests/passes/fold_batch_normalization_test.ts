/** BatchNormalization folded into the convolution before it: the same function, worked out in float64. */

import { assert, assertEquals } from "@std/assert";
import type { Constant } from "../../src/graph/mod.ts";
import { foldBatchNormalization } from "../../src/passes/mod.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { randomTensor } from "../support/random.ts";
import { graphOf, node, PLAIN, weight } from "../support/tiny_graph.ts";

const numbers = (...data: number[]): Constant => ({
  dtype: "f32",
  shape: [data.length],
  data: Float32Array.from(data),
});

/** Three channels of 13 by 1 pixels in, two out; the first varies less than epsilon. */
function graph(hasBias: boolean) {
  return graphOf(
    { x: [2, 3, 13, 1] },
    ["y"],
    [
      node("Conv", ["x", "w", ...hasBias ? ["b"] : []], ["c"], { ...PLAIN, groups: 1 }),
      node("BatchNormalization", ["c", "scale", "shift", "mean", "variance"], ["y"], { epsilon: 1e-3 }),
    ],
    {
      ...{ w: weight([2, 3, 1, 1], 4), scale: numbers(1.5, -0.5), shift: numbers(0.25, 2) },
      ...{ mean: numbers(-0.5, 0.75), variance: numbers(1e-4, 2.5) },
      ...hasBias && { b: numbers(0.5, -3) },
    },
  );
}

for (const hasBias of [true, false]) {
  Deno.test(`a convolution ${hasBias ? "with" : "without"} a bias takes its BatchNormalization along`, () => {
    const whole = graph(hasBias), folded = foldBatchNormalization(whole);
    assertEquals(folded.nodes.map(({ op }) => op), ["Conv"]);
    const inputs = { x: referenceTensor([2, 3, 13, 1], randomTensor([2, 3, 13, 1], 7)) };
    const [expected, found] = [whole, folded].map((one) => runReference(one, inputs).get("y")!.data);
    const scale = Math.max(...Array.from(expected, Math.abs));
    expected.forEach((value, i) => assert(Math.abs(found[i] - value) < 1e-6 * scale, `${found[i]}, not ${value}`));
  });
}

Deno.test("what others read of the convolution, or a scale that comes in, keeps the normalisation", () => {
  const whole = graph(true);
  assertEquals(foldBatchNormalization({ ...whole, outputs: ["y", "c"] }).nodes.length, 2);
  const constants = new Map(whole.constants);
  constants.delete("scale");
  const inputs = [...whole.inputs, { name: "scale", dtype: "f32" as const, shape: [2] }];
  assertEquals(foldBatchNormalization({ ...whole, inputs, constants }).nodes.length, 2);
});
