/** Graphs in parts on both engines: results are those of the reference, also when frames overlap. */

import { assertEquals, assertRejects } from "@std/assert";
import { PlacedSession } from "../../src/engine/placed_session.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { assertClose } from "../support/compare.ts";
import { ON_CPU } from "../support/cpu_runtime.ts";
import { gpuTest } from "../support/gpu.ts";
import { randomTensor } from "../support/random.ts";
import { graphOf, node, PLAIN, weight } from "../support/tiny_graph.ts";

const SHAPE = [3, 1, 13, 127], FORM = { storage: "buffer", scalar: "f32", pageShift: 0 } as const;

/** Two branches that meet again, and an output in the middle. */
const GRAPH = graphOf(
  { x: SHAPE },
  ["y", "half"],
  [
    node("Conv", ["x", "w"], ["a"], { ...PLAIN, pads: [1, 1, 1, 1], groups: 1 }),
    node("Silu", ["a"], ["b"], {}),
    node("Split", ["b"], ["left", "right"], { axis: 1, sizes: [2, 3] }),
    node("Relu", ["left"], ["half"], {}),
    node("Concat", ["right", "half"], ["d"], { axis: 1 }),
    node("Add", ["d", "b"], ["e"], {}),
    node("Conv", ["e", "v"], ["y"], { ...PLAIN, strides: [2, 3], groups: 1 }),
  ],
  { w: weight([5, 1, 3, 3]), v: weight([7, 5, 2, 2], 2) },
);

for (const cuts of [[["b"]], [["half"]], [["left"], ["e"]]]) {
  gpuTest(`cut at ${JSON.stringify(cuts)}, engines in turn, frames overlapping`, async (device) => {
    const options = [...cuts, []].map((_, i) => i % 2 === 0 ? { device } : ON_CPU);
    const session = await PlacedSession.create(GRAPH, cuts, options);
    const frames = [1, 2, 3, 4].map((seed) => randomTensor(SHAPE, seed));
    const found = await Promise.all(frames.map((data) => session.run({ x: { shape: SHAPE, data } })));
    frames.forEach((data, i) => {
      assertEquals(Object.keys(found[i]), ["y", "half"]);
      for (const [name, expected] of runReference(GRAPH, { x: referenceTensor(SHAPE, data) })) {
        assertEquals(found[i][name].shape, expected.shape);
        assertClose(found[i][name].data, expected.data, FORM, `${name} of frame ${i}`, 4);
      }
    });
    await assertRejects(() => session.run({}), FeatherdetError, 'input "x" [3,1,13,127] is missing');
    session.destroy();
    await assertRejects(
      () => session.run({ x: { shape: SHAPE, data: frames[0] } }),
      FeatherdetError,
      "the session was destroyed",
    );
  });
}

Deno.test("every part has an engine", async () => {
  await assertRejects(() => PlacedSession.create(GRAPH, [["b"]], [ON_CPU]), FeatherdetError, "2 parts have 1 engines");
});
