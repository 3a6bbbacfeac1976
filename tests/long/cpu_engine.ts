/**
 * Both engines find the same: every model of the repository on pictures of its data set, floats, bytes and weights of few bits.
 *
 * @module
 */

import { assert } from "@std/assert";
import { openDataset } from "../../src/data/open.ts";
import { Detector } from "../../src/detect/detector.ts";
import { loadOnnx } from "../../src/onnx/mod.ts";
import { compareDetections } from "../support/detections.ts";
import { gpuTest } from "../support/gpu.ts";

const FOLDER = new URL("../../data/models/", import.meta.url);
const PICTURES = 10;

for (const { name } of [...Deno.readDirSync(FOLDER)].filter(({ name }) => name.endsWith(".onnx"))) {
  gpuTest(`${name}: the CPU engine finds what the device finds`, async (device) => {
    const graph = await loadOnnx(new URL(name, FOLDER));
    const isBytes = graph.nodes.some(({ op }) => op === "QuantizeLinear");
    const dataset = await openDataset(name.startsWith("bccd") ? "bccd" : "synthetic", {
      split: "val",
      limit: PICTURES,
    });
    const images = await Promise.all(dataset.images.map((image) => image.load()));
    const [ours, cpu] = [await Detector.load(graph, { device }), await Detector.load(graph, { engine: "cpu" })];
    const [a, b] = [await ours.detect(images), await cpu.detect(images)];
    ours.destroy();
    cpu.destroy();
    // Sums of bytes are exact in both engines; what is rounded to a step between two layers may fall to either side.
    const agreement = isBytes ? { iou: 0.85, score: 0.15 } : { iou: 0.99, score: 1e-3 };
    let same = 0, all = 0;
    a.forEach((found, i) => {
      same += 2 * compareDetections(found, b[i], agreement).same;
      all += found.length + b[i].length;
    });
    console.log(`${name}: ${all / 2} detections, ${(100 * same / all).toFixed(2)} % the same`);
    assert(all > 0 && same / all >= (isBytes ? 0.97 : 0.999), `${(100 * same / all).toFixed(2)} % are the same`);
  });
}
