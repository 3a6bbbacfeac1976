/** The light backbones and their classifiers, against torchvision's and timm's (`tests/fixtures/make_backbone_cases.py`). */

import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { createHash } from "node:crypto";
import { analyze, FeatherdetError, type Graph, inferTypes, verify } from "../../src/graph/mod.ts";
import { recogniseActivations } from "../../src/passes/mod.ts";
import { makeDivisible } from "../../src/models/backbones/backbone.ts";
import { type BackboneName, BACKBONES, type LightBackboneName } from "../../src/models/backbones/features.ts";
import { ModelBuilder } from "../../src/models/builder.ts";
import { channelShuffle } from "../../src/models/channel_shuffle.ts";
import { classifier, CLASSIFIER_NAMES, type ClassifierOptions } from "../../src/models/classifier.ts";
import { recipeOf } from "../../src/models/metadata.ts";
import { NAMED_MODELS } from "../../src/models/named.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { importOnnx, readClassNames, saveOnnx } from "../../src/onnx/mod.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { Session } from "../../src/engine/session.ts";
import { gpuTest } from "../support/gpu.ts";
import { lively } from "../support/lively.ts";
import { noisy, noisyPicture } from "../support/noise.ts";
import { assertSameConstants } from "../support/same_constants.ts";

/** A few elements of a result, from the first to the last. */
interface Kept {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

const LEVELS = ["p3", "p4", "p5", "logits"] as const;

type Run = Readonly<Record<typeof LEVELS[number], Kept>> & { readonly size: readonly [number, number] };

interface Case {
  readonly parameters: number;
  readonly side: number;
  readonly macs: number;
  readonly epsilon: number;
  /** Digest of all names and shapes. */
  readonly state: string;
  readonly runs: readonly Run[];
}

const CASES: Readonly<Record<LightBackboneName, Case>> = JSON.parse(
  Deno.readTextFileSync(new URL("../fixtures/backbone_cases.json", import.meta.url)),
);

/** Parameters, and multiply-accumulates in millions as torchvision (at three digits) and Google publish them. */
const PUBLISHED: Readonly<Record<LightBackboneName, readonly [parameters: number, megamacs: number]>> = {
  "shufflenetv2-0.5x": [1_366_792, 40],
  "shufflenetv2-1.0x": [2_278_604, 145],
  "shufflenetv2-1.5x": [3_503_624, 296],
  "mobilenetv3-small": [2_542_856, 57],
  "mobilenetv3-large": [5_483_032, 217],
  "efficientnet-lite0": [4_652_008, 407],
  "efficientnet-lite1": [5_416_680, 631],
  "efficientnet-lite2": [6_092_072, 899],
};

for (const name of CLASSIFIER_NAMES) {
  Deno.test(`${name} has the published parameters, operations, names and shapes`, () => {
    const graph = NAMED_MODELS[name](), cost = analyze(graph), expected = CASES[name];
    assertEquals(graph.inputs[0].shape, [1, 3, expected.side, expected.side]);
    assertEquals([cost.parameters, cost.macs], [expected.parameters, expected.macs]);
    const [parameters, megamacs] = PUBLISHED[name];
    assertEquals(cost.parameters, parameters);
    // Google's figures for EfficientNet-Lite count BatchNormalization and activations, too: 5 % more.
    const share = name.startsWith("efficientnet") ? 0.055 : 0.015;
    assertAlmostEquals(cost.macs / 1e6, megamacs, share * megamacs);

    const lines = [...graph.constants].map(([constant, { shape }]) => `${constant} ${shape.join("x")}`).sort();
    assertEquals(createHash("sha256").update(lines.join("\n")).digest("hex"), expected.state);
    const epsilons = graph.nodes.flatMap((node) => node.op === "BatchNormalization" ? [node.attributes.epsilon] : []);
    assertEquals(new Set(epsilons), new Set([Math.fround(expected.epsilon)]));
    assertEquals(new Set(graph.nodes.map((node) => node.name)).size, graph.nodes.length);
  });
}

/** The classifier of 1000 classes, with the features among its outputs, and the names of all of them. */
function withFeatures(backbone: LightBackboneName, size: readonly [number, number]): [Graph, Record<string, string>] {
  const graph = classifier({ backbone, size });
  const b = new ModelBuilder();
  const features = BACKBONES[backbone](b, "", b.input("images", [1, 3, ...size]));
  const outputs = { ...features, logits: graph.outputs[0] };
  return [{ ...graph, outputs: Object.values(outputs) }, outputs];
}

type Found = ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: ArrayLike<number> }>;

/** Fails unless what was computed is the case's within `relative` of the largest of each result's kept elements. */
function assertRun(found: Found, names: Record<string, string>, run: Run, relative: number): void {
  for (const level of LEVELS) {
    const { shape, data } = found.get(names[level])!;
    assertEquals([...shape], [...run[level].shape], level);
    const largest = Math.max(...run[level].values.map(Math.abs));
    run[level].values.forEach((value, i) => {
      assertAlmostEquals(data[Math.floor(i * (data.length - 1) / 7)], value, relative * largest, `${level}: ${i}`);
    });
  }
}

async function runSession(graph: Graph, device: GPUDevice): Promise<Found> {
  const session = await Session.create(graph, { device, precision: "f32" });
  const { shape } = graph.inputs[0];
  const results = await session.run({ images: { shape, data: noisyPicture(shape) } });
  session.destroy();
  return new Map(Object.entries(results));
}

/** A classifier on the first picture in float64. */
function computeReference(name: LightBackboneName) {
  const [plain, names] = withFeatures(name, CASES[name].runs[0].size);
  const graph = noisy(plain), { shape } = graph.inputs[0];
  const found = runReference(graph, { images: referenceTensor(shape, noisyPicture(shape)) });
  return { graph, names, found };
}

const computed = new Map<LightBackboneName, ReturnType<typeof computeReference>>();

/** The same, once for all tests. */
function reference(name: LightBackboneName): ReturnType<typeof computeReference> {
  const known = computed.get(name) ?? computeReference(name);
  computed.set(name, known);
  return known;
}

for (const name of CLASSIFIER_NAMES) {
  Deno.test(`${name} computes what the published code does`, () => {
    const { names, found } = reference(name);
    assertRun(found, names, CASES[name].runs[0], 1e-6);
  });

  gpuTest(`a session computes what the reference does: ${name}`, async (device) => {
    const { graph, names, found: expected } = reference(name);
    const found = await runSession(graph, device);
    for (const [value, { data }] of expected) {
      let largest = 0, difference = 0;
      data.forEach((element, i) => {
        largest = Math.max(largest, Math.abs(element));
        difference = Math.max(difference, Math.abs(element - found.get(value)!.data[i]));
      });
      assert(difference < 1e-4 * largest, `${value}: differs by ${difference} of ${largest}`);
    }
    // Sizes that do not halve evenly, where "same" padding falls out differently.
    const odd = CASES[name].runs[1];
    const [other] = withFeatures(name, odd.size);
    assertRun(await runSession({ ...other, constants: graph.constants }, device), names, odd, 1e-3);
  });
}

/** Channels of p3, p4 and p5. */
const CHANNELS: Readonly<Record<BackboneName, readonly number[]>> = {
  yolo11n: [128, 128, 256],
  yolo11s: [256, 256, 512],
  yolo11m: [512, 512, 512],
  yolo11l: [512, 512, 512],
  yolo11x: [768, 768, 768],
  "shufflenetv2-0.5x": [48, 96, 192],
  "shufflenetv2-1.0x": [116, 232, 464],
  "shufflenetv2-1.5x": [176, 352, 704],
  "mobilenetv3-small": [24, 48, 96],
  "mobilenetv3-large": [40, 112, 160],
  "efficientnet-lite0": [40, 112, 320],
  "efficientnet-lite1": [40, 112, 320],
  "efficientnet-lite2": [48, 120, 352],
};

/** A backbone alone. */
function alone(name: BackboneName, shape: readonly number[], options = {}): Graph {
  const b = new ModelBuilder();
  const { p3, p4, p5 } = BACKBONES[name](b, "backbone", b.input("images", shape), options);
  return b.graph(name, [p3, p4, p5]);
}

Deno.test("every backbone gives features of stride 8, 16 and 32 at any size and batch", () => {
  assertEquals(Object.keys(BACKBONES), Object.keys(CHANNELS));
  for (const name of Object.keys(BACKBONES) as BackboneName[]) {
    for (const [batch, height, width] of [[1, 64, 64], [2, 96, 160]]) {
      const graph = alone(name, [batch, 3, height, width]), types = inferTypes(graph);
      assertEquals(
        graph.outputs.map((output) => types.get(output)!.shape),
        CHANNELS[name].map((channels, i) => [batch, channels, height / (8 << i), width / (8 << i)]),
        name,
      );
      for (const constant of graph.constants.keys()) assert(constant.startsWith("backbone."), constant);
    }
    verify(alone(name, [2, 3, 32, 64], { width: 0.2 }));
  }
});

Deno.test("width and depth are factors on what is published", () => {
  const cost = (name: BackboneName, options: object) => analyze(alone(name, [1, 3, 64, 64], options));
  for (const name of Object.keys(BACKBONES) as BackboneName[]) {
    const { parameters, weightLayers } = cost(name, {});
    const narrow = cost(name, { width: 0.5 }), wide = cost(name, { width: 1.5 });
    assert(narrow.parameters < 0.4 * parameters && wide.parameters > 1.7 * parameters, name);
    assertEquals([narrow.weightLayers, wide.weightLayers].map((layers) => layers >= weightLayers), [true, true], name);
    // The smaller YOLO11 have one block of each kind already.
    if (!/^yolo11[nsm]$/.test(name)) assert(cost(name, { depth: 0.5 }).weightLayers < weightLayers, name);
    assert(cost(name, { depth: 2 }).weightLayers > weightLayers, name);
  }
  // The last rows of a run go; the first, which changes channels or size, stays.
  const rows = (options: object) => {
    const graph = classifier({ backbone: "mobilenetv3-small", size: 64, ...options });
    return new Set([...graph.constants.keys()].flatMap((name) => name.match(/^features\.\d+/) ?? [])).size;
  };
  assertEquals([0.01, 0.5, 1, 2].map((depth) => rows({ depth })), [5 + 2, 7 + 2, 11 + 2, 22 + 2]);
  assertThrows(() => alone("yolo11n", [1, 3, 64, 64], { width: 0 }), FeatherdetError, "backbone: width is 0");
  assertThrows(() => alone("mobilenetv3-large", [1, 3, 64, 64], { depth: NaN }), FeatherdetError, "depth is NaN");
});

Deno.test("the YOLO11 backbones are the first eleven rows of the models", () => {
  for (const scale of ["n", "m"] as const) {
    const b = new ModelBuilder();
    BACKBONES[`yolo11${scale}`](b, "model", b.input("images", [1, 3, 64, 64]));
    const { nodes } = b.graph("backbone", []);
    const model = yolo11({ scale, size: 64 });
    assertEquals(nodes, model.nodes.slice(0, nodes.length));
    assert(model.nodes[nodes.length].name.startsWith("model.11"));
  }
});

Deno.test("widths are rounded to multiples, never down by more than a tenth", () => {
  const cases = [[4, 8, 8], [18, 8, 24], [22, 8, 24], [72, 8, 72], [60, 8, 64], [36, 8, 40], [11, 8, 16], [10, 4, 12]];
  for (const [channels, divisor, expected] of cases) assertEquals(makeDivisible(channels, divisor), expected);
  for (let channels = 1; channels < 400; channels++) {
    const rounded = makeDivisible(channels);
    assert(rounded % 8 === 0 && rounded >= 0.9 * channels && rounded < channels + 8, `${channels}: ${rounded}`);
  }
});

Deno.test("a channel shuffle deals the groups out one by one", () => {
  const shape = [2, 12, 2, 3];
  const data = Float32Array.from({ length: 2 * 12 * 6 }, (_, i) => i);
  for (const groups of [1, 2, 3, 4, 12]) {
    const b = new ModelBuilder();
    const graph = b.graph("shuffle", [channelShuffle(b, "shuffle", b.input("x", shape), groups)]);
    const found = runReference(graph, { x: referenceTensor(shape, data) }).get("shuffle.merge")!;
    assertEquals([...found.shape], shape);
    found.data.forEach((value, i) => {
      const pixel = i % 6, channel = Math.floor(i / 6) % 12, image = Math.floor(i / 72);
      const from = (channel % groups) * (12 / groups) + Math.floor(channel / groups);
      assertEquals(value, (image * 12 + from) * 6 + pixel);
    });
  }
  const b = new ModelBuilder();
  b.input("x", shape);
  assertThrows(() => channelShuffle(b, "s", "x", 5), FeatherdetError, "12 channels do not divide into 5 groups");
});

const TINY = { width: 0.25, depth: 0.5, size: [64, 96] as const, classes: ["cat", "it's"], seed: 3 };

Deno.test("a classifier saved and read again is the same model bit for bit", () => {
  for (const backbone of CLASSIFIER_NAMES) {
    const saved = lively(classifier({ ...TINY, backbone, batch: 2 }));
    const read = importOnnx(saveOnnx(saved));
    const { constants, ...rest } = recogniseActivations(read);
    const { constants: expected, ...structure } = saved;
    assertEquals(rest, structure);
    assertSameConstants(constants, expected);
    assertEquals(readClassNames(read), ["cat", "it's"]);
    assertEquals([read.metadata.task, read.metadata.imgsz], ["classify", "[64, 96]"]);
    const recipe = {
      family: "classifier",
      backbone,
      classes: 2,
      width: 0.25,
      depth: 0.5,
      size: [64, 96],
      batch: 2,
      seed: 3,
    };
    assertEquals(recipeOf(read), recipe);
  }
});

/** Mean and standard deviation of the elements of a constant. */
function spread(graph: Graph, name: string): [mean: number, deviation: number] {
  const data = graph.constants.get(name)!.data as Float32Array;
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
  return [mean, Math.sqrt(data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length)];
}

Deno.test("weights start as published for their family", () => {
  const starts: [LightBackboneName, string, number][] = [
    // PyTorch's own: uniform within 1 / sqrt(fan-in).
    ["shufflenetv2-1.0x", "stage3.1.branch2.0.weight", Math.sqrt(1 / 116 / 3)],
    ["shufflenetv2-1.0x", "stage4.1.branch2.3.weight", Math.sqrt(1 / 9 / 3)],
    ["shufflenetv2-1.0x", "fc.weight", Math.sqrt(1 / 1024 / 3)],
    // He et al. 2015 by fan-out, which a depthwise convolution shares among its groups.
    ["mobilenetv3-small", "features.9.block.0.0.weight", Math.sqrt(2 / 288)],
    ["mobilenetv3-small", "features.11.block.1.0.weight", Math.sqrt(2 / 25)],
    ["mobilenetv3-small", "features.11.block.2.fc1.weight", Math.sqrt(2 / 144)],
    ["mobilenetv3-small", "classifier.0.weight", 0.01],
    ["mobilenetv3-small", "classifier.3.weight", 0.01],
    ["efficientnet-lite0", "blocks.3.1.conv_pwl.weight", Math.sqrt(2 / 80)],
    ["efficientnet-lite0", "blocks.5.1.conv_dw.weight", Math.sqrt(2 / 25)],
    // Uniform within 1 / sqrt(classes).
    ["efficientnet-lite0", "classifier.weight", Math.sqrt(1 / 1000 / 3)],
  ];
  for (const [backbone, name, expected] of starts) {
    const [mean, deviation] = spread(classifier({ backbone }), name);
    assertAlmostEquals(mean, 0, 0.05 * expected, name);
    assertAlmostEquals(deviation, expected, 0.03 * expected, name);
  }
  const zeros = ["features.11.block.2.fc2.bias", "classifier.0.bias", "classifier.3.bias"];
  for (const name of zeros) assertEquals(spread(classifier({ backbone: "mobilenetv3-small" }), name), [0, 0], name);
  assertEquals(spread(classifier({ backbone: "efficientnet-lite0" }), "classifier.bias"), [0, 0]);
});

Deno.test("wrong options of a classifier are refused in one sentence", () => {
  const refused = (options: Partial<ClassifierOptions>, says: string) =>
    assertThrows(() => classifier({ backbone: "shufflenetv2-0.5x", ...options }), FeatherdetError, says);
  refused(
    { backbone: "yolo11n" as LightBackboneName },
    'classifier: backbone "yolo11n" does not exist, expected shuffle',
  );
  refused({ size: 0 }, "shufflenetv2-0.5x: input size is 0x0, expected whole numbers of at least 1");
  refused({ size: [32, 1.5] }, "input size is 32x1.5");
  refused({ classes: 0 }, "the number of classes is 0");
  refused({ batch: -1 }, "batch is -1");
  refused({ seed: 0.5 }, "seed is 0.5");
  refused({ width: -1 }, "width is -1");
});
