/** Trained weights taken further: other classes, and BatchNormalization that was folded away. */

import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { FeatherdetError, type Graph, inferTypes, type Node, sizeOf } from "../../src/graph/mod.ts";
import { hashOfGraph } from "../../src/compress/graph_hash.ts";
import { packWeights } from "../../src/compress/quantize/mod.ts";
import { classifier } from "../../src/models/classifier.ts";
import { foldBatchNormalization } from "../../src/passes/mod.ts";
import { layersOf } from "../../src/models/layers.ts";
import { loadWeights } from "../../src/models/weights.ts";
import { withClasses } from "../../src/models/with_classes.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { estimateStatistics } from "../../src/train/autodiff/statistics.ts";
import { exported } from "../support/exported.ts";
import { randomTensor } from "../support/random.ts";
import { ReferenceRunner } from "../support/reference_runner.ts";
import { settled } from "../support/settled.ts";

const CLASSES = ["red", "white", "platelet"];

/** Names of weights whose elements are those of another graph. */
function kept(model: Graph, source: Graph): Set<string> {
  const from = new Map(layersOf(source).map(({ path, weight }) => [path, source.constants.get(weight)!.data]));
  return new Set(
    layersOf(model).filter(({ path, weight }) => {
      const data = model.constants.get(weight)!.data, other = from.get(path);
      return data.length === other?.length && data.every((value, i) => value === other[i]);
    }).map(({ path }) => path),
  );
}

Deno.test("an export of YOLO11n for other classes: its size is recognised, class layers are new, the rest is kept", () => {
  const plain = exported(yolo11({ scale: "n", classes: 80, seed: 3, size: 64 }));
  const source = { ...plain, metadata: {} };
  const { graph, newHead, folded } = withClasses(source, CLASSES, { size: [64, 96], seed: 1, batch: 2 });
  assertEquals([newHead, folded, graph.inputs[0].shape], [true, true, [2, 3, 64, 96]]);
  const same = kept(graph, source);
  const fresh = layersOf(graph).map(({ path }) => path).filter((path) => !same.has(path));
  // All class branches but for the depthwise layers at their beginning: those after them have as many channels as there are classes.
  assert(fresh.every((path) => path.includes(".cv3.")), `${fresh}`);
  assert(fresh.filter((path) => /\.cv3\.\d\.2$/.test(path)).length === 3);
  assert([...same].some((path) => path.includes(".cv2.")) && same.has("model.23.cv3.0.0.0.conv"));
  assertEquals(graph.metadata.names, "{0: 'red', 1: 'white', 2: 'platelet'}");
});

Deno.test("a model of ours keeps everything where the classes are the same", () => {
  const source = yolo11({ width: 0.125, classes: CLASSES, seed: 3, size: 64 });
  const { graph, newHead, folded } = withClasses(source, CLASSES, { size: 96, seed: 1 });
  assertEquals([newHead, folded], [false, false]);
  assertEquals(kept(graph, source).size, layersOf(graph).length);
  const other = withClasses(source, ["a", "b", "c"], { seed: 1 });
  assertEquals([other.newHead, other.graph.inputs[0].shape], [true, [1, 3, 64, 64]]);
  assert(!kept(other.graph, source).has("model.23.cv3.0.2"));
});

Deno.test("models of unknown structure are refused", () => {
  const text = "cannot be trained: its output is not made of boxes and classes as a YOLO11's or a YOLOv5's is";
  const other = classifier({ backbone: "mobilenetv3-small", width: 0.25, size: 32, classes: CLASSES });
  assertThrows(() => withClasses(other, CLASSES), FeatherdetError, text);
  const source = yolo11({ width: 0.125, classes: CLASSES, size: 64 });
  const { graph: rounded } = packWeights(foldBatchNormalization(source), { bits: 1, float: "none" });
  assertThrows(
    () => withClasses(rounded, ["other"]),
    FeatherdetError,
    'Conv "model.23.cv3.0.2": makes class logits and is no convolution with weights in f32',
  );
});

Deno.test("what a recipe says does not matter: the graph is taken as it is, and another head is no longer by the recipe", () => {
  const source = yolo11({ width: 0.125, classes: CLASSES, size: 64, seed: 3 });
  const changed = { ...source, metadata: { ...source.metadata, featherdet: '{"family":"yolo11","width":0.25}' } };
  const { graph, newHead } = withClasses(changed, CLASSES);
  assertEquals([newHead, hashOfGraph(graph), graph.metadata], [false, hashOfGraph(source), changed.metadata]);
  const other = withClasses(changed, ["a", "b", "c", "d"], { size: [64, 96], batch: 2, seed: 5 }).graph;
  const { featherdet, names, batch, imgsz } = other.metadata;
  assertEquals([featherdet, names], [undefined, "{0: 'a', 1: 'b', 2: 'c', 3: 'd'}"]);
  assertEquals([batch, imgsz, inferTypes(other).get("output0")!.shape], ["2", "[64, 96]", [2, 8, 96 + 24 + 6]]);
});

Deno.test("new class layers begin as those of a built model do", () => {
  const [width, size] = [0.125, 64];
  const { graph } = withClasses(yolo11({ width, size, classes: CLASSES, seed: 3 }), ["a", "b"], { seed: 8 });
  const built = yolo11({ width, size, classes: ["a", "b"], seed: 8 });
  for (const level of [0, 1, 2]) {
    for (const part of ["weight", "bias"]) {
      const name = `model.23.cv3.${level}.2.${part}`;
      assertEquals(graph.constants.get(name)!.data, built.constants.get(name)!.data);
    }
  }
});

/** A folded model back in its built form, and pictures for it. */
function folded() {
  const source = exported(settled(yolo11({ width: 0.0625, depth: 0.3, size: 32, batch: 2, classes: 2 }), 4));
  const model = loadWeights(yolo11({ width: 0.0625, depth: 0.3, size: 32, batch: 2, classes: 2, seed: 8 }), source);
  const shape = model.inputs[0].shape;
  const samples = [1, 2, 3].map((seed) => ({ inputs: { images: { shape, data: randomTensor(shape, seed, 0, 1) } } }));
  return { model, samples };
}

Deno.test("estimated statistics are those of the layers' values, and the model computes what it computed", async () => {
  const { model, samples } = folded();
  const runner = new ReferenceRunner();
  const made = await estimateStatistics(model, samples, (graph, inputs) => runner.run(graph, inputs));
  assertEquals(runner.runs, 3);
  const norms = model.nodes.filter((node): node is Node<"BatchNormalization"> => node.op === "BatchNormalization");
  const values = norms.map(({ inputs }) => inputs[0]);
  const seen = samples.map(({ inputs }) => {
    const images = referenceTensor(inputs.images.shape, inputs.images.data);
    return {
      inner: runReference({ ...model, outputs: values }, { images }),
      before: runReference(model, { images }).get("output0")!.data,
      after: runReference(made, { images }).get("output0")!.data,
    };
  });
  for (const { before, after } of seen) {
    after.forEach((value, i) => assertAlmostEquals(value, before[i], 2e-4 * Math.max(1, Math.abs(before[i]))));
  }
  for (const { inputs: [value, , , mean, variance] } of norms) {
    const channels = made.constants.get(mean)!.data.length;
    for (let c = 0; c < channels; c++) {
      const all = seen.flatMap(({ inner }) => {
        const { shape, data } = inner.get(value)!;
        const pixels = sizeOf(shape.slice(2));
        return [...data].filter((_, i) => Math.floor(i / pixels) % channels === c);
      });
      const average = all.reduce((sum, one) => sum + one, 0) / all.length;
      const spread = all.reduce((sum, one) => sum + (one - average) ** 2, 0) / all.length;
      assertAlmostEquals(Number(made.constants.get(mean)!.data[c]), average, 1e-4 * (1 + Math.abs(average)));
      assertAlmostEquals(Number(made.constants.get(variance)!.data[c]), spread, 1e-3 * (spread + 1e-2));
    }
  }
});

Deno.test("statistics need pictures, and values that are finite", async () => {
  const { model, samples } = folded();
  const runner = new ReferenceRunner();
  const run = (graph: Graph, inputs: Parameters<ReferenceRunner["run"]>[1]) => runner.run(graph, inputs);
  await assertRejects(() => estimateStatistics(model, [], run), FeatherdetError, "no pictures were given");
  const [{ inputs: { images } }] = samples;
  const broken = [{ inputs: { images: { ...images, data: images.data.map((value, i) => i === 5 ? NaN : value) } } }];
  await assertRejects(
    () => estimateStatistics(model, broken, run),
    FeatherdetError,
    'BatchNormalization "model.0.bn": its values on the pictures are not finite',
  );
});

Deno.test("layers that begin anew keep their first normalisation", async () => {
  const { model, samples } = folded();
  // More classes than the class branches are wide: their layers widen with them.
  const classes = Array.from({ length: 20 }, (_, i) => `class ${i}`);
  const other = loadWeights(yolo11({ width: 0.0625, depth: 0.3, size: 32, classes }), model, { newClasses: true });
  const runner = new ReferenceRunner();
  const single = samples.map(({ inputs: { images } }) => ({
    inputs: { images: { shape: [1, 3, 32, 32], data: images.data.slice(0, 3 * 32 * 32) } },
  }));
  const made = await estimateStatistics(other, single, (graph, inputs) => runner.run(graph, inputs));
  const norms = other.nodes.filter((node): node is Node<"BatchNormalization"> => node.op === "BatchNormalization");
  const begun = norms.filter(({ inputs: [, scale] }) => new Set(made.constants.get(scale)!.data).size === 1);
  // The class branch of each level: two depthwise and two pointwise layers, or what of these depends on the classes.
  assert(begun.length > 0 && begun.every(({ name }) => name.includes(".cv3.")), begun.map(({ name }) => name).join());
  for (const { inputs } of begun) {
    const [scale, shift, mean, variance] = inputs.slice(1).map((name) => made.constants.get(name)!.data[0]);
    assertEquals([scale, shift, mean, variance], [1, 0, 0, 1]);
  }
});
