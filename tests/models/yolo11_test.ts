/** YOLO11 built from its table: published counts, the export's structure, and what it computes. */

import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { findModel, loadModel } from "../../src/host/models.ts";
import { analyze, FeatherdetError, type Graph, inferTypes, verify } from "../../src/graph/mod.ts";
import { recogniseActivations } from "../../src/passes/mod.ts";
import { lazyConstant } from "../../src/models/initialise.ts";
import { layersOf } from "../../src/models/layers.ts";
import { NAMED_MODELS } from "../../src/models/named.ts";
import { rebuild } from "../../src/models/recipe.ts";
import { PSA_KINDS, type PsaKind, yolo11, type Yolo11Options, type Yolo11Scale } from "../../src/models/yolo11.ts";
import { importOnnx, loadOnnx, readClassNames, saveOnnx } from "../../src/onnx/mod.ts";
import { buildPlan } from "../../src/plan/plan.ts";
import { bothOutputs } from "../support/both_outputs.ts";
import { gpuTest } from "../support/gpu.ts";
import { lively } from "../support/lively.ts";
import { assertSameConstant } from "../support/same_constants.ts";
import { sharedDataTest } from "../support/shared_data.ts";

/** A model small enough for the reference evaluator. */
const TINY: Yolo11Options = { width: 0.125, size: [64, 96], classes: 3 };

/** Parameters and GFLOPs (one decimal, fused) at 640 as Ultralytics publishes them for 80 classes. */
const PUBLISHED: Readonly<Record<Yolo11Scale, readonly [parameters: number, gflops: number]>> = {
  n: [2_624_080, 6.5],
  s: [9_458_752, 21.5],
  m: [20_114_688, 68.0],
  l: [25_372_160, 86.9],
  x: [56_966_176, 194.9],
};

for (const [scale, [parameters, gflops]] of Object.entries(PUBLISHED) as [Yolo11Scale, [number, number]][]) {
  Deno.test(`yolo11${scale} has the published parameters and operations`, () => {
    const graph = NAMED_MODELS[`yolo11${scale}`]();
    const cost = analyze(graph);
    assertEquals(cost.parameters, parameters);
    assertEquals(Math.round(cost.flops / 1e8) / 10, gflops);
    assertEquals(graph.name, `yolo11${scale}`);
    assertEquals(inferTypes(graph).get("output0")!.shape, [1, 84, 8400]);
  });
}

Deno.test("other attention can stand in the place of C2PSA, and nothing else changes", () => {
  const names = (graph: Graph) => [...graph.constants.keys()].filter((name) => !name.startsWith("model.10."));
  const built = (psa: PsaKind) => yolo11({ ...TINY, psa });
  const published = yolo11(TINY);
  for (const psa of PSA_KINDS) {
    const graph = built(psa), types = inferTypes(graph);
    assertEquals([names(graph), types.get("output0")], [names(published), inferTypes(published).get("output0")]);
    assertEquals(rebuild(graph).metadata, graph.metadata);
    assertEquals([...rebuild(graph).constants.keys()], [...graph.constants.keys()]);
  }
  assertEquals([...built("c2psa").constants.keys()], [...published.constants.keys()]);
  const own = (psa: PsaKind) => analyze(built(psa)).parameters - analyze(built("none")).parameters;
  // 128 channels: two products with bias of a bottleneck of 8; nothing; those and a convolution of 7x7 over two maps.
  assertEquals([own("se"), own("simam"), own("cbam")], [2 * 128 * 8 + 8 + 128, 0, 2 * 128 * 8 + 8 + 128 + 98]);
  assertThrows(() => built("eca" as PsaKind), FeatherdetError, 'attention in the place of C2PSA "eca" does not exist');
});

/** Nodes of the published yolo11n.onnx, with Sigmoid and Mul as one Silu; BatchNormalization is folded there. */
const EXPORTED_NODES = {
  ...{ Conv: 88, Silu: 77, Add: 16, Concat: 21, Split: 10, Resize: 2, MaxPool: 3, MatMul: 2, Softmax: 2, Sigmoid: 1 },
  ...{ Transpose: 3, Reshape: 11, Slice: 2, Mul: 2, Div: 1, Sub: 2 },
};

Deno.test("yolo11n has as many nodes of each kind as the export", () => {
  const count: Record<string, number> = {};
  for (const { op } of yolo11().nodes) count[op] = (count[op] ?? 0) + 1;
  const { BatchNormalization, ...others } = count;
  const sorted = (record: Record<string, number>) => Object.entries(record).sort();
  assertEquals(sorted(others), sorted(EXPORTED_NODES));
  // All convolutions but the last of the head's six branches and that of the DFL.
  assertEquals(BatchNormalization, 88 - 7);
});

sharedDataTest(
  "yolo11n has the layers of the export, by name, shape and order",
  ["models/yolo11n.onnx"],
  async (file) => {
    const rows = (graph: Graph) =>
      layersOf(graph).map(({ path, node, weight }) => [path, graph.constants.get(weight)!.shape, node.attributes]);
    const built = rows(yolo11()), exported = rows(await loadOnnx(file));
    assertEquals(built.length, 88);
    assertEquals(built, exported);
  },
);

sharedDataTest("yolo11n is planned in as many dispatches as the export", ["models/yolo11n.onnx"], async (file) => {
  const operators = (graph: Graph) => {
    const target = {
      form: { scalar: "f32", storage: "buffer" },
      maxPages: Infinity,
      target: "hardware",
      separate: true,
    } as const;
    return buildPlan(graph, target).dispatches.map(({ kernel }) => kernel.shader).sort();
  };
  assertEquals(operators(yolo11()), operators(await loadOnnx(file)));
});

Deno.test("a built YOLO11 is a verified graph at any size, batch, class number, depth and width", () => {
  const cases: [Yolo11Options, number[]][] = [
    [{ ...TINY, batch: 3 }, [3, 7, 126]],
    [{ ...TINY, classes: 1, size: 32 }, [1, 5, 21]],
    [{ ...TINY, classes: ["a", "b"], size: [96, 32] }, [1, 6, 63]],
    [{ ...TINY, depth: 2, width: 0.3 }, [1, 7, 126]],
    [{ ...TINY, scale: "m", depth: 0.1, width: 0.07 }, [1, 7, 126]],
  ];
  for (const [options, shape] of cases) {
    const graph = yolo11(options);
    verify(graph);
    assertEquals(inferTypes(graph).get("output0")!.shape, shape);
  }
  const deep = analyze(yolo11({ ...TINY, depth: 2 })),
    plain = analyze(yolo11(TINY)),
    wide = analyze(yolo11({ ...TINY, width: 0.5 }));
  assert(deep.parameters > plain.parameters && wide.parameters > plain.parameters);
});

Deno.test("a built YOLO11 says what it is in its metadata", () => {
  const graph = yolo11({ ...TINY, classes: ["it's", "a \\ b"], seed: 4 });
  assertEquals(readClassNames(graph), ["it's", "a \\ b"]);
  assertEquals([graph.metadata.imgsz, graph.metadata.stride, graph.metadata.task], ["[64, 96]", "32", "detect"]);
  assertEquals(JSON.parse(graph.metadata.featherdet), {
    family: "yolo11",
    scale: "n",
    classes: 2,
    depth: 0.5,
    width: 0.125,
    size: [64, 96],
    batch: 1,
    seed: 4,
  });
});

Deno.test("wrong options are refused in one sentence", () => {
  const refused = (options: Yolo11Options, says: string) => assertThrows(() => yolo11(options), FeatherdetError, says);
  refused({ size: 100 }, "YOLO11: input size is 100x100, expected multiples of 32");
  refused({ size: [64, 0] }, "input size is 64x0");
  refused({ classes: 0 }, "the number of classes is 0");
  refused({ classes: [] }, "the number of classes is 0");
  refused({ batch: 1.5 }, "batch is 1.5");
  refused({ width: 0 }, "width is 0");
  refused({ depth: NaN }, "depth is NaN");
  refused({ scale: "q" as Yolo11Scale }, 'scale "q" does not exist, expected n, s, m, l, x');
  refused({ seed: 0.5 }, "seed is 0.5, expected a whole number");
  refused({ classes: ["a", 2 as unknown as string] }, "a class is called 2, expected a text");
});

Deno.test("weights start as PyTorch's do, from the seed and the layer's name alone", () => {
  const graph = yolo11({ seed: 1 });
  const again = yolo11({ seed: 1, size: 320, classes: 5 }), other = yolo11({ seed: 2 });
  const name = "model.7.conv.weight";
  const { shape, data } = graph.constants.get(name)!;
  assertSameConstant(again.constants.get(name)!, graph.constants.get(name)!, name);
  assert(other.constants.get(name)!.data[0] !== data[0]);
  assert(graph.constants.get("model.5.conv.weight")!.data[0] !== data[0]);

  // Uniform within 1 / sqrt(fan-in): both ends are reached, the mean is 0 and the variance a third of the square.
  const bound = 1 / Math.sqrt(shape[1] * 9);
  let least = Infinity, most = -Infinity, sum = 0, squares = 0;
  for (const value of data) {
    least = Math.min(least, value);
    most = Math.max(most, value);
    sum += value;
    squares += value * value;
  }
  assert(least >= -bound && most <= bound && least < -0.999 * bound && most > 0.999 * bound);
  assertAlmostEquals(sum / data.length, 0, 0.01 * bound);
  assertAlmostEquals(squares / data.length, bound ** 2 / 3, 0.01 * bound ** 2);

  // The bias of class logits: 5 objects of 80 classes on 6400, 1600 and 400 cells.
  [6400, 1600, 400].forEach((cells, level) => {
    const { data } = graph.constants.get(`model.23.cv3.${level}.2.bias`)!;
    assertEquals(new Set(data), new Set([Math.fround(Math.log(5 / 80 / cells))]));
  });
});

Deno.test("weights are drawn when they are first read, and once", () => {
  let made = 0;
  const constant = lazyConstant([2], () => Float32Array.of(++made, 7));
  assertEquals([constant.shape, made], [[2], 0]);
  assertEquals([constant.data, constant.data, made], [Float32Array.of(1, 7), Float32Array.of(1, 7), 1]);
  const graph = yolo11({ scale: "x" });
  for (const { weight } of layersOf(graph).filter(({ norm }) => norm)) {
    assert(Object.getOwnPropertyDescriptor(graph.constants.get(weight), "data")!.get, weight);
  }
});

const SHAPES: Readonly<Record<string, Yolo11Options>> = {
  "n of half the width, batch 3": { ...TINY, batch: 3 },
  "m of an eighth of the width, tall": { ...TINY, scale: "m", size: [96, 32], classes: 1 },
  "l with odd channels": { ...TINY, scale: "l", width: 0.07, size: 64, classes: 13 },
};

for (const [name, options] of Object.entries(SHAPES)) {
  gpuTest(`a session computes what the reference does: ${name}`, async (device) => {
    const { box, score } = await bothOutputs(lively(yolo11(options)), device, "f32");
    assert(box < 0.01 && score < 1e-4, `boxes differ by ${box} px, scores by ${score}`);
  });
}

Deno.test("a saved model can be read for another size, and is then the model built for it", () => {
  const large = yolo11({ ...TINY, size: [96, 160], batch: 2 });
  const read = recogniseActivations(importOnnx(saveOnnx(yolo11(TINY)), { shapes: { images: [2, 3, 96, 160] } }));
  assertEquals(read.nodes.length, large.nodes.length);
  const tables = (graph: Graph) => [...graph.constants.values()].map(({ shape, data }) => ({ shape, data }));
  const attributes = (graph: Graph) => graph.nodes.map(({ name, attributes }) => ({ name, attributes }));
  assertEquals(attributes(read), attributes(large));
  const known = new Set(tables(large).map((table) => JSON.stringify([table.shape, table.data.slice(0, 50)])));
  for (const table of tables(read)) assert(known.has(JSON.stringify([table.shape, table.data.slice(0, 50)])));
});

Deno.test("the command line knows the five sizes by name", async () => {
  for (const scale of Object.keys(PUBLISHED)) findModel(`yolo11${scale}`);
  const graph = await loadModel("yolo11s", { size: 64, batch: 2, untrained: true });
  assertEquals(graph.inputs[0].shape, [2, 3, 64, 64]);
  assertEquals(analyze(yolo11({ scale: "s", size: 64, batch: 2 })).macs, analyze(graph).macs);
});
