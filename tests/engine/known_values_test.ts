/** Outputs that are known before a run, and weights that many nodes share, through a session. */

import { assert, assertEquals } from "@std/assert";
import { Session } from "../../src/engine/session.ts";
import { type Graph, GraphEditor } from "../../src/graph/mod.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { gpuTest, testDevice } from "../support/gpu.ts";
import { randomTensor } from "../support/random.ts";

async function compare(graph: Graph): Promise<void> {
  const feeds = Object.fromEntries(
    graph.inputs.map(({ name, shape }) => [name, { shape, data: randomTensor(shape, 1) }]),
  );
  const expected = runReference(
    graph,
    Object.fromEntries(Object.entries(feeds).map(([name, { shape, data }]) => [name, referenceTensor(shape, data)])),
  );
  for (const storage of ["texture", "buffer"] as const) {
    const session = await Session.create(graph, { device: await testDevice(), storage });
    const found = await session.run(feeds);
    for (const [name, { shape, data }] of expected) {
      assertEquals([...found[name].shape], [...shape], name);
      data.forEach((value, i) => {
        const off = Math.abs(found[name].data[i] - value);
        assert(off <= 1e-5 * (1 + Math.abs(value)), `${name}[${i}] is ${found[name].data[i]}, not ${value}`);
      });
    }
    session.destroy();
  }
}

gpuTest("outputs that are constants, of any rank, or computed from constants alone are what they are", async () => {
  const editor = new GraphEditor();
  const x = editor.input("x", [1, 3, 4, 4]);
  editor.node("Relu", "y", [x], {});
  editor.constant("table", [1, 6, 5, 7], randomTensor([210], 2));
  editor.constant("number", [], Float32Array.of(-0.75));
  editor.constant("whole", [3], Int32Array.of(1, -2, 300));
  editor.node("Sigmoid", "made", ["table"], {});
  editor.node("Mul", "read", ["y", "number"], {});
  await compare(editor.finish({ outputs: ["y", "table", "number", "whole", "made", "read", "x"] }));
});

function shared(copies: number, op: "Conv" | "MatMul"): Graph {
  const editor = new GraphEditor();
  const conv = { strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1], groups: 1 } as const;
  let value = editor.input("x", op === "Conv" ? [1, 16, 9, 9] : [4, 96]);
  editor.constant(
    "w",
    op === "Conv" ? [16, 16, 3, 3] : [96, 96],
    randomTensor([op === "Conv" ? 2304 : 9216], 3, -0.1, 0.1),
  );
  for (let i = 0; i < copies; i++) {
    value = op === "Conv"
      ? editor.node("Conv", `conv${i}`, [value, "w"], conv)
      : editor.node("MatMul", `product${i}`, [value, "w"], {});
    value = editor.node("Tanh", `tanh${i}`, [value], {});
  }
  return editor.finish({ outputs: [value] });
}

gpuTest("a weight that many nodes read is on the device once", async () => {
  for (const op of ["Conv", "MatMul"] as const) {
    await compare(shared(3, op));
    for (const storage of ["texture", "buffer"] as const) {
      const bytes = async (copies: number) => {
        const session = await Session.create(shared(copies, op), { device: await testDevice(), storage });
        const all = session.bytes;
        session.destroy();
        return all;
      };
      // Eight more applications need parameters, and no other weights.
      const weight = 4 * (op === "Conv" ? 2304 : 9216);
      const more = await bytes(9) - await bytes(2);
      assert(more < weight, `${op}, ${storage}: seven more uses of a weight of ${weight} bytes take ${more} bytes`);
    }
  }
});
