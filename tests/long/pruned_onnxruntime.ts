/**
 * Pruned detectors as files, run by onnxruntime (WebAssembly): those that the repository has, in floats and in int8, YOLO11n of COCO, and
 * one with blocks of zeros.
 */

import { assert, assertEquals } from "@std/assert";
import { applyMasks, chooseMasks, prune } from "../../src/compress/prune/mod.ts";
import { syntheticPicture } from "../../src/data/synthetic.ts";
import { letterboxTensor } from "../../src/detect/host_letterbox.ts";
import { Session, type Tensor } from "../../src/engine/session.ts";
import type { Graph } from "../../src/graph/mod.ts";
import { loadOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import { loadPeer } from "../../src/recipes/bench/peers.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { gpuTest } from "../support/gpu.ts";
import { sharedData, sharedDataTest } from "../support/shared_data.ts";

/** A model of the repository. */
const own = (name: string) => loadOnnx(new URL(`../../data/models/${name}.onnx`, import.meta.url));

/** A picture with objects, as the network takes it. */
function pictureFor({ inputs: [{ shape: [, , height, width] }] }: Graph): Tensor {
  const { image } = syntheticPicture({ seed: 3, width: 480, height: 360, objects: 6 });
  return letterboxTensor(image, width, height);
}

async function runHere(graph: Graph, device: GPUDevice): Promise<Tensor> {
  const session = await Session.create(graph, { device, precision: "f32" });
  const { [graph.outputs[0]]: output } = await session.run({ [graph.inputs[0].name]: pictureFor(graph) });
  session.destroy();
  return output;
}

async function runThere(graph: Graph): Promise<Tensor> {
  const peer = await loadPeer(saveOnnx(graph), "onnxruntime-web/wasm");
  const output = await peer.run(pictureFor(graph));
  await peer.release();
  return output;
}

/** Differences of a list: the greatest and the mean. */
interface Differences {
  readonly most: number;
  readonly mean: number;
}

/** Differences of edges of boxes, as shares of the side, and of scores. */
function differences(a: Pick<Tensor, "data">, { shape, data }: Tensor, side: number): Record<string, Differences> {
  const boxes = 4 * shape[2];
  const between = (from: number, to: number, unit: number): Differences => {
    const all = Array.from({ length: to - from }, (_, i) => Math.abs(a.data[from + i] - data[from + i]) / unit);
    return { most: all.reduce((x, y) => Math.max(x, y)), mean: all.reduce((x, y) => x + y) / all.length };
  };
  assertEquals(a.data.length, data.length);
  return { edges: between(0, boxes, side), scores: between(boxes, data.length, 1) };
}

const sideOf = ({ inputs: [{ shape }] }: Graph) => Math.max(...shape.slice(2));

async function assertAlike(graph: Graph, device: GPUDevice): Promise<void> {
  const found = differences(await runHere(graph, device), await runThere(graph), sideOf(graph));
  for (const [what, { most }] of Object.entries(found)) assert(most < 1e-5, `${what} differ by ${most}`);
}

gpuTest("onnxruntime agrees with the pruned BCCD detector", async (device) => {
  await assertAlike(await own("bccd-pruned"), device);
});

gpuTest("onnxruntime agrees with a detector whose blocks are zero, written with all its numbers", async (device) => {
  const whole = await own("bccd");
  await assertAlike(applyMasks(whole, chooseMasks(whole, { sparsity: 0.7, pattern: "block4x4" })), device);
});

/**
 * Numbers that lie between two steps of int8 are rounded either way by the last bit of a float, and a step that is another one moves what
 * follows. So no two programs agree to 1e-4 here. What both have to be near to is the float64 reference of the same file.
 */
gpuTest("the pruned BCCD detector in int8 is as near to the reference here as in onnxruntime", async (device) => {
  const graph = await own("bccd-pruned-int8"), side = sideOf(graph), { shape, data } = pictureFor(graph);
  const made = runReference(graph, { [graph.inputs[0].name]: referenceTensor(shape, data) });
  const exact = { shape: made.get(graph.outputs[0])!.shape, data: Float32Array.from(made.get(graph.outputs[0])!.data) };
  const here = differences(await runHere(graph, device), exact, side);
  const there = differences(await runThere(graph), exact, side);
  const float = differences(await runHere(await own("bccd-pruned"), device), exact, side);
  for (const what of Object.keys(here)) {
    const [ours, theirs, rounding] = [here, there, float].map((found) => found[what].mean);
    console.log(`${what}: ${ours} here, ${theirs} in onnxruntime, ${rounding} of the model in floats`);
    assert(ours < 1.25 * theirs, `${what} are ${ours} away from the reference, those of onnxruntime ${theirs}`);
    assert(ours < 0.3 * rounding, `${what} are ${ours} away from the reference, the model in floats ${rounding}`);
  }
});

for (const name of ["models/yolo11n.onnx", "models/yolo11n_320.onnx"]) {
  const url = sharedData(name);
  if (url === undefined) {
    sharedDataTest(`onnxruntime agrees with ${name} pruned`, [name], () => {});
    continue;
  }
  gpuTest(`onnxruntime agrees with ${name} pruned`, async (device) => {
    const { graph } = prune(await loadOnnx(url), { budget: { gflops: 0.5 }, criterion: "l2" });
    await assertAlike(graph, device);
  });
}
