/**
 * Every member of the family, exported and run by onnxruntime (WebAssembly), gives what a session here gives: trained-like random
 * weights, two input sizes, f32. Members that are named join by themselves; others have a row in `VARIANTS`.
 */

import { assert, assertEquals } from "@std/assert";
import { loadPeer } from "../../src/recipes/bench/peers.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { CLASSIFIER_NAMES } from "../../src/models/classifier.ts";
import { DETECTORS, NAMED_MODELS } from "../../src/models/named.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { yolo11Lite } from "../../src/models/yolo11_lite.ts";
import { saveOnnx } from "../../src/onnx/mod.ts";
import { Session, type Tensor } from "../../src/engine/session.ts";
import { gpuTest } from "../support/gpu.ts";
import { randomTensor } from "../support/random.ts";
import { settled, settledLike } from "../support/settled.ts";

/** A model for a square input of the given side. */
type Build = (size: number) => Graph;

/** Forms of detectors that have no name of their own. */
const VARIANTS: Readonly<Record<string, Build>> = {
  "yolo11n with SE behind the neck": (size) =>
    yolo11({ size, attention: { kind: "se", reduction: 4, places: ["n3", "n4", "n5"] } }),
  "yolo11n with CBAM behind the backbone": (size) =>
    yolo11({ size, attention: { kind: "cbam", places: ["p3", "p5"] } }),
  "yolo11n with SimAM on both sides": (size) => yolo11({ size, attention: { kind: "simam", places: ["p4", "n4"] } }),
  "yolo11lite-mobilenetv3-small with YOLO11's neck and head": (size) =>
    yolo11Lite({ size, backbone: "mobilenetv3-small", neck: "pan", head: "yolo11" }),
  "yolo11lite-shufflenetv2-0.5x, narrow and deep": (size) =>
    yolo11Lite({ size, backbone: "shufflenetv2-0.5x", width: 0.7, neckWidth: 0.6, depth: 1.5, classes: 3 }),
};

const DETECTOR_SIZES = [160, 320], CLASSIFIER_SIZES = [128, 224];

const MEMBERS: readonly (readonly [name: string, build: Build, sizes: readonly number[]])[] = [
  ...Object.entries(DETECTORS).map(([name, build]) =>
    [name, (size: number) => build({ size }), DETECTOR_SIZES] as const
  ),
  ...Object.entries(VARIANTS).map(([name, build]) => [name, build, DETECTOR_SIZES] as const),
  ...CLASSIFIER_NAMES.map((name) => [name, (size: number) => NAMED_MODELS[name]({ size }), CLASSIFIER_SIZES] as const),
];

/** Elements that are alike: boxes and scores of a detector `[1, rows, anchors]`, logits of a classifier `[1, classes]`. */
function groups({ shape, data }: Tensor): Record<string, Float32Array> {
  if (shape.length === 2) return { logits: data };
  const boxes = 4 * shape[2];
  return { boxes: data.subarray(0, boxes), scores: data.subarray(boxes) };
}

/** The largest difference between two tensors of one shape. */
function difference(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}

/** Largest less smallest element. */
function range(data: Float32Array): number {
  return data.reduce((most, value) => Math.max(most, value), -Infinity) -
    data.reduce((least, value) => Math.min(least, value), Infinity);
}

async function runHere(graph: Graph, device: GPUDevice, pictures: readonly Tensor[]): Promise<Tensor[]> {
  const session = await Session.create(graph, { device, precision: "f32" });
  const results: Tensor[] = [];
  for (const images of pictures) results.push((await session.run({ images }))[graph.outputs[0]]);
  session.destroy();
  return results;
}

async function runPeer(graph: Graph, picture: Tensor): Promise<Tensor> {
  const peer = await loadPeer(saveOnnx(graph), "onnxruntime-web/wasm");
  const result = await peer.run(picture);
  await peer.release();
  return result;
}

for (const [name, build, sizes] of MEMBERS) {
  gpuTest(`onnxruntime agrees with ${name} at ${sizes.join(" and ")}`, async (device) => {
    const small = settled(build(64));
    for (const size of sizes) {
      const graph = settledLike(build(size), small), { shape } = graph.inputs[0];
      // Noise, and darker noise: a mean over a picture tells nothing else apart.
      const pictures = [1, 0.4].map((most): Tensor => ({ shape, data: randomTensor(shape, 5, 0, most) }));
      const [ours, other] = await runHere(graph, device, pictures);
      const theirs = await runPeer(graph, pictures[0]);
      assertEquals([...ours.shape], [...theirs.shape]);
      const here = groups(ours), there = groups(theirs), changed = groups(other);
      for (const group of Object.keys(here)) {
        const width = range(there[group]), changes = difference(here[group], changed[group]) / width;
        const relative = difference(here[group], there[group]) / width;
        const says = `${group} differ by ${relative} of their range ${width}, another picture changes ${changes}`;
        // What hardly depends on the picture would agree whatever the network computes.
        assert(relative < 1e-3 && relative < 0.01 * changes, `at ${size}: ${says}`);
        console.log(`${name} at ${size}: ${says}`);
      }
    }
  });
}
