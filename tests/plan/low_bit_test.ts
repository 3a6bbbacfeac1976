/** Plans of packed models: which convolutions read weights of one and two bits, what they compute, and what they take. */

import { assert, assertEquals } from "@std/assert";
import { packWeights } from "../../src/compress/quantize/mod.ts";
import { deviceWeightBytes } from "../../src/eval/device_weights.ts";
import type { Graph, WeightBits } from "../../src/graph/mod.ts";
import { ModelBuilder } from "../../src/models/builder.ts";
import { buildPlan, type PlanOptions } from "../../src/plan/plan.ts";
import { gpuTest } from "../support/gpu.ts";
import { lively } from "../support/lively.ts";
import { comparePlan } from "../support/plan_case.ts";
import { graphOf, node, PLAIN, weight } from "../support/tiny_graph.ts";

const TEXTURES: PlanOptions = { form: { storage: "texture", scalar: "f32" }, maxPages: Infinity };

/** Every kind of convolution, with normalisation to fold, of odd extents. */
function network(): Graph {
  const b = new ModelBuilder({ seed: 3 });
  let x = b.convBlock("stem", b.input("x", [3, 3, 26, 22]), { out: 12, kernel: 3, stride: 2 });
  const y = b.convBlock("wide", b.convBlock("down", x, { out: 13, kernel: 3 }), { out: 12, kernel: 3 });
  x = b.convBlock("point", b.node("Add", "sum", [x, y], {}), { out: 16 });
  const [left, right] = b.split("split", x, [8, 8]);
  x = b.concat("join", [left, b.convBlock("part", right, { out: 20, kernel: 3 })]);
  x = b.convBlock("depthwise", x, { out: 28, kernel: 3, groups: 28 });
  return lively(b.graph("network", [b.conv("last", x, { out: 7 })]));
}

/** Bits of the weights that the dense convolutions of a plan read, by their name. */
function bitsOf(graph: Graph, options: PlanOptions = TEXTURES): Record<string, unknown> {
  const { dispatches } = buildPlan(graph, options);
  return Object.fromEntries(
    dispatches.filter(({ kernel }) => ["conv/direct.wgsl", "conv/winograd.wgsl"].includes(kernel.shader))
      .map(({ name, kernel }) => [name.split(/[./]/)[0], kernel.constants.WEIGHT_BITS ?? 32]),
  );
}

gpuTest("convolutions of a packed model read words, direct ones and Winograd's, all but the first", async () => {
  for (const bits of [2, 1] as const) {
    const { graph } = packWeights(network(), { bits, float: "none" });
    // Thirteen channels leave three lanes of a block, for which a sign bit has no level.
    const expected = { stem: 32, down: bits, wide: 2, point: bits, part: bits, last: bits };
    assertEquals(bitsOf(graph), expected);
    const shaders = new Set(buildPlan(graph, TEXTURES).dispatches.map(({ kernel }) => kernel.shader));
    assert(shaders.has("conv/winograd.wgsl") && shaders.has("conv/direct.wgsl"));
    assertEquals(
      bitsOf(graph, { ...TEXTURES, floatWeights: true }),
      Object.fromEntries(Object.keys(expected).map((name) => [name, 32])),
    );
    // The network in signs has both kinds of words.
    if (bits === 2) continue;
    const { operators } = await comparePlan(graph);
    assertEquals(operators, (await comparePlan(network())).operators);
  }
});

Deno.test("first runs of a packed model have the kernel that compiles quickly, which reads floats", () => {
  const { graph } = packWeights(network(), { bits: 2, float: "none" });
  const { dispatches } = buildPlan(graph, { ...TEXTURES, light: true });
  const convolutions = dispatches.filter(({ kernel }) => kernel.shader.startsWith("conv/"));
  assert(convolutions.length > 0);
  assertEquals(new Set(convolutions.map(({ kernel }) => kernel.shader)), new Set(["conv/light.wgsl"]));
});

Deno.test("models in floats keep their floats", () => {
  assertEquals(new Set(Object.values(bitsOf(network()))), new Set([32]));
});

Deno.test("one weight that is not like the others, and its convolution keeps floats", () => {
  const numbers = Float32Array.from({ length: 8 * 8 * 9 }, (_, i) => (i * 7 % 3 - 1) / 4);
  const bits = (change: (data: Float32Array) => void) => {
    const data = numbers.slice();
    change(data);
    const conv = node("Conv", ["x", "w"], ["y"], { ...PLAIN, pads: [1, 1, 1, 1], groups: 1 });
    const w = { dtype: "f32", shape: [8, 8, 3, 3], data } as const;
    return Object.values(bitsOf(graphOf({ x: [1, 8, 13, 13] }, ["y"], [conv], { w })));
  };
  assertEquals(bits(() => {}), [2]);
  assertEquals(bits((data) => data[data.length - 1] = -0.25), [2]);
  assertEquals(bits((data) => data[data.length - 1] = 0.26), [32]);
});

Deno.test("weights on the device are counted as they are uploaded", () => {
  const graph = graphOf({ x: [1, 32, 20, 20] }, ["y"], [
    node("Conv", ["x", "w", "b"], ["y"], { ...PLAIN, groups: 1 }),
  ], { w: weight([64, 32, 1, 1], 1), b: weight([64], 2) });
  const bytes = (graph: Graph, options: PlanOptions = TEXTURES) => {
    const plan = buildPlan(graph, options);
    const [{ kernel }] = plan.dispatches.filter(({ kernel }) => kernel.shader === "conv/direct.wgsl");
    const uploaded = kernel.bindings.map((one) => {
      if (!("weights" in one)) return 0;
      return one.weights.pack().length * (one.kind === "weights" && options.form.scalar === "f16" ? 2 : 4);
    });
    assertEquals(deviceWeightBytes(plan), uploaded.reduce((sum, size) => sum + size, 0));
    return { bytes: deviceWeightBytes(plan), outBlocks: kernel.constants.OUT_BLOCKS };
  };
  const packed = (bits: WeightBits) => packWeights(graph, { bits, float: "none" }).graph;
  // Eight rows of sixteen cells and one for the biases, for each of four groups of four blocks.
  assertEquals(bytes(graph), { bytes: 4 * 9 * 16 * 16, outBlocks: 4 });
  assertEquals(bytes(packed(2), { ...TEXTURES, floatWeights: true }), bytes(graph));
  // Four words a block of inputs, or two, and eight cells of biases and scales.
  assertEquals(bytes(packed(2)), { bytes: 4 * (8 + 8) * 16, outBlocks: 4 });
  assertEquals(bytes(packed(1)), { bytes: 4 * (4 + 8) * 16, outBlocks: 4 });
  const half = { ...TEXTURES, form: { ...TEXTURES.form, scalar: "f16" } } as const;
  assertEquals(bytes(packed(2), half), bytes(packed(2)));
  assert(bytes(packed(2), half).bytes < bytes(graph, half).bytes);
});
