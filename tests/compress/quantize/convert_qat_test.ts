/** What a model becomes that was trained with rounded numbers, beside what the functions of quantization make of it. */

import { assertEquals, assertThrows } from "@std/assert";
import { hashOfGraph } from "../../../src/compress/graph_hash.ts";
import { historyOf } from "../../../src/compress/history.ts";
import {
  calibrate,
  convertQat,
  findActivationScales,
  packWeights,
  prepareQat,
  quantizeScaled,
} from "../../../src/compress/quantize/mod.ts";
import { FeatherdetError } from "../../../src/graph/mod.ts";
import { yolo11 } from "../../../src/models/yolo11.ts";
import { foldBatchNormalization } from "../../../src/passes/mod.ts";
import { lively } from "../../support/lively.ts";
import { randomTensor } from "../../support/random.ts";
import { ReferenceRunner } from "../../support/reference_runner.ts";

const model = lively(yolo11({ width: 0.0625, depth: 0.3, size: 32, classes: 2 }), 6);

for (const bits of [1, 2, 4] as const) {
  Deno.test(`${bits} bits: the packed form of the folded model, ternary by the rule that training follows`, () => {
    const packed = packWeights(foldBatchNormalization(model), { bits, threshold: "twn" }).graph;
    const made = convertQat(model, { bits });
    assertEquals(hashOfGraph(made), hashOfGraph(packed));
    const { layers } = prepareQat(model, { bits });
    assertEquals(made.nodes.filter(({ op }) => op === "UnpackWeights").length, layers.length);
    const [{ name, options, parent }, ...more] = historyOf(made);
    const named = { 1: { weights: "binary" }, 2: { weights: "ternary", threshold: "twn" }, 4: { weights: "4bit" } };
    const weights = { ...named[bits], float: "yolo11" };
    assertEquals([name, options, parent?.hash, more], ["convertQat", weights, hashOfGraph(model), []]);
  });
}

Deno.test("8 bits: the QDQ form with the scales that it was trained with", async () => {
  const runner = new ReferenceRunner();
  const shape = [1, 3, 32, 32];
  const samples = [1, 2].map((seed) => ({
    name: `${seed}`,
    inputs: { images: { shape, data: randomTensor(shape, seed, 0, 1) } },
  }));
  const scales = findActivationScales(await calibrate(model, samples, { runner, float: "yolo11" }));
  const made = convertQat(model, { bits: 8, scales, also: { calibration: "two" } });
  assertEquals(hashOfGraph(made), hashOfGraph(quantizeScaled(model, scales)));
  assertEquals(historyOf(made)[0].options, { weights: "channel", float: "yolo11", calibration: "two" });
  assertThrows(() => convertQat(model, { bits: 8 }), FeatherdetError, "needs its scales of activations");
  assertThrows(
    () => convertQat(model, { bits: 8, scales: new Map() }),
    FeatherdetError,
    "the scales are of another model",
  );
  assertThrows(() => convertQat(made, { bits: 2 }), FeatherdetError, "the model is quantized already");
});
