/** Inputs that the host lays into row memory: cell by cell, and in sessions whose inputs have no plain copy. */

import { assert, assertEquals } from "@std/assert";
import { Session } from "../../src/engine/session.ts";
import { layIntoCells } from "../../src/engine/cells.ts";
import { type Graph, GraphEditor } from "../../src/graph/mod.ts";
import { buildPlan } from "../../src/plan/plan.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { arenaRows, packBlocked } from "../support/blocked.ts";
import { blockedLayout, PITCH } from "../support/compare.ts";
import { gpuTest, testDevice } from "../support/gpu.ts";
import { randomTensor } from "../support/random.ts";

Deno.test("a tensor is laid into the cells that kernels read", () => {
  for (const shape of [[1, 3, 13, 127], [3, 1, 5, 4], [2, 7, 1, 13], [1, 8, 9, 75]]) {
    const layout = blockedLayout(shape), data = randomTensor(shape, 4);
    const rows = arenaRows(layout, 3);
    const expected = packBlocked(layout, data, PITCH, 3, { spare: 0, outside: 0 });
    assertEquals(layIntoCells(data, layout, { pitch: PITCH, rows }), expected, `${shape}`);
  }
});

/** Inputs that are read in row memory, alone and as a part of a joint tensor; plain ones: cut, of another rank, read as they are. The first is an output too. */
function manyInputs(): Graph {
  const editor = new GraphEditor();
  const x = editor.input("x", [3, 7, 13, 5]), joined = editor.input("joined", [3, 8, 13, 5]);
  const cut = editor.input("cut", [3, 8, 13, 5]),
    flat = editor.input("flat", [3, 11]),
    kept = editor.input("kept", [3, 8, 13, 5]);
  const pads = { strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1], groups: 1 } as const;
  editor.constant("w", [4, 7, 3, 3], randomTensor([4 * 7 * 9], 3, -0.2, 0.2));
  editor.constant("v", [4, 12, 3, 3], randomTensor([4 * 12 * 9], 5, -0.2, 0.2));
  const made = editor.node("Conv", "made", [x, "w"], pads);
  const both = editor.node("Concat", "both", [made, joined], { axis: 1 });
  const seen = editor.node("Conv", "seen", [both, "v"], pads);
  editor.nodeWithOutputs("Split", "split", [cut], { axis: 1, sizes: [4, 4] }, ["first", "second"]);
  const sum = editor.node("Add", "sum", ["first", "second"], {});
  const end = editor.node("Add", "end", [seen, sum], {});
  return editor.finish({
    outputs: [end, editor.node("Sigmoid", "s", [flat], {}), editor.node("Relu", "positive", [kept], {}), x],
  });
}

gpuTest(
  "sessions in textures read inputs where the host laid them; runs under way do not disturb each other",
  async () => {
    const graph = manyInputs();
    const session = await Session.create(graph, { device: await testDevice(), storage: "texture" });
    const { placements } = session.plan!;
    assertEquals(graph.inputs.map(({ name }) => placements.get(name)!.layout.kind), [
      ...["blocked", "blocked", "plain", "plain", "plain"],
    ]);
    const runs = [1, 2, 3].map((seed) => {
      const feeds = graph.inputs.map(({ name, shape }, i) => ({
        name,
        shape,
        data: randomTensor(shape, 10 * seed + i),
      }));
      const found = session.run(Object.fromEntries(feeds.map(({ name, ...tensor }) => [name, tensor])));
      const given = feeds.map(({ name, shape, data }) => [name, referenceTensor(shape, data)] as const);
      return { found, expected: runReference(graph, Object.fromEntries(given)) };
    });
    for (const { found, expected } of runs) {
      const outputs = await found;
      for (const [name, { data }] of expected) {
        data.forEach((value, i) => {
          const off = Math.abs(outputs[name].data[i] - value);
          assert(off <= 1e-5 * (1 + Math.abs(value)), `${name}[${i}] is ${outputs[name].data[i]}, not ${value}`);
        });
      }
    }
    session.destroy();
  },
);

Deno.test("in textures an input has no plain copy, where the host lays it into cells", () => {
  const form = { storage: "texture", scalar: "f32" } as const;
  const [plain, laid] = [false, true].map((hostUsesCells) =>
    buildPlan(demoDetector({ size: 128 }), { form, maxPages: Infinity, hostUsesCells })
  );
  const output = 4 * laid.types.get(laid.graph.outputs[0])!.shape.reduce((a, b) => a * b);
  assert(plain.plainBytes >= 4 * 3 * 128 * 128);
  assert(laid.plainBytes - output < 256);
  assertEquals(laid.pages, plain.pages);
  assertEquals(laid.dispatches.length, plain.dispatches.length - 1);
  assertEquals(laid.memory.planned, plain.memory.planned - plain.plainBytes + laid.plainBytes);
});
