/** The forward pass of training in int8 and the exported file, both by the kernels of the device: the same numbers, bit for bit. */

import { assert, assertEquals } from "@std/assert";
import { type ActivationScales, prepareQat, quantizeScaled } from "../../../src/compress/quantize/mod.ts";
import { Session } from "../../../src/engine/session.ts";
import { type Constant, type Graph, withNodes } from "../../../src/graph/mod.ts";
import { importOnnx, saveOnnx } from "../../../src/onnx/mod.ts";
import { buildTrainingGraph } from "../../../src/train/mod.ts";
import { gpuTest } from "../../support/gpu.ts";
import { randomTensor, seededRandom } from "../../support/random.ts";
import { graphOf, node, PLAIN, weight } from "../../support/tiny_graph.ts";

const SAME = { ...PLAIN, pads: [1, 1, 1, 1] } as const;

/** Layers of every kind: stride 2, each channel by itself, a pixel, groups; maxima, sums, joints and a larger map between them. */
function network(constant: (name: string, shape: readonly number[]) => Constant): Graph {
  const conv = (x: string, w: string, y: string, attributes: object) =>
    node("Conv", [x, `${w}.weight`, `${w}.bias`], [y], { ...SAME, groups: 1, ...attributes });
  const shapes = { a: [13, 3, 3, 3], b: [13, 1, 3, 3], c: [13, 13, 1, 1], d: [7, 26, 3, 3], e: [6, 4, 3, 3] };
  const constants = Object.entries(shapes).flatMap(([name, shape]) => [
    [`${name}.weight`, constant(`${name}.weight`, shape)],
    [`${name}.bias`, constant(`${name}.bias`, [shape[0]])],
  ]);
  return graphOf({ x: [2, 3, 21, 37] }, ["y", "z"], [
    conv("x", "a", "a1", { strides: [2, 2] }),
    node("Relu", ["a1"], ["a2"], {}),
    conv("a2", "b", "b1", { groups: 13 }),
    node("MaxPool", ["b1"], ["b2"], { ...SAME, kernel: [3, 3], ceilMode: false }),
    conv("b2", "c", "c1", { pads: [0, 0, 0, 0] }),
    node("Relu", ["c1"], ["c2"], {}),
    node("Add", ["c2", "a2"], ["s"], {}),
    node("Concat", ["s", "b2"], ["j"], { axis: 1 }),
    conv("j", "d", "y", {}),
    node("Slice", ["j"], ["part"], { axes: [1], starts: [3], ends: [11], steps: [1] }),
    conv("part", "e", "z", { groups: 2 }),
  ], Object.fromEntries(constants));
}

/** Outputs of the training graph, whose weights are inputs as in every step, and of the exported file, by the kernels for each. */
async function bothWays(graph: Graph, scales: ActivationScales, x: Float32Array, storage: "texture" | "buffer") {
  const prepared = prepareQat(graph, { bits: 8, scales, float: "none" });
  const { graph: training, parameters } = buildTrainingGraph(prepared.graph);
  const file = importOnnx(saveOnnx(quantizeScaled(graph, scales, { float: "none" })));
  const run = async (each: Graph, inputs: Record<string, { shape: readonly number[]; data: Float32Array }>) => {
    const session = await Session.create(each, { storage });
    try {
      return { made: await session.run(inputs), labels: session.plan.dispatches.map(({ kernel }) => kernel.label) };
    } finally {
      session.destroy();
    }
  };
  const pictures = { x: { shape: [2, 3, 21, 37], data: x } };
  const weights = Object.fromEntries(
    parameters.map(({ name, initial: { shape, data } }) => [name, { shape, data: Float32Array.from(data) }]),
  );
  const [trained, int8] = [await run(training, { ...pictures, ...weights }), await run(file, pictures)];
  const inInt8 = (labels: readonly string[]) => labels.filter((label) => /int8/.test(label)).length;
  assert(inInt8(int8.labels) > 0, int8.labels.join());
  assertEquals(inInt8(trained.labels), 0, trained.labels.join());
  return graph.outputs.map((value) => ({ value, trained: trained.made[value].data, int8: int8.made[value].data }));
}

const VALUES = ["x", "a1", "c1", "a2", "b1", "b2", "c2", "s", "j", "part", "y", "z"];

/** The network up to some values. */
const upTo = (graph: Graph, outputs: readonly string[]) => withNodes({ ...graph, outputs }, graph.nodes);

for (const storage of ["texture", "buffer"] as const) {
  gpuTest(`scales that f32 multiplies exactly: every number is the same, ${storage}`, async (_, step) => {
    const random = seededRandom(5);
    // Whole numbers with a greatest of 127 in each channel, in steps of 2^-7; biases in steps of the products, 2^-4 of values.
    const graph = network((name, shape) => {
      const isBias = name.endsWith("bias"), size = shape.slice(1).reduce((product, extent) => product * extent, 1);
      const data = Float32Array.from({ length: shape[0] * size }, (_, i) => {
        if (isBias) return (Math.floor(random() * 4001) - 2000) * 2 ** -11;
        return (i % size === 0 ? 127 : Math.floor(random() * 255) - 127) * 2 ** -7;
      });
      return { dtype: "f32", shape, data };
    });
    const scales = new Map(VALUES.map((value) => [value, { scale: 2 ** -4, zeroPoint: value === "x" ? -13 : -100 }]));
    // Values on the way say where a number differs; one form of storage is enough for that.
    for (const outputs of storage === "texture" ? [["a1"], ["b1"], ["c1"], ["y", "z"]] : [["y", "z"]]) {
      await step(`up to ${outputs}`, async () => {
        const found = await bothWays(upTo(graph, outputs), scales, randomTensor([2, 3, 21, 37], 9, -8, 9), storage);
        for (const { value, trained, int8 } of found) {
          assert(new Set(trained).size > 100, `${value} has numbers to tell apart`);
          assertEquals(int8.map((each) => each + 0), trained.map((each) => each + 0), value);
        }
      });
    }
  });
}

gpuTest("any scales: only the rounding of biases tells them apart", async () => {
  const graph = network((name, shape) => {
    const made = weight(shape, name.length + name.charCodeAt(0));
    return name.endsWith("bias") ? { ...made, data: made.data.map(() => 0) } : made;
  });
  const scales = new Map(VALUES.map((value, i) => [value, { scale: 0.031 + i / 900, zeroPoint: -20 }]));
  for (const value of ["s", "part", "b2", "b1"]) scales.set(value, scales.get("j")!);
  const found = await bothWays(upTo(graph, ["a1"]), scales, randomTensor([2, 3, 21, 37], 9, -1, 2), "texture");
  for (const { trained, int8 } of found) {
    trained.forEach((number, i) =>
      assert(Math.abs(number - int8[i]) <= 2e-6 * (1 + Math.abs(number)), `${number} ${int8[i]}`)
    );
  }
});
