/** Where moved channels come from, against what a run of the graph moves; axes of weights, against what a run reads. */

import { assert, assertEquals } from "@std/assert";
import { channelOrigins, weightAxes } from "../../src/graph/mod.ts";
import { ModelBuilder } from "../../src/models/builder.ts";
import { evaluateNode, referenceTensor, runReference } from "../../src/reference/run.ts";
import { node, PLAIN } from "../support/tiny_graph.ts";

Deno.test("origins: Concat, Split, Slice and Resize move channels; what computes has none", () => {
  const b = new ModelBuilder();
  const [x, y] = [b.input("x", [2, 3, 2, 2]), b.input("y", [2, 4, 2, 2])];
  const [left, right] = b.split("split", b.concat("joint", [y, x, y]), [5, 6]);
  b.node("Slice", "back", [left], { axes: [1], starts: [4], ends: [0], steps: [-2] });
  const large = b.upsample("large", b.concat("again", [right, "back"]));
  b.concat("rows", [right, right], 2);
  b.maxPool("pool", x, { kernel: 2 });
  const graph = b.graph("moves", [large]);
  const known = ["x", "y"];
  const origins = channelOrigins(graph, known);
  const expected = ["x", "y", "joint", "split.0", "split.1", "back", "again", "large"];
  assertEquals([...origins.keys()].sort(), expected.sort());
  // Every channel of an input holds a number of its own, which tells where a channel came from.
  const number = (value: string, channel: number) => 10 * (1 + known.indexOf(value)) + channel;
  const inputs = Object.fromEntries(graph.inputs.map(({ name, shape }) => {
    const size = shape.reduce((product, extent) => product * extent, 1);
    const data = Float64Array.from({ length: size }, (_, at) => number(name, Math.floor(at / 4) % shape[1]));
    return [name, referenceTensor(shape, data)];
  }));
  const values = runReference(graph, inputs, { keepAll: true });
  for (const [value, channels] of origins) {
    const { shape: [, count, height, width], data } = values.get(value)!;
    assertEquals(channels.map((origin) => number(origin.value, origin.channel)), [
      ...Array.from({ length: count }, (_, channel) => data[channel * height * width]),
    ], value);
  }
});

Deno.test("axes of weights: a weight of ones in one row makes one output channel, in one column reads one input channel", () => {
  const gemm = (transposeA: boolean, transposeB: boolean) => ({ alpha: 1, beta: 1, transposeA, transposeB });
  const plain = { ...PLAIN, groups: 1 };
  const cases = [
    { made: node("Conv", ["v", "w"], ["y"], plain), position: 1, value: [1, 3, 1, 1], weight: [2, 3, 1, 1], axis: 1 },
    {
      made: node("ConvTranspose", ["v", "w"], ["y"], { ...plain, outputPadding: [0, 0] }),
      position: 1,
      value: [1, 3, 1, 1],
      weight: [3, 2, 1, 1],
      axis: 1,
    },
    { made: node("Gemm", ["v", "w"], ["y"], gemm(false, false)), position: 1, value: [1, 3], weight: [3, 2], axis: 1 },
    { made: node("Gemm", ["v", "w"], ["y"], gemm(false, true)), position: 1, value: [1, 3], weight: [2, 3], axis: 1 },
    { made: node("Gemm", ["w", "v"], ["y"], gemm(false, false)), position: 0, value: [3, 1], weight: [2, 3], axis: 0 },
    { made: node("Gemm", ["w", "v"], ["y"], gemm(true, false)), position: 0, value: [3, 1], weight: [3, 2], axis: 0 },
    { made: node("MatMul", ["v", "w"], ["y"], {}), position: 1, value: [1, 1, 3], weight: [3, 2], axis: 2 },
    { made: node("MatMul", ["w", "v"], ["y"], {}), position: 0, value: [3, 1], weight: [1, 2, 3], axis: 1 },
  ] as const;
  for (const { made, position, value, weight, axis } of cases) {
    const { out, into } = weightAxes(made as Parameters<typeof weightAxes>[0], position, weight.length);
    const run = (along: number, index: number) => {
      const step = weight.slice(along + 1).reduce((product: number, extent) => product * extent, 1);
      const w = referenceTensor(
        weight,
        Array.from({ length: 6 }, (_, at) => +(Math.floor(at / step) % weight[along] === index)),
      );
      const v = referenceTensor(value, [1, 10, 100]);
      return evaluateNode(made, position === 1 ? [v, w] : [w, v])[0];
    };
    for (const index of [0, 1]) {
      const { shape, data } = run(out, index);
      assert(shape[axis] === 2, `${made.op}: ${shape}`);
      assertEquals([...data], index === 0 ? [111, 0] : [0, 111], `${made.op} ${position}: row ${index}`);
    }
    for (const index of [0, 1, 2]) assertEquals([...run(into, index).data], [10 ** index, 10 ** index], made.op);
  }
});
