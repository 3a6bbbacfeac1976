/** Inputs that the host lays into row memory and outputs that it takes from there: cell by cell, and in sessions that have no plain copies. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Session } from "../../src/engine/session.ts";
import { layIntoCells, takeFromCells } from "../../src/engine/cells.ts";
import { FeatherdetError, type Graph, GraphEditor } from "../../src/graph/mod.ts";
import { layOut } from "../../src/plan/lay_out.ts";
import type { PlanNode } from "../../src/plan/node.ts";
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
    // Into the cells of the run before.
    const used = layIntoCells(randomTensor(shape, 5), layout, { pitch: PITCH, rows });
    assertEquals(layIntoCells(data, layout, { pitch: PITCH, rows }, used), expected, `${shape}`);
    const dirty = packBlocked(layout, data, PITCH, 3, { spare: NaN, outside: NaN });
    assertEquals(takeFromCells(dirty, layout, PITCH), data, `${shape}`);
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

/** Runs the graph three times, all on their way at once, and compares with the reference. */
async function compareRuns(graph: Graph, session: Session): Promise<void> {
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
    assertEquals(Object.keys(outputs), graph.outputs);
    for (const [name, { shape, data }] of expected) {
      assertEquals(outputs[name].shape, shape);
      assertEquals(outputs[name].data.length, data.length);
      data.forEach((value, i) => {
        const off = Math.abs(outputs[name].data[i] - value);
        assert(off <= 1e-5 * (1 + Math.abs(value)), `${name}[${i}] is ${outputs[name].data[i]}, not ${value}`);
      });
    }
  }
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
    await compareRuns(graph, session);
    session.destroy();
  },
);

/** Outputs that nodes leave in row memory: whole, parts of a Split, a joint tensor and its parts, read further, of one channel, narrow; plain ones between them. */
function manyOutputs(batch: number, [height, width]: readonly [number, number]): Graph {
  const editor = new GraphEditor();
  const x = editor.input("x", [batch, 5, height, width]), row = editor.input("row", [batch, 11]);
  const pads = { strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1], groups: 1 } as const;
  const wide = editor.constant("wide", [17, 5, 3, 3], randomTensor([17 * 5 * 9], 3, -0.2, 0.2));
  const one = editor.constant("one", [1, 17, 3, 3], randomTensor([17 * 9], 4, -0.2, 0.2));
  const made = editor.node("Conv", "made", [x, wide], pads);
  editor.nodeWithOutputs("Split", "split", [made], { axis: 1, sizes: [8, 9] }, ["first", "second"]);
  const single = editor.node("Conv", "single", [made, one], pads);
  const positive = editor.node("Relu", "positive", ["first"], {});
  const both = editor.node("Concat", "both", [positive, single], { axis: 1 });
  const mean = editor.node("GlobalAveragePool", "mean", [made], {});
  return editor.finish({
    outputs: [editor.node("Sigmoid", "s", [row], {}), "second", single, both, "first", mean, x],
  });
}

for (const [batch, size] of [[1, [13, 127]], [3, [13, 31]]] as const) {
  gpuTest(`sessions in textures take outputs where nodes left them, ${batch}x${size.join("x")}`, async () => {
    const graph = manyOutputs(batch, size);
    const session = await Session.create(graph, { device: await testDevice(), storage: "texture" });
    assertEquals(session.plan.outputsInCells, graph.outputs.filter((name) => name !== graph.outputs[0]));
    assert(!session.plan.dispatches.some(({ operator }) => operator === "ToPlain"));
    await compareRuns(graph, session);
    session.destroy();
  });
}

Deno.test("in textures inputs and outputs have no plain copy, where the host lays them into cells and takes them from there", () => {
  const form = { storage: "texture", scalar: "f32" } as const;
  // Dispatches are not joined: how many may be depends on the memory that there is without.
  const [plain, laid] = [false, true].map((hostUsesCells) =>
    buildPlan(demoDetector({ size: 128 }), { form, maxPages: Infinity, hostUsesCells, separate: true })
  );
  assert(plain.plainBytes >= 4 * 3 * 128 * 128);
  assertEquals([plain.outputsInCells, laid.outputsInCells], [[], ["output0"]]);
  assertEquals(laid.plainBytes, 0);
  assertEquals(laid.pages, plain.pages);
  assertEquals(laid.dispatches.length, plain.dispatches.length - 1);
  assertEquals(laid.memory.planned, plain.memory.planned - plain.plainBytes);
});

Deno.test("outputs come as plain copies where cells take more memory, as those of one channel do", () => {
  const form = { storage: "texture", scalar: "f32" } as const;
  const planned = (channels: number) => {
    const editor = new GraphEditor(), size = 8 * channels;
    const x = editor.input("x", [1, 8, 64, 64]), w = editor.constant("w", [channels, 8, 1, 1], new Float32Array(size));
    const attributes = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 } as const;
    const maps = [0, 1, 2, 3].map((i) => editor.node("Conv", `m${i}`, [x, w], attributes));
    return buildPlan(editor.finish({ outputs: maps }), { form, maxPages: Infinity, hostUsesCells: true });
  };
  assertEquals(planned(8).outputsInCells, ["m0", "m1", "m2", "m3"]);
  assertEquals(planned(1).outputsInCells, []);
});

Deno.test("a node that can write cells in place of a plain output does, where there are pages for them", () => {
  const laid = (channels: number, maxPages: number) => {
    const editor = new GraphEditor();
    const x = editor.input("x", [1, 4, 8, 16]);
    const graph = editor.finish({ outputs: [editor.node("Relu", "m", [x], {})] });
    const types = new Map(
      Object.entries({ x: [1, 4, 8, 16], m: [1, 4, 8, 16], y: [1, channels, 128] }).map((
        [name, shape],
      ) => [name, { dtype: "f32", shape } as const]),
    );
    const node = (name: string, inputs: string[], writes: "plain" | "blocked"): PlanNode => ({
      ...{ name, operator: "Relu", inputs, outputs: [name], reads: "blocked", writes, macs: 0 },
      kernels: () => [],
    });
    const inCells = { node: node("y#blocked", ["m"], "blocked"), shape: [1, channels, 8, 16] };
    const nodes = [node("m", ["x"], "blocked"), { ...node("y", ["m"], "plain"), inCells }];
    const form = { storage: "texture", scalar: "f32" } as const;
    return layOut(nodes, { ...graph, outputs: ["y"] }, types, { form, maxPages, hostUsesCells: true });
  };
  const { outputsInCells, placed } = laid(4, 2);
  assertEquals([outputsInCells, placed.pages, placed.plainBytes], [["y"], 2, 0]);
  // 128 channels of 8 x 16 are two of the largest pages, and a third one holds what they are made of.
  assertEquals(laid(128, Infinity).outputsInCells, ["y"]);
  assertEquals(laid(128, 2).outputsInCells, []);
  assertThrows(() => laid(128, 1), FeatherdetError, "2 pages");
});
