/** Files that are trained further as the graphs that they are: with channels removed by hand, with BatchNormalization folded away. */

import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { packWeights } from "../../src/compress/quantize/mod.ts";
import { hashOfGraph } from "../../src/compress/graph_hash.ts";
import { historyOf } from "../../src/compress/history.ts";
import { openDataset } from "../../src/data/open.ts";
import {
  type Constant,
  FeatherdetError,
  type Graph,
  GraphEditor,
  inferTypes,
  sizeOf,
  verify,
} from "../../src/graph/mod.ts";
import { layersOf } from "../../src/models/layers.ts";
import { DETECTORS } from "../../src/models/named.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { loadOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import { schema } from "../../src/onnx/proto.ts";
import { foldBatchNormalization, unfoldBatchNormalization } from "../../src/passes/mod.ts";
import { trainModel } from "../../src/recipes/starting_model.ts";
import { train } from "../../src/recipes/train_detector.ts";
import { createMemoryStore } from "../../src/train/loop/store.ts";
import { inFolder } from "../support/data_folders.ts";
import { lively } from "../support/lively.ts";

const dataset = await openDataset("synthetic", { split: "train", limit: 4, size: 64 });

/** A constant with only some entries of an axis. */
function sliced({ shape, data }: Constant, axis: number, kept: readonly number[]): Constant {
  const inner = sizeOf(shape.slice(axis + 1)), outer = sizeOf(shape.slice(0, axis));
  const values: number[] = [];
  for (let o = 0; o < outer; o++) {
    for (const index of kept) {
      const start = (o * shape[axis] + index) * inner;
      values.push(...data.subarray(start, start + inner));
    }
  }
  const extents = shape.map((extent, i) => i === axis ? kept.length : extent);
  return { dtype: "f32", shape: extents, data: Float32Array.from(values) };
}

/** YOLO11 whose first layer has lost all channels but these; its recipe still names the whole one. */
function pruned(kept: readonly number[]): Graph {
  const model = lively(yolo11({ width: 0.125, depth: 0.3, size: 64, classes: dataset.classes, seed: 3 }), 4);
  const constants = new Map(model.constants);
  const cut = (name: string, axis: number) => constants.set(name, sliced(constants.get(name)!, axis, kept));
  for (const name of ["conv.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"]) {
    cut(`model.0.${name}`, 0);
  }
  cut("model.1.conv.weight", 1);
  const graph = { ...model, constants };
  verify(graph);
  return graph;
}

const shapesOf = ({ constants }: Graph) => new Map([...constants].map(([name, { shape }]) => [name, shape.join()]));

Deno.test("a model without some of its channels is trained further with its own shapes, and its file has them", () =>
  inFolder(async (folder) => {
    const source = pruned([0, 2, 5]), file = join(folder, "pruned.onnx");
    assert(source.metadata.featherdet.includes('"width":0.125'), "its recipe is that of the whole model");
    await Deno.writeFile(file, saveOnnx(source));
    const lines: string[] = [];
    const options = { model: file, size: 64, seed: 1 };
    const model = await trainModel(options, dataset, (line) => lines.push(line));
    assertEquals([hashOfGraph(model), historyOf(model)], [hashOfGraph(source), []]);
    assert(lines[0].endsWith("all of its weights are kept"), lines[0]);

    const store = createMemoryStore();
    const settings = { epochs: 1, batch: 2, workers: 0, augment: false, seed: 7, store } as const;
    const result = await train(model, dataset, settings);
    const written = await loadOnnx(store.files.get("best.onnx")!);
    assertEquals(shapesOf(written).get("model.0.conv.weight"), "3,3,3,3");
    for (const graph of [result.model, written]) assertEquals(shapesOf(graph), shapesOf(source));
    assert(hashOfGraph(written) !== hashOfGraph(source), "it has learned something");
    const [entry, ...others] = historyOf(written);
    assertEquals([entry.name, entry.seed, entry.parent?.hash, others], ["train", 7, hashOfGraph(source), []]);
    assertEquals(entry.dataset, { name: "synthetic", split: "train", pictures: 4 });
    assertEquals([entry.options.epochs, entry.options.batch], [1, 2]);

    // Trained further: a second entry, whose parent is what the first one made; with a new head for other classes.
    await Deno.writeFile(file, store.files.get("best.onnx")!);
    const others2 = { ...dataset, classes: dataset.classes.map((name) => `other ${name}`) };
    const again = await trainModel({ ...options, size: 96 }, others2, () => {});
    assertEquals(shapesOf(again).get("model.0.conv.weight"), "3,3,3,3");
    assertEquals(again.inputs[0].shape, [1, 3, 96, 96]);
    assertEquals(historyOf(again).map(({ name, parent }) => [name, parent?.hash]), [
      ["train", hashOfGraph(source)],
      ["prepareTraining", hashOfGraph(written)],
    ]);
  }));

Deno.test("a model of another input is trained on RGB in 0..1, which is said, and so is one with open extents", () =>
  inFolder(async (folder) => {
    const source = pruned([0, 2, 5]), file = join(folder, "levels.onnx");
    const editor = new GraphEditor(source), scale = editor.constant("scale", [1], Float32Array.of(255));
    editor.insert("images", (images) => editor.one("Div", "scaled", [images, scale], {}));
    await Deno.writeFile(file, saveOnnx(editor.finish()));
    const options = { model: file, size: 64, seed: 1 }, lines: string[] = [];
    const model = await trainModel(options, dataset, (line) => lines.push(line));
    assertEquals(hashOfGraph(model), hashOfGraph(source));
    assertEquals(
      lines[0],
      'input "images" f32 [1,3,64,64] becomes [1,3,64,64] of RGB in 0..1, here and in what is written',
    );

    // What a file leaves open is the size of the training.
    const proto = schema.ModelProto.decode(saveOnnx(source)),
      dims = proto.graph!.input![0].type!.tensorType!.shape!.dim!;
    for (const axis of [0, 2, 3]) dims[axis] = { dimParam: `axis_${axis}` };
    await Deno.writeFile(file, Uint8Array.from(schema.ModelProto.encode(proto).finish()));
    assertEquals(hashOfGraph(await trainModel(options, dataset, () => {})), hashOfGraph(source));
  }));

Deno.test("a folded file is trained as it is too: BatchNormalization comes back where it was, on a smaller model also", () =>
  inFolder(async (folder) => {
    const source = foldBatchNormalization(pruned([1, 4, 6, 7])), file = join(folder, "folded.onnx");
    await Deno.writeFile(file, saveOnnx(source));
    const model = await trainModel({ model: file, size: 64, seed: 1 }, dataset, () => {});
    const normalised = (graph: Graph) => layersOf(graph).filter(({ norm }) => norm).length;
    assertEquals(normalised(model), normalised(pruned([1, 4, 6, 7])));
    assertEquals(historyOf(model).map(({ name, options }) => [name, options.unfolded]), [["prepareTraining", true]]);
    const { model: trained } = await train(model, dataset, { epochs: 1, batch: 2, workers: 0, augment: false });
    assertEquals(inferTypes(trained).get("output0")!.shape, [1, 4 + dataset.classes.length, 84]);
  }));

Deno.test("a file of packed weights is trained on from their floats where as many bits are asked for, and refused elsewhere", () =>
  inFolder(async (folder) => {
    const source = foldBatchNormalization(pruned([0, 2, 5])), file = join(folder, "packed.onnx");
    const { graph: packed } = packWeights(source, { bits: 4 });
    await Deno.writeFile(file, saveOnnx(packed));
    const options = { model: file, size: 64, seed: 1, fixedNorm: true }, lines: string[] = [];
    const model = await trainModel({ ...options, quantize: "4bit" }, dataset, (line) => lines.push(line));
    assert(lines[0].endsWith("holds 4bit weights: training goes on from the floats that they stand for"), lines[0]);
    const again = packWeights(foldBatchNormalization(model), { bits: 4 }).graph;
    // In the order of the graph, since names may differ.
    const partsOf = (graph: Graph, index: number) =>
      graph.nodes.filter(({ op }) => op === "UnpackWeights").map(({ inputs }) =>
        graph.constants.get(inputs[index])!.data
      );
    assertEquals(partsOf(again, 0), partsOf(packed, 0), "the same levels once more");
    const scales = partsOf(packed, 1).flatMap((data) => [...data]);
    for (const [i, scale] of partsOf(again, 1).flatMap((data) => [...data]).entries()) {
      assertAlmostEquals(scale / scales[i], 1, 2 ** -22);
    }
    assertEquals([...model.constants.keys()].filter((name) => /pack/.test(name)), []);

    const sentence = "packed.onnx: holds rounded weights, and training moves floats";
    for (const quantize of [undefined, "ternary", "int8"]) {
      await assertRejects(() => trainModel({ ...options, quantize }, dataset, () => {}), FeatherdetError, sentence);
    }
  }));

Deno.test("unfolding finds the convolutions that had a BatchNormalization, in every detector of the family; folding again is exact", () => {
  const attentive = (["se", "cbam", "simam"] as const).map((kind) => {
    return yolo11({ width: 0.125, size: 64, attention: { kind, places: ["p3", "n4"] } });
  });
  const family = Object.entries(DETECTORS).filter(([name]) => !/^yolo11[smlx]$/.test(name)).map(([, build]) => {
    return build({ size: 64 });
  });
  for (const model of [...attentive, ...family]) {
    const folded = foldBatchNormalization(model), unfolded = unfoldBatchNormalization(folded);
    const marks = (graph: Graph) => layersOf(graph).map(({ norm }) => norm !== undefined);
    assertEquals(marks(unfolded), marks(model), model.name);
    assertEquals(hashOfGraph(foldBatchNormalization(unfolded)), hashOfGraph(folded), model.name);
    assertEquals(unfoldBatchNormalization(model), model);
  }
});
