/** YOLOv5, YOLOv5u and YOLOv8 built from their tables: published counts, and what they give out. */

import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { recogniseHead } from "../../src/detect/heads/recognise.ts";
import { analyze, FeatherdetError, inferTypes, verify } from "../../src/graph/mod.ts";
import { YARDSTICKS } from "../../src/models/named.ts";
import { rebuild } from "../../src/models/recipe.ts";
import { yolov5 } from "../../src/models/yolov5.ts";
import { yolov5u, yolov8 } from "../../src/models/yolov8.ts";

/** Parameters and GFLOPs at 640 as Ultralytics publishes them for 80 classes; YOLOv5's with BatchNormalization, the others' fused. */
const PUBLISHED: Readonly<Record<string, readonly [parameters: number, gflops: number]>> = {
  yolov8n: [3_157_200, 8.7],
  yolov8s: [11_166_560, 28.6],
  yolov8m: [25_902_640, 78.9],
  yolov8l: [43_691_520, 165.2],
  yolov8x: [68_229_648, 257.8],
  yolov5nu: [2_654_816, 7.7],
  yolov5su: [9_153_152, 24.0],
  yolov5mu: [25_111_456, 64.2],
  yolov5n: [1_872_157, 4.5],
  yolov5s: [7_235_389, 16.5],
  yolov5m: [21_190_557, 49.0],
};

Deno.test("YOLOv5 and YOLOv8 have the published parameters and operations", () => {
  for (const [name, [parameters, gflops]] of Object.entries(PUBLISHED)) {
    const graph = YARDSTICKS[name](), cost = analyze(graph);
    assertEquals([graph.name, cost.parameters], [name.replace(/^(yolov5)(.)u$/, "$1u$2"), parameters]);
    assertAlmostEquals(cost.flops / 1e9, gflops, 0.15, name);
  }
});

Deno.test("their outputs are read as detectors' are, and they are built again from their recipes", () => {
  const size = 64;
  for (
    const [graph, form] of [
      [yolov8({ size }), "maps"],
      [yolov5u({ size }), "maps"],
      [yolov5({ size }), "objectness"],
    ] as const
  ) {
    verify(graph);
    assertEquals(recogniseHead(graph).form, form, graph.name);
    assertEquals(inferTypes(rebuild(graph)), inferTypes(graph));
  }
  assertEquals(inferTypes(yolov5({ size: 320, classes: 3 })).get("output0")!.shape, [1, 6300, 8]);
  assertThrows(() => yolov8({ scale: "t" as "n" }), FeatherdetError, 'scale "t" does not exist');
});
