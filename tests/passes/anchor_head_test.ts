/** Heads with anchors are found by what their tail computes, however it is spelled; near misses are not. */

import { assert, assertEquals } from "@std/assert";
import { GraphIndex, verify } from "../../src/graph/mod.ts";
import { withClasses } from "../../src/models/with_classes.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { yolov5 } from "../../src/models/yolov5.ts";
import { importOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import {
  changeShapes,
  findAnchorHead,
  findTrainableHead,
  foldBatchNormalization,
  unfoldBatchNormalization,
  withBatch,
} from "../../src/passes/mod.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { SMALL_ANCHORS, smallDetector } from "../support/anchor_detector.ts";

const headOf = (graph: Graph) => findAnchorHead(GraphIndex.of(graph));

Deno.test("the head of a built YOLOv5 is found, at any size, batch and number of classes", () => {
  const model = yolov5({ size: [64, 96], classes: 1 });
  for (const graph of [model, importOnnx(saveOnnx(withBatch(changeShapes(model, { images: [1, 3, 128, 64] }), 3)))]) {
    const head = headOf(graph)!;
    assertEquals(head.levels.map(({ map, stride }) => [map, stride]), [
      ["model.24.m.0", 8],
      ["model.24.m.1", 16],
      ["model.24.m.2", 32],
    ]);
    assertEquals(head.levels.map(({ anchors }) => anchors[1]), [[16, 30], [62, 45], [156, 198]]);
    assertEquals([head.classes, head.output, head.maps], [1, "output0", head.levels.map(({ map }) => map)]);
  }
  assertEquals(findTrainableHead(GraphIndex.of(yolo11({ width: 0.0625, size: 64 })))!.kind, "distributions");
});

Deno.test("the head of an export is found however its tail is spelled", () => {
  for (const spelling of ["built", "release 6", "fields first"] as const) {
    // Read back, values have the file's names.
    const graph = importOnnx(saveOnnx(smallDetector({ size: [64, 96], batch: 2, spelling })));
    const { levels, classes } = headOf(graph)!;
    assertEquals(levels.map(({ anchors }) => anchors), SMALL_ANCHORS.map((level) => level.map((sides) => [...sides])));
    assertEquals([levels.map(({ stride }) => stride), classes], [[8, 16], 3]);
  }
});

Deno.test("a tail that computes something else is no head with anchors", () => {
  const odds = [
    { offset: 0.25 },
    { exponential: true },
    { bare: true },
    { fieldsFirst: true },
    { turned: true },
    { uneven: true },
  ];
  for (const odd of odds) assertEquals(headOf(smallDetector({ size: [64, 96], odds: odd })), undefined);
  assertEquals(headOf(yolo11({ width: 0.0625, size: 64 })), undefined);
});

Deno.test("BatchNormalization comes back in a folded export, not behind the layers of the head", () => {
  const model = smallDetector({ spelling: "release 6" }), folded = foldBatchNormalization(model);
  const unfolded = unfoldBatchNormalization(folded);
  const norms = ({ nodes }: Graph) => nodes.filter(({ op }) => op === "BatchNormalization").length;
  assertEquals([norms(model), norms(folded), norms(unfolded)], [4, 0, 4]);
  assertEquals(headOf(unfolded)!.maps, headOf(model)!.maps);
  const weights = ({ nodes, constants }: Graph) =>
    nodes.flatMap(({ op, inputs: [, weight] }) => op === "Conv" ? [constants.get(weight)!.data] : []);
  assertEquals(weights(foldBatchNormalization(unfolded)), weights(folded));
});

Deno.test("for other classes boxes stay, objectness and classes begin anew, and the tail is written anew", () => {
  const model = smallDetector({ size: [64, 96], spelling: "release 6" }), before = model.constants;
  const { graph, newHead } = withClasses(model, ["cell"], { size: 128, seed: 3 });
  verify(graph);
  assertEquals([newHead, graph.outputs, GraphIndex.of(graph).shapeOf("output0")], [true, ["output0"], [1, 960, 6]]);
  const head = headOf(graph)!;
  assertEquals([head.classes, head.levels.map(({ anchors }) => anchors[2])], [1, [[33, 23], [59, 119]]]);
  const rows = (constants: Graph["constants"], fields: number, name: string, field: number) => {
    const { shape, data } = constants.get(name)!, row = data.length / shape[0];
    return [0, 1, 2].map((anchor) => [...data.subarray((anchor * fields + field) * row).subarray(0, row)]);
  };
  for (const name of ["model.4.m.0.weight", "model.4.m.1.bias"]) {
    for (const field of [0, 3]) assertEquals(rows(graph.constants, 6, name, field), rows(before, 8, name, field), name);
  }
  const objectness = (constants: Graph["constants"], fields: number) =>
    rows(constants, fields, "model.4.m.0.weight", 4).flat();
  assert(objectness(graph.constants, 6).every((value, i) => value !== objectness(before, 8)[i]));
  const fresh = rows(graph.constants, 6, "model.4.m.0.bias", 4).flat();
  assertEquals(fresh, Array<number>(3).fill(Math.fround(Math.log(8 / 80 ** 2))));
  // The same names: nothing is lost, bare maps neither.
  const same = withClasses(model, ["red", "green", "blue"]);
  assertEquals([same.newHead, same.graph.outputs.length], [false, 3]);
});
