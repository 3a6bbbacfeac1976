/** YOLO11-Lite: counts against sums worked out here, what the models compute, how they are planned, and what is refused. */

import { assert, assertAlmostEquals, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { loadModel } from "../../src/host/models.ts";
import { planModel } from "../../src/detect/plan_model.ts";
import { planNetwork } from "../../src/detect/plan_network.ts";
import { analyze, FeatherdetError, type Graph, inferTypes, type Shape, verify } from "../../src/graph/mod.ts";
import { ATTENTION_KINDS, type AttentionKind } from "../../src/models/attention.ts";
import { ATTENTION_PLACES, type PlacedAttention } from "../../src/models/attention_places.ts";
import { type BackboneName, BACKBONES } from "../../src/models/backbones/features.ts";
import { ModelBuilder } from "../../src/models/builder.ts";
import { DETECTORS } from "../../src/models/named.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { HEADS, LITE_PREFIX, NECKS, yolo11Lite, type Yolo11LiteOptions } from "../../src/models/yolo11_lite.ts";
import { bothOutputs } from "../support/both_outputs.ts";
import { gpuTest } from "../support/gpu.ts";
import { settled } from "../support/settled.ts";

const LITES = Object.keys(DETECTORS).filter((name) => name.startsWith(LITE_PREFIX));

/** The backbone of a named lite model. */
const backboneOf = (name: string) => name.slice(LITE_PREFIX.length) as BackboneName;

/** Parameters of a 1x1 convolution without bias and its BatchNormalization. */
const pointwise = (from: number, to: number) => from * to + 2 * to;
/** Those of a depthwise convolution and its BatchNormalization. */
const depthwise = (channels: number, kernel: number) => channels * kernel * kernel + 2 * channels;
const separable = (from: number, to: number) => depthwise(from, 5) + pointwise(from, to);
/** Those of a layer with bias. */
const biased = (from: number, to: number) => from * to + to;

/** Parameters of the light neck of `c` channels on features of the given channels, every fusion with `repeats` blocks. */
function lightNeckParameters(features: readonly number[], c: number, repeats = 1): number {
  const laterals = features.reduce((sum, channels) => sum + pointwise(channels, c), 0);
  return laterals + 4 * (pointwise(2 * c, c) + repeats * separable(c, c)) + 2 * separable(c, c);
}

/** Those of the light head of three levels, and of the DFL's 16 distances. */
function lightHeadParameters(c: number, classes: number, repeats = 1): number {
  return 3 * (2 * repeats * separable(c, c) + biased(c, 64) + biased(c, classes)) + 16;
}

/** Published parameters of a classifier, those of what follows its features, and the channels of these. */
interface PublishedBackbone {
  readonly classifier: number;
  readonly top: number;
  readonly features: readonly [number, number, number];
}

/** torchvision's and timm's counts. */
const PUBLISHED: Readonly<Partial<Record<BackboneName, PublishedBackbone>>> = {
  "shufflenetv2-0.5x": {
    classifier: 1_366_792,
    top: pointwise(192, 1024) + biased(1024, 1000),
    features: [48, 96, 192],
  },
  "shufflenetv2-1.0x": {
    classifier: 2_278_604,
    top: pointwise(464, 1024) + biased(1024, 1000),
    features: [116, 232, 464],
  },
  "shufflenetv2-1.5x": {
    classifier: 3_503_624,
    top: pointwise(704, 1024) + biased(1024, 1000),
    features: [176, 352, 704],
  },
  "mobilenetv3-small": {
    classifier: 2_542_856,
    top: pointwise(96, 576) + biased(576, 1024) + biased(1024, 1000),
    features: [24, 48, 96],
  },
  "mobilenetv3-large": {
    classifier: 5_483_032,
    top: pointwise(160, 960) + biased(960, 1280) + biased(1280, 1000),
    features: [40, 112, 160],
  },
  "efficientnet-lite0": {
    classifier: 4_652_008,
    top: pointwise(320, 1280) + biased(1280, 1000),
    features: [40, 112, 320],
  },
};

for (const [backbone, { classifier, top, features }] of Object.entries(PUBLISHED)) {
  Deno.test(`lite on ${backbone} has the parameters of its parts`, () => {
    const count = (more: Yolo11LiteOptions) =>
      analyze(yolo11Lite({ backbone: backbone as BackboneName, width: 1, size: 64, ...more })).parameters;
    const own = classifier - top;
    assertEquals(count({}), own + lightNeckParameters(features, 64) + lightHeadParameters(64, 80));
    assertEquals(
      count({ neckWidth: 0.5, classes: 3 }),
      own + lightNeckParameters(features, 32) + lightHeadParameters(32, 3),
    );
  });
}

Deno.test("depth repeats the blocks of light neck and head", () => {
  const parameters = (depth: number) => {
    const layers = analyze(yolo11Lite({ depth, size: 64 })).layers.filter(({ name }) => !name.startsWith("backbone"));
    return layers.reduce((sum, layer) => sum + layer.parameters, 0);
  };
  const expected = (repeats: number) =>
    lightNeckParameters([116, 232, 464], 64, repeats) + lightHeadParameters(64, 80, repeats);
  assertEquals([parameters(1), parameters(0.2), parameters(3)], [expected(1), expected(1), expected(3)]);
});

Deno.test("YOLO11n's backbone with pan and its head is YOLO11n and three 1x1 convolutions", () => {
  const lite = yolo11Lite({ backbone: "yolo11n", neck: "pan", head: "yolo11" });
  const laterals = 2 * pointwise(128, 128) + pointwise(256, 256);
  assertEquals(analyze(lite).parameters, 2_624_080 + laterals);
  const macs = 128 * 128 * (80 * 80 + 40 * 40) + 256 * 256 * 20 * 20;
  assertEquals(analyze(lite).macs, analyze(yolo11()).macs + macs);
});

Deno.test("multiply-accumulates of light neck and head are those of their parts", () => {
  const c = 64, classes = 7, features = [48, 96, 192], areas = [40 * 60, 20 * 30, 10 * 15];
  const block = c * 25 + c * c, fusion = 2 * c * c + block;
  // p3 has one fusion, p4 one down and one up, p5 one up; what is halved is made at the coarser size.
  const neck = areas[0] * fusion + areas[1] * (2 * fusion + block) + areas[2] * (fusion + block) +
    features.reduce((sum, channels, i) => sum + areas[i] * channels * c, 0);
  const anchors = areas.reduce((sum, area) => sum + area, 0);
  const head = anchors * (2 * block + c * 64 + c * classes) + anchors * 4 * 16;
  const { layers } = analyze(yolo11Lite({ backbone: "shufflenetv2-0.5x", size: [320, 480], classes }));
  const macsOf = (part: string) =>
    layers.filter(({ name }) => name.startsWith(part)).reduce((sum, { macs }) => sum + macs, 0);
  assertEquals([macsOf("neck"), macsOf("head")], [neck, head]);
});

Deno.test("every named lite is clearly smaller than YOLO11n: in parameters and in operations", () => {
  const { parameters, flops } = analyze(yolo11());
  for (const name of LITES) {
    const cost = analyze(DETECTORS[name]());
    assert(cost.parameters < 0.82 * parameters, `${name} has ${cost.parameters} parameters`);
    assert(cost.flops < 0.82 * flops, `${name} has ${cost.flops / 1e9} GFLOPs`);
  }
});

Deno.test("every light backbone has its lite, which the command line knows by name", async () => {
  const light = Object.keys(BACKBONES).filter((name) => !/^yolo11[smlx]$/.test(name));
  assertEquals(LITES.map(backboneOf).toSorted(), light.toSorted());
  const graph = await loadModel("yolo11lite-shufflenetv2-0.5x", { size: 64, batch: 2, untrained: true });
  assertEquals([graph.name, ...graph.inputs[0].shape], ["yolo11lite-shufflenetv2-0.5x", 2, 3, 64, 64]);
});

/** Shape of the output. */
function outputShape([height, width]: readonly number[], classes: number, batch: number): Shape {
  const anchors = [8, 16, 32].reduce((sum, stride) => sum + height / stride * width / stride, 0);
  return [batch, 4 + classes, anchors];
}

/** Layers of neck and head are as wide as kernels work, which the published widths of a backbone need not be. */
function assertWholeBlocks(graph: Graph): void {
  const types = inferTypes(graph);
  for (const { op, name, outputs } of graph.nodes) {
    if (op !== "BatchNormalization" || name.startsWith("backbone")) continue;
    const [, channels] = types.get(outputs[0])!.shape;
    assert(channels % 8 === 0, `${name} has ${channels} channels`);
  }
}

for (const name of LITES) {
  Deno.test(`${name} is a verified detector at any size, class number and batch`, () => {
    const cases = [
      { size: [64, 64], classes: 1, batch: 1 },
      { size: [96, 160], classes: 3, batch: 3 },
      { size: [320, 320], classes: 80, batch: 1 },
    ] as const;
    for (const { size, classes, batch } of cases) {
      const graph = yolo11Lite({ backbone: backboneOf(name), size, classes, batch });
      verify(graph);
      assertWholeBlocks(graph);
      assertEquals(inferTypes(graph).get("output0")!.shape, outputShape(size, classes, batch));
    }
  });

  Deno.test(`${name}: the planner knows the head, so that detection ends on the device`, () => {
    const graph = yolo11Lite({ backbone: backboneOf(name), size: 128, classes: 3 });
    for (const storage of ["texture", "buffer"] as const) {
      const target = storage === "texture" ? "software" : "hardware";
      const { head } = planNetwork(graph, { form: { scalar: "f32", storage }, maxPages: Infinity, target });
      assertEquals(head?.levels.map(({ stride }) => stride), [8, 16, 32]);
      assertEquals([head?.classes, head?.bins], [3, 16]);
      const { dispatches } = planModel(graph, { precision: "f32", storage });
      const operators = dispatches.map(({ operator }) => operator);
      const decoding = operators.findIndex((operator) => operator === "Decode");
      assertStringIncludes(operators[0], "Letterbox");
      assertEquals([...new Set(operators.slice(decoding))], ["Decode", "Suppress"]);
      // Neck and head need no dispatch but their convolutions, some of them joined: what is enlarged is added as it is.
      const behind = dispatches.flatMap(({ name, operator }) =>
        name.split(" ").filter((node) => /^(neck|head)\b/.test(node)).map(() => operator)
      );
      assertEquals(behind.filter((operator) => operator.includes("Resize")), [
        "Conv+Resize+Add+HardSwish",
        "Conv+Resize+Add+HardSwish",
      ]);
      const convolutions = behind.filter((operator) => operator.startsWith("Conv")).length;
      assertEquals(convolutions, 3 + 4 * 3 + 2 * 2 + 3 * 6 + 2);
      // A storage buffer cannot be read and written in one dispatch, which costs copies here and there.
      if (storage === "texture") {
        assertEquals(behind.length, convolutions);
        assert(dispatches.length <= 110, `${dispatches.length} dispatches`);
      }
    }
  });
}

Deno.test("necks and heads replace one another", () => {
  const costs = Object.keys(NECKS).flatMap((neck) =>
    Object.keys(HEADS).map((head) => {
      const parts = { neck, head } as Pick<Yolo11LiteOptions, "neck" | "head">;
      const graph = yolo11Lite({ ...parts, backbone: "mobilenetv3-small", size: [64, 96], classes: 5 });
      verify(graph);
      assertEquals(inferTypes(graph).get("output0")!.shape, outputShape([64, 96], 5, 1));
      assertStringIncludes(graph.metadata.description, `${neck} neck, ${head} head`);
      return analyze(graph).flops;
    })
  );
  assertEquals(new Set(costs).size, 4);
});

Deno.test("attention stands at its places and nowhere else", () => {
  const models = {
    yolo11: (attention?: PlacedAttention) => yolo11({ width: 0.125, size: 64, classes: 3, attention }),
    lite: (attention?: PlacedAttention) => yolo11Lite({ backbone: "mobilenetv3-small", size: 64, attention }),
  };
  for (const [name, build] of Object.entries(models)) {
    const plain = build(), before = analyze(plain).parameters;
    for (const kind of ATTENTION_KINDS.filter((kind) => kind !== "none")) {
      for (const place of ATTENTION_PLACES) {
        const graph = build({ kind, places: [place] });
        verify(graph);
        const added = graph.nodes.filter((node) => node.name.startsWith("attention."));
        assert(
          added.length > 3 && added.every((node) => node.name.startsWith(`attention.${place}.`)),
          `${name} ${place}`,
        );
        // Everything else is there still, under its name, and what it reads is changed in its place alone.
        const rest = graph.nodes.filter((node) => !added.includes(node));
        assertEquals(rest.map((node) => node.name), plain.nodes.map((node) => node.name));
        const more = analyze(graph).parameters - before;
        const [, channels] = inferTypes(graph).get(added.at(-1)!.outputs[0])!.shape;
        const squeeze = Math.max(4, Math.round(channels / 16));
        const perceptron = biased(channels, squeeze) + biased(squeeze, channels);
        assertEquals(more, { se: perceptron, cbam: perceptron + 2 * 49, simam: 0 }[kind], `${name} ${kind} ${place}`);
      }
    }
  }
});

Deno.test("attention of no kind, or nowhere, leaves the model as it is", () => {
  const plain = yolo11Lite({ size: 64 });
  for (const attention of [{ kind: "none", places: ["p3"] }, { kind: "se", places: [] }] as const) {
    const graph = yolo11Lite({ size: 64, attention });
    assertEquals([graph.nodes, graph.metadata], [plain.nodes, plain.metadata]);
  }
  assertEquals(analyze(yolo11({ attention: { kind: "none", places: ATTENTION_PLACES } })).parameters, 2_624_080);
});

Deno.test("attention on a feature of the backbone is seen by the neck, not by the backbone itself", () => {
  const graph = yolo11({ width: 0.125, size: 64, attention: { kind: "simam", places: ["p3"] } });
  const readers = graph.nodes.filter(({ inputs }) => inputs.includes("attention.p3.scale"));
  assertEquals(readers.map(({ name }) => name), ["model.15"]);
  const next = graph.nodes.find(({ name }) => name === "model.5.conv")!;
  assertEquals(next.inputs[0], "model.4.cv2.act");
});

/** Members small enough for the reference evaluator that between them have every kind of block. */
const COMPARED: Readonly<Record<string, Yolo11LiteOptions>> = {
  "ShuffleNetV2, wide picture, one class": { backbone: "shufflenetv2-0.5x", size: [64, 96], classes: 1 },
  "MobileNetV3, pan, attention, batch 2": {
    backbone: "mobilenetv3-small",
    width: 0.5,
    neckWidth: 0.5,
    neck: "pan",
    size: 64,
    classes: 3,
    batch: 2,
    attention: { kind: "cbam", places: ["p3", "n5"] },
  },
  "EfficientNet-Lite, YOLO11's head, SE": {
    backbone: "efficientnet-lite0",
    width: 0.25,
    depth: 0.5,
    neckWidth: 0.5,
    head: "yolo11",
    size: [96, 64],
    classes: 13,
    attention: { kind: "se", places: ["p4", "n3", "n4", "n5"] },
  },
};

for (const [name, options] of Object.entries(COMPARED)) {
  gpuTest(`a session computes what the reference does: ${name}`, async (device) => {
    const { box, score } = await bothOutputs(settled(yolo11Lite(options)), device, "f32");
    assert(box < 0.01 && score < 1e-4, `boxes differ by ${box} px, scores by ${score}`);
  });
}

Deno.test("scores start at the prior of an object, boxes at five cells a side", () => {
  const graph = yolo11Lite({ size: 64, classes: 4 });
  [8, 16, 32].forEach((stride, level) => {
    const [bias] = graph.constants.get(`head.cv3.${level}.1.bias`)!.data;
    assertAlmostEquals(Number(bias), Math.log(5 / 4 / (640 / stride) ** 2), 1e-6);
    const logits = graph.constants.get(`head.cv2.${level}.1.bias`)!.data;
    for (const side of [0, 1, 2, 3]) {
      const shares = Array.from({ length: 16 }, (_, bin) => Math.exp(Number(logits[16 * side + bin])));
      const mean = shares.reduce((sum, share, bin) => sum + share * bin, 0) /
        shares.reduce((sum, share) => sum + share);
      assertAlmostEquals(mean, 2.45, 0.05);
    }
  });
});

Deno.test("widths are multiples of 8 whatever the factor, 8 at least", () => {
  const channels = (neckWidth: number) => {
    const graph = yolo11Lite({ neckWidth, size: 64 });
    return inferTypes(graph).get("neck.lateral.p3.act")!.shape[1];
  };
  assertEquals([0.01, 0.1, 0.5, 1, 1.3].map(channels), [8, 8, 32, 64, 88]);
});

Deno.test("a backbone has the same weights whatever follows it", () => {
  const b = new ModelBuilder({ seed: 3 });
  BACKBONES["mobilenetv3-small"](b, "backbone", b.input("images", [1, 3, 64, 64]));
  const alone = b.graph("backbone", []);
  const graph = yolo11Lite({ backbone: "mobilenetv3-small", size: 64, seed: 3 });
  for (const [name, { data }] of alone.constants) {
    assertEquals(graph.constants.get(name)!.data.slice(0, 20), data.slice(0, 20), name);
  }
});

Deno.test("wrong options of a lite model are refused in one sentence", () => {
  const refused = (options: object, says: string) => {
    const { message } = assertThrows(() => yolo11Lite(options as Yolo11LiteOptions), FeatherdetError);
    assertStringIncludes(message, says);
  };
  refused({ backbone: "resnet50" }, 'YOLO11-Lite: backbone "resnet50" does not exist, expected yolo11n, ');
  refused({ backbone: "toString" }, 'backbone "toString" does not exist');
  refused({ neck: "fpn" }, 'YOLO11-Lite: neck "fpn" does not exist, expected pan, light');
  refused({ head: "big" }, 'YOLO11-Lite: head "big" does not exist, expected yolo11, light');
  refused({ width: 0 }, "YOLO11-Lite: width is 0, expected a positive factor");
  refused({ neckWidth: Infinity }, "neckWidth is Infinity");
  refused({ depth: -1 }, "depth is -1");
  refused({ depth: "2" }, "depth is 2");
  refused({ size: 100 }, "YOLO11-Lite: input size is 100x100, expected multiples of 32");
  refused({ size: [64] }, "input size is 64,");
  refused({ classes: 0 }, "the number of classes is 0");
  refused({ batch: 0 }, "batch is 0");
  refused(
    { attention: { kind: "eca" as AttentionKind, places: ["p3"] } },
    'attention "eca" does not exist, expected none',
  );
  refused({ attention: { kind: "se", places: ["p2"] } }, 'attention at "p2" is not possible, expected places among p3');
  refused({ attention: { kind: "se", places: ["p3", "p3"] } }, 'attention is asked for twice at "p3"');
  refused({ attention: { kind: "se" } }, "attention has no list of places");
  const places = ["p3"];
  refused(
    { attention: { kind: "se", places, reduction: 0 } },
    "attention's reduction is 0, expected a positive factor",
  );
  refused({ attention: { kind: "cbam", places, kernel: 1.5 } }, "attention's kernel is 1.5, expected a whole number");
  refused({ attention: { kind: "cbam", places, kernel: 4 } }, "the kernel must be odd");
  refused({ attention: { kind: "simam", places, lambda: -1 } }, "attention's lambda is -1");
});
