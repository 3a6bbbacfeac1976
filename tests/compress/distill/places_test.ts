/** Where student and teacher say what they say: found by structure in every family, with rounding in the loop and in int8. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { distilPlaces } from "../../../src/compress/distill/mod.ts";
import { calibrate, findActivationScales, prepareQat, quantize } from "../../../src/compress/quantize/mod.ts";
import { FeatherdetError, type Graph, GraphIndex } from "../../../src/graph/mod.ts";
import { classifier } from "../../../src/models/classifier.ts";
import { yolo11 } from "../../../src/models/yolo11.ts";
import { yolo11Lite } from "../../../src/models/yolo11_lite.ts";
import { noisyPicture } from "../../support/noise.ts";
import { ReferenceRunner } from "../../support/reference_runner.ts";

const tiny = yolo11({ width: 0.0625, depth: 0.3, size: 64, classes: 3 });

/** The layers that read a map of features first. */
const readersOf = (graph: Graph) => {
  const index = GraphIndex.of(graph);
  return distilPlaces(graph).features.map((map) => index.readersOf(map).map(({ name }) => name).sort());
};

Deno.test("maps that enter the head are rows 16, 19 and 22 of the published YOLO11, and both branches read them", () => {
  const { features, logits, distributions, ...facts } = distilPlaces(tiny);
  assertEquals(features, [16, 19, 22].map((row) => `model.${row}.cv2.act`));
  assertEquals(facts, { sizes: [[8, 8], [4, 4], [2, 2]], classes: 3, bins: 16 });
  const index = GraphIndex.of(tiny);
  assertEquals([index.shapeOf(logits), index.shapeOf(distributions)], [[1, 3, 84], [1, 64, 84]]);
  readersOf(tiny).forEach((names, level) => {
    for (const branch of [`cv2.${level}.0`, `cv3.${level}.0.0`]) {
      assert(names.some((name) => name.startsWith(`model.23.${branch}`)), `${branch} of ${names}`);
    }
  });
});

Deno.test("a light head's maps are those of its neck", () => {
  const graph = yolo11Lite({ backbone: "shufflenetv2-0.5x", size: 64, classes: 3 });
  const names = readersOf(graph).map((readers) => readers.filter((name) => name.startsWith("head.")));
  names.forEach((readers, level) => {
    assertEquals(readers.map((name) => name.match(/^head\.(cv[23]\.\d)/)?.[1]), [`cv2.${level}`, `cv3.${level}`]);
  });
});

Deno.test("maps that are rounded are found as they are stored, in the loop of training and in int8", async () => {
  const data = noisyPicture([1, 3, 64, 64]);
  const samples = [{ name: "noise", inputs: { images: { shape: [1, 3, 64, 64], data } } }];
  const { graph } = await quantize(tiny, samples, { runner: new ReferenceRunner() });
  const { features, classes, sizes } = distilPlaces(graph);
  assertEquals([classes, sizes.length], [3, 3]);
  features.forEach((map, level) => assert(map.startsWith(`model.${16 + 3 * level}.cv2.act`), map));
  const calibration = await calibrate(tiny, samples, { runner: new ReferenceRunner(), float: "yolo11" });
  const rounded = prepareQat(tiny, { bits: 8, scales: findActivationScales(calibration), float: "yolo11" }).graph;
  const index = GraphIndex.of(rounded);
  assertEquals(distilPlaces(rounded).features.map((map) => index.producerOf(map)?.op), Array(3).fill("FakeQuantize"));
});

Deno.test("a classifier has none of it", () => {
  assertThrows(
    () => distilPlaces(classifier({ backbone: "shufflenetv2-0.5x", size: 64, classes: 3 })),
    FeatherdetError,
    'has no head of a YOLO11 to learn from or to teach, its outputs are "',
  );
});
