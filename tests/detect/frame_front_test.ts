/** What stands in front of a network: its first convolution reads the picture where it alone reads the input. */

import { assertEquals } from "@std/assert";
import { planModel } from "../../src/detect/plan_model.ts";
import type { Graph } from "../../src/graph/mod.ts";
import { withNodes } from "../../src/graph/mod.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { withBatch } from "../../src/passes/mod.ts";

const model = yolo11({ width: 0.25, size: 96, classes: 3 });

const front = (graph: Graph, storage: "texture" | "buffer" = "texture") =>
  planModel(graph, { precision: "f32", storage }).dispatches.slice(0, 3).map(({ operator }) => operator);

Deno.test("the first convolution reads the picture, and nothing is stored between", () => {
  const { plan, dispatches } = planModel(model, { precision: "f32", storage: "texture" });
  assertEquals(front(model), ["Letterbox+Conv+Silu", "Conv+Silu", "Conv+Silu"]);
  const [input] = plan.graph.inputs;
  const reads = dispatches.filter(({ kernel }) => JSON.stringify(kernel.bindings).includes(`"${input.name}"`));
  assertEquals(reads, []);
  assertEquals(plan.placements.get(input.name)!.extent, 0);
  // What would be measured alone has no picture to read.
  const measured = [...plan.contests.values()].flatMap(({ options }) => options[0].dispatches());
  assertEquals(measured.filter(({ name }) => name === dispatches[0].name), []);
});

Deno.test("letterboxes stay where several images, several readers, small tiles or other layers are in front", () => {
  assertEquals(front(withBatch(model, 2)), ["Letterbox", "Letterbox", "Conv+Silu"]);
  const [{ name: input }] = model.inputs;
  const scaled = "scaled",
    nodes = model.nodes.map((node) => {
      return { ...node, inputs: node.inputs.map((name) => name === input ? scaled : name) };
    });
  const sigmoid = { op: "Sigmoid", name: scaled, inputs: [input], outputs: [scaled], attributes: {} } as const;
  assertEquals(front(withNodes(model, [sigmoid, ...nodes as typeof model.nodes])).slice(0, 1), ["Letterbox"]);
  // Two layers read the picture, and what both make is added.
  const [first] = model.nodes, [value] = first.outputs, second = "second", sum = "sum";
  const twice = [
    first,
    { ...first, name: second, outputs: [second] },
    { op: "Add", name: sum, inputs: [value, second], outputs: [sum], attributes: {} },
    ...model.nodes.slice(1).map((node) => ({
      ...node,
      inputs: node.inputs.map((name) => name === value ? sum : name),
    })),
  ];
  assertEquals(front(withNodes(model, twice as typeof model.nodes)).slice(0, 1), ["Letterbox"]);
  // Of sixteen channels and more, tiles of hardware compute few at a time.
  assertEquals(front(yolo11({ width: 0.5, size: 96, classes: 3 }), "buffer").slice(0, 1), ["Letterbox"]);
});
