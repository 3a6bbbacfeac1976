/**
 * The operators of quantization-aware training: hand-worked values, agreement with what quantization after training does, straight-through
 * gradients, what counts as a parameter.
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { binaryChannel } from "../../src/compress/quantize/binary.ts";
import { fourBitChannel } from "../../src/compress/quantize/four_bit.ts";
import { ternaryChannel, twnThreshold } from "../../src/compress/quantize/ternary.ts";
import { quantizeWeights } from "../../src/compress/quantize/weights.ts";
import {
  analyze,
  FeatherdetError,
  type Graph,
  inferTypes,
  type Node,
  type OperatorAttributes,
  printGraph,
  type Shape,
  sizeOf,
  weightsOf,
  weightSource,
} from "../../src/graph/mod.ts";
import { evaluateNode, type ReferenceTensor, referenceTensor, runReference } from "../../src/reference/run.ts";
import { buildGradientGraph, buildTrainingGraph } from "../../src/train/mod.ts";
import { distinct, gradientsOf, lossOf, lossWeights, moved, slope, uniform } from "../support/finite_differences.ts";
import { graphOf, node, PLAIN, weight } from "../support/tiny_graph.ts";

type Bits = OperatorAttributes["FakeQuantizeWeights"]["bits"];

const fakeQuantize = (scale: number, zeroPoint: number, x = "x", y = "y") =>
  node("FakeQuantize", [x], [y], { scale, zeroPoint });
const rounded = (bits: Bits, w = "w", y = "y") => node("FakeQuantizeWeights", [w], [y], { bits });
const valueOf = (
  tested: Node,
  shape: Shape,
  numbers: ArrayLike<number>,
) => [...evaluateNode(tested, [referenceTensor(shape, numbers)])[0].data];

Deno.test("FakeQuantize rounds halves to even, moves by the zero point and saturates", () => {
  const steps = [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.2, 126.4, 127.4, 300, -128.4, -129, -1e30];
  const x = steps.map((step) => 0.25 * step);
  const expected = [0, 2, 2, -0, -2, -2, 0, 126, 127, 127, -128, -128, -128].map((step) => 0.25 * step);
  assertEquals(valueOf(fakeQuantize(0.25, 0), [13], x).map((y) => y + 0), expected.map((y) => y + 0));
  // With zero point -100 there is room for 28 steps below 0 and 227 above.
  assertEquals(valueOf(fakeQuantize(0.5, -100), [5], [-20, -14, 0.75, 113.5, 114]), [-14, -14, 1, 113.5, 113.5]);
});

Deno.test("FakeQuantize is QuantizeLinear and DequantizeLinear in a row", () => {
  const [scale, zeroPoint] = [0.037, 11];
  const x = uniform([3, 1, 13, 127], 1, -8, 8).data;
  const graph = graphOf({ x: [3, 1, 13, 127] }, ["y", "z"], [
    node("QuantizeLinear", ["x", "scale", "zero"], ["q"], { axis: 0 }),
    node("DequantizeLinear", ["q", "scale", "zero"], ["y"], { axis: 0 }),
    fakeQuantize(scale, zeroPoint, "x", "z"),
  ], {
    scale: { dtype: "f32", shape: [], data: Float32Array.of(scale) },
    zero: { dtype: "i8", shape: [], data: Int8Array.of(zeroPoint) },
  });
  const found = runReference(graph, { x: referenceTensor([3, 1, 13, 127], Float32Array.from(x)) });
  assertEquals(found.get("z")!.data, found.get("y")!.data);
});

Deno.test("FakeQuantizeWeights rounds each output channel by itself", () => {
  // Greatest weights 127 and 31.75: steps of 1 and 1/4.
  const w = [127, 2.5, -3.5, 0.4, -31.75, 0.625, 0.875, 0.1];
  assertEquals(valueOf(rounded(8), [2, 4], w), [127, 2, -4, 0, -31.75, 0.5, 1, 0]);
  // Means 2 and 1, so thresholds 1.4 and 0.7; a weight that is left out, and one channel in which all are kept.
  assertEquals(valueOf(rounded(2), [2, 2, 1, 2], [4, -2, 1.25, 0.75, 1, -1, 1, -1]), [3, -3, 0, 0, 1, -1, 1, -1]);
  assertEquals(valueOf(rounded(1), [2, 1, 2, 2], [4, -2, 0, 2, -1, 1, 1, -5]), [2, -2, 2, 2, -2, 2, 2, -2]);
  for (const bits of [8, 4, 2, 1] as const) {
    assertEquals(valueOf(rounded(bits), [3], [0, -2, 0]).map((y) => y + 0), [0, -2, 0], `zeros in ${bits} bits`);
  }
});

Deno.test("FakeQuantizeWeights agrees with quantization after training, channel by channel", () => {
  const shape = [7, 3, 3, 3], size = 27;
  const data = Float32Array.from(uniform(shape, 3, -1, 1).data, (value, i) => i < size ? 0 : value ** 3);
  const of = (bits: Bits) => valueOf(rounded(bits), shape, data);
  const { data: levels, scales } = quantizeWeights({ data, shape }, 0, { clip: false }, { inputScale: 1 });
  of(8).forEach((y, i) =>
    assertEquals(y + 0, Math.fround(levels[i] * scales[Math.floor(i / size)]) + 0, `8 bits, ${i}`)
  );
  const channels = Array.from({ length: 7 }, (_, o) => data.subarray(o * size, (o + 1) * size));
  for (
    const [bits, quantizeChannel] of [
      [2, (values: Float32Array) => ternaryChannel(values, twnThreshold(values))],
      [1, binaryChannel],
      [4, fourBitChannel],
    ] as const
  ) {
    const expected = channels.flatMap((values) => {
      const { levels, scale } = quantizeChannel(values);
      return [...levels].map((level) => Math.fround(level * scale) + 0);
    });
    assertEquals(of(bits).map((y) => y + 0), expected, `${bits} bits`);
  }
});

Deno.test("attributes that mean nothing are refused", () => {
  for (
    const [tested, message] of [
      [fakeQuantize(0, 0), "scale 0 must be a positive number"],
      [fakeQuantize(-0.1, 0), "scale -0.1 must be"],
      [fakeQuantize(Infinity, 0), "scale Infinity must be"],
      [fakeQuantize(NaN, 0), "scale NaN must be"],
      [fakeQuantize(1e-60, 0), "scale 1e-60 must be"],
      [fakeQuantize(0.1, 128), "zero point 128 must be a whole number of -128 to 127"],
      [fakeQuantize(0.1, -129), "zero point -129 must be"],
      [fakeQuantize(0.1, 0.5), "zero point 0.5 must be"],
      [node("FakeQuantizeWeights", ["x"], ["y"], { bits: 3 as 8 }), "weights of 3 bits are not known"],
    ] as const
  ) {
    assertThrows(() => inferTypes(graphOf({ x: [2, 3] }, ["y"], [tested])), FeatherdetError, message);
  }
  assertThrows(() => inferTypes(graphOf({ w: [] }, ["y"], [rounded(8)])), FeatherdetError, "axis of output channels");
  const graph = graphOf({ x: [2, 3] }, ["y"], [fakeQuantize(0.1, -3)]);
  assert(printGraph(graph).includes("scale=0.1 zeroPoint=-3"));
});

Deno.test("the gradient of FakeQuantize is that of the clamp to what int8 holds, by finite differences", () => {
  for (const [scale, zeroPoint, min, max] of [[0.05, 3, -6.55, 6.2], [0.25, -128, 0, 63.75], [1, 127, -255, 0]]) {
    const shape = [3, 1, 13, 7];
    const feeds = { x: distinct(shape, 5, 2.2 * (max - min) / sizeOf(shape)) };
    const clamp = graphOf({ x: shape }, ["y"], [node("Clip", ["x"], ["y"], { min, max })]);
    const weights = lossWeights(clamp, ["y"]);
    const found = gradientsOf(graphOf({ x: shape }, ["y"], [fakeQuantize(scale, zeroPoint)]), feeds, weights, ["x"]);
    const inside = found.get("x")!.filter((value) => value !== 0).length;
    assert(inside > 30 && inside < sizeOf(shape) - 30, `${inside} elements lie inside`);
    found.get("x")!.forEach((value, i) => {
      const unit = new Float64Array(sizeOf(shape));
      unit[i] = 1;
      const expected = slope((t) => lossOf(clamp, moved(feeds, new Map([["x", unit]]), t), weights), 1e-4);
      assert(
        Math.abs(value - expected) < 1e-7,
        `gradient of element ${i} is ${value}, finite differences say ${expected}`,
      );
    });
  }
});

Deno.test("the gradient of FakeQuantize is 0 from the last number that int8 holds on", () => {
  const graph = graphOf({ x: [6] }, ["y"], [fakeQuantize(0.5, 27)]);
  const { graph: joint, gradients } = buildGradientGraph(graph, { seeds: { y: "dy" }, wrt: ["x"] });
  const values = runReference(joint, {
    x: referenceTensor([6], [-100, -77.5, -77.4, 49.9, 50, 1000]),
    dy: referenceTensor([6], [1, 2, 3, 4, 5, 6]),
  });
  assertEquals([...values.get(gradients.get("x")!)!.data], [0, 0, 3, 4, 0, 0]);
});

Deno.test("the gradient of rounded weights is that of the convolution at what they were rounded to", () => {
  for (const bits of [8, 4, 2, 1] as const) {
    for (const groups of [1, 2, 4]) {
      const shapes = { x: [3, 4, 7, 5], w: [4, 4 / groups, 3, 3] };
      const conv = (x: string, w: string) => node("Conv", [x, w], ["y"], { ...PLAIN, groups });
      const graph = graphOf(shapes, ["y"], [
        fakeQuantize(0.125, 0, "x", "xq"),
        rounded(bits, "w", "wq"),
        conv("xq", "wq"),
      ]);
      const feeds = { x: uniform(shapes.x, 1), w: uniform(shapes.w, 2) };
      const weights = lossWeights(graph, ["y"]);
      const found = gradientsOf(graph, feeds, weights, ["x", "w"]);
      const plain = graphOf(shapes, ["y"], [conv("x", "w")]);
      const { xq, wq } = Object.fromEntries(
        runReference({ ...graph, outputs: ["xq", "wq"] }, feeds),
      ) as Record<string, ReferenceTensor>;
      for (const name of ["x", "w"]) {
        const direction = uniform(shapes[name as "x" | "w"], 9).data;
        const at = { x: xq, w: wq };
        const expected = slope((t) => lossOf(plain, moved(at, new Map([[name, direction]]), t), weights), 1e-3);
        const actual = found.get(name)!.reduce((sum, value, i) => sum + value * direction[i], 0);
        assert(
          Math.abs(actual - expected) < 1e-7,
          `${bits} bits, ${groups} groups: ${name} ${actual}, not ${expected}`,
        );
      }
    }
  }
});

/** A convolution with bias, its weights and input rounded or as they are. */
function layer(bits?: Bits): Graph {
  return graphOf({ x: [1, 3, 6, 5] }, ["y"], [
    ...bits === undefined ? [] : [fakeQuantize(0.1, 0, "x", "xq"), rounded(bits, "w", "wq")],
    node("Conv", bits === undefined ? ["x", "w", "b"] : ["xq", "wq", "b"], ["y"], { ...PLAIN, groups: 1 }),
  ], { w: weight([4, 3, 3, 3]), b: weight([4], 2) });
}

Deno.test("rounded weights are found, counted once, and trained as weights", () => {
  const graph = layer(2);
  assertEquals(weightSource(graph, "wq"), { name: "w", constant: graph.constants.get("w")! });
  assertEquals(weightSource(graph, "xq"), undefined);
  assertEquals(weightsOf(graph, graph.nodes.at(-1)!), { trained: ["w", "b"], statistics: [] });
  const rounding = graph.nodes.find(({ op }) => op === "FakeQuantizeWeights")!;
  assertEquals(weightsOf(graph, rounding), { trained: ["w"], statistics: [] });
  const [found, plain] = [analyze(graph, { zeros: true }), analyze(layer(), { zeros: true })];
  for (const field of ["parameters", "bytes", "macs", "flops", "weightLayers", "weightElements"] as const) {
    assertEquals(found[field], plain[field], field);
  }
  assertEquals(found.parameters, 4 * 27 + 4);
  const { graph: trained, parameters } = buildTrainingGraph(graph);
  assertEquals(parameters.map(({ name, group }) => [name, group]), [["w", "weight"], ["b", "bias"]]);
  assertEquals(trained.inputs.map(({ name }) => name), ["x", "w", "b"]);
});
