/** Elastic networks: what is elastic, sub-networks as plain graphs, and the entropy of networks that were never trained. */

import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  bundleKey,
  cutsOf,
  elasticNet,
  entropyOf,
  entropyPaths,
  masksOf,
  subnetGflops,
  subnetOf,
} from "../../../src/compress/elastic/mod.ts";
import {
  cheapestPoint,
  dearestPoint,
  namedPoint,
  type Point,
  pointOf,
  randomPoint,
} from "../../../src/compress/search/space.ts";
import { analyze } from "../../../src/graph/analyze.ts";
import { FeatherdetError, type Graph, verify } from "../../../src/graph/mod.ts";
import { ModelBuilder } from "../../../src/models/builder.ts";
import { yolo11 } from "../../../src/models/yolo11.ts";
import { Random } from "../../../src/numbers/random.ts";
import { loadOnnx, saveOnnx } from "../../../src/onnx/mod.ts";
import { branchesOf, foldBatchNormalization, withBatch } from "../../../src/passes/mod.ts";
import { referenceTensor, runReference } from "../../../src/reference/run.ts";
import { difference, outputsOf } from "../../support/channels.ts";
import { lively } from "../../support/lively.ts";

const model = lively(yolo11({ width: 0.0625, size: 32, classes: 3 }), 2), net = elasticNet(model);

type Changes = Readonly<Record<string, number>>;

const at = (changes: Changes): Point =>
  pointOf(net.space, { ...namedPoint(net.space, dearestPoint(net.space)), ...changes });

/** The whole network with scales and biases behind masks, which is what a masked step computes at rest. */
function masked(point: Point): Graph {
  const constants = new Map(net.graph.constants);
  for (const [name, mask] of masksOf(net, point)) {
    const constant = constants.get(name)!;
    constants.set(name, {
      ...constant,
      data: Float32Array.from(constant.data, (value, i) => Number(value) * mask[i % mask.length]),
    });
  }
  return { ...net.graph, constants };
}

Deno.test("rows of YOLO11 have widths, depths where there are shortcuts, and kernels of their branches", () => {
  const { dimensions } = elasticNet(yolo11({ size: 64 }), { widths: [0.25, 1, 0.5], sizes: [32, 64] }).space;
  const values = Object.fromEntries(dimensions.map(({ name, values }) => [name, values]));
  assertEquals(values["width model.0"], [0.25, 0.5, 1]);
  assertEquals([values["depth model.4"], values["depth model.6"], values["depth model.10"]], [[0, 1], [0, 1, 2], [
    0,
    1,
    2,
  ]]);
  assertEquals([values["kernel model.6"], values["kernel model.10"], values.size], [[1, 3], undefined, [32, 64]]);
  assertEquals(dimensions.filter(({ kind }) => kind === "width").length, 18);
  const fixed = elasticNet(model, { depth: false, kernels: false }).space.dimensions;
  assertEquals([...new Set(fixed.map(({ kind }) => kind))], ["width"]);
});

Deno.test("a sub-network computes at rest what the whole one does behind its masks", () => {
  const whole = outputsOf(net.graph);
  const cuts: Changes[] = [{ "width model.2": 0.5 }, { "depth model.6": 1 }, { "depth model.10": 0 }, {
    "kernel model.6": 1,
  }];
  for (const changes of cuts) {
    const point = at(changes), sub = subnetOf(net, point);
    verify(sub);
    const own = outputsOf(sub);
    assert(difference(own, outputsOf(masked(point))) < 1e-12, JSON.stringify(changes));
    assert(difference(own, whole) > 1e-9, `${JSON.stringify(changes)} changes nothing`);
  }
  assert(difference(outputsOf(subnetOf(net, dearestPoint(net.space))), whole) < 1e-15);
});

Deno.test("of an order those channels go that it names, and it holds for a file that was saved and loaded", async () => {
  const [{ bundle }] = net.rows[0].bundles, count = bundle.groups.length;
  const order = { [bundleKey(bundle)]: Array.from({ length: count }, (_, i) => i) };
  const first = elasticNet(model, { order }), half = at({ "width model.0": 0.5 });
  const [kept, reversed] = [net, first].map((one) => subnetOf(one, half).constants.get("model.0.bn.weight")!.data);
  const scales = model.constants.get("model.0.bn.weight")!.data;
  assertEquals([[...kept], [...reversed]], [[...scales.slice(0, count / 2)], [...scales.slice(count / 2)]]);
  const loaded = elasticNet(await loadOnnx(saveOnnx(model)), { order });
  assertEquals(subnetOf(loaded, half).constants.get("model.0.bn.weight")!.data, reversed);
  assertThrows(
    () => elasticNet(model, { order: { [bundleKey(bundle)]: [0] } }),
    FeatherdetError,
    "of 1 channels, it has",
  );
});

Deno.test("sub-networks of a batch of three at a smaller size cost what their rows say", () => {
  const sized = elasticNet(yolo11({ width: 0.0625, size: 96, classes: 3 }), { sizes: [32, 96] });
  const smallest = cheapestPoint(sized.space), sub = subnetOf(sized, smallest, withBatch(sized.graph, 3));
  assertEquals(sub.inputs[0].shape, [3, 3, 32, 32]);
  assertEquals(cutsOf(sized, smallest).size, 32);
  assert(!sub.nodes.some(({ name }) => branchesOf(sized.graph).some(({ add }) => add.name === name)));
  assertEquals(sub.constants.get("model.5.conv.weight")!.shape, [16, 16, 3, 3]);
  assert(analyze(sub).flops < analyze(withBatch(sized.graph, 3)).flops / 15);
});

Deno.test("operations of sub-networks are counted as those of the plain graphs, without making them", () => {
  const sized = elasticNet(yolo11({ width: 0.125, depth: 1, size: 64, classes: 3 }), { sizes: [32, 64] });
  const random = new Random(3), gflops = subnetGflops(sized);
  const points = [
    cheapestPoint(sized.space),
    dearestPoint(sized.space),
    ...[1, 2, 3].map(() => randomPoint(sized.space, random)),
  ];
  for (const point of points) {
    assertAlmostEquals(gflops(point) / (analyze(subnetOf(sized, point)).flops / 1e9), 1, 1e-9, point.join());
  }
});

Deno.test("what cannot be elastic is refused in a sentence", () => {
  assertThrows(() => elasticNet(model, { widths: [0.5] }), FeatherdetError, "end with 1");
  assertThrows(() => elasticNet(model, { widths: [0, 1] }), FeatherdetError, "a width of 0");
  assertThrows(() => elasticNet(model, { sizes: [64] }), FeatherdetError, "the largest size is 64");
  assertThrows(() => elasticNet(yolo11({ width: 0.0625, size: [32, 64] })), FeatherdetError, "square input");
  assertThrows(
    () => elasticNet(foldBatchNormalization(model), { kernels: false }),
    FeatherdetError,
    "nothing of the model",
  );
});

/** A chain of convolutions beside a shorter one, joined. */
function forked(): ModelBuilder {
  const b = new ModelBuilder({ seed: 1 }), x = b.input("x", [1, 3, 13, 13]);
  const deep = b.conv("deep.1", b.conv("deep.0", x, { out: 5, kernel: 3 }), { out: 4, kernel: 1 });
  b.conv("join", b.concat("both", [deep, b.conv("short", x, { out: 7, kernel: 3 })]), { out: 2, kernel: 1 });
  return b;
}

Deno.test("the entropy of a value is that of its deepest path: by hand, and for every path of a forked graph", () => {
  const paths = entropyPaths(forked().graph("forked", ["join"]));
  // 3 inputs x 9 taps, 5 inputs, and behind the join 4 + 7 inputs.
  assertAlmostEquals(paths.get("deep.1")!.logarithms, Math.log(27 * 5), 1e-12);
  assertAlmostEquals(paths.get("short")!.logarithms, Math.log(27), 1e-12);
  assertEquals(paths.get("join")!.layers, 3);
  assertAlmostEquals(paths.get("join")!.logarithms, Math.log(27 * 5 * 11), 1e-12);
});

Deno.test("the variance of maps of random weights is what the entropy says", () => {
  const random = new Random(11), draws = 400;
  let sum = 0, count = 0;
  for (let draw = 0; draw < draws; draw++) {
    const b = new ModelBuilder(), x = b.input("x", [1, 2, 5, 5]);
    const one = (name: string, from: string, out: number, kernel: number, inputs: number) => {
      const weight = b.constant(
        `${name}.weight`,
        [out, inputs, kernel, kernel],
        Float32Array.from({ length: out * inputs * kernel ** 2 }, () => random.normal()),
      );
      return b.node("Conv", name, [from, weight], {
        strides: [1, 1],
        pads: [0, 0, 0, 0],
        dilations: [1, 1],
        groups: 1,
      });
    };
    const graph = b.graph("chain", [one("b", one("a", x, 3, 3, 2), 4, 3, 3)]);
    const picture = Float32Array.from({ length: 50 }, () => random.normal());
    for (const value of runReference(graph, { x: referenceTensor([1, 2, 5, 5], picture) }).get("b")!.data) {
      sum += value ** 2;
      count++;
    }
    if (draw === 0) assertAlmostEquals(entropyPaths(graph).get("b")!.logarithms, Math.log(18 * 27), 1e-12);
  }
  // The mean of squares of 1600 products of normal numbers: within a fifth.
  const ratio = sum / count / (18 * 27);
  assert(ratio > 0.8 && ratio < 1.25, `${ratio}`);
});

Deno.test("the entropy of a detector sums its levels, and falls with every cut", () => {
  const { score, levels, effectiveness } = entropyOf(net.graph), [a, b, c] = levels;
  assertAlmostEquals(score, a + b + 8 * c, 1e-9);
  assertAlmostEquals(entropyOf(net.graph, [0, 2, 0]).score, 2 * b, 1e-9);
  assert(effectiveness > 0 && effectiveness < 2);
  const cuts: Changes[] = [{ "width model.8": 0.5 }, { "depth model.8": 0 }, { "kernel model.8": 1 }, {
    "width model.23": 0.5,
  }];
  for (const changes of cuts) {
    assert(entropyOf(subnetOf(net, at(changes))).score < score, JSON.stringify(changes));
  }
});
