/** Plans of models whose weights have blocks of zeros: which convolutions leave them out, whatever is fused into them. */

import { assert, assertEquals } from "@std/assert";
import { applyMasks, chooseMasks } from "../../src/compress/prune/mod.ts";
import type { Graph } from "../../src/graph/mod.ts";
import { squeezeExcite } from "../../src/models/attention.ts";
import { ModelBuilder } from "../../src/models/builder.ts";
import { channelShuffle } from "../../src/models/channel_shuffle.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { buildPlan, type PlanOptions } from "../../src/plan/plan.ts";
import { gpuTest } from "../support/gpu.ts";
import { lively } from "../support/lively.ts";
import { comparePlan } from "../support/plan_case.ts";
import { zeroBlocks } from "../support/zero_blocks.ts";

const TEXTURES: PlanOptions = { form: { storage: "texture", scalar: "f32" }, maxPages: Infinity };

/** The graph with blocks of zeros in the weights of these convolutions. */
function withZeros(graph: Graph, names: readonly string[]): Graph {
  const constants = new Map(graph.constants);
  for (const name of names) {
    const weight = constants.get(`${name}.weight`)!;
    constants.set(`${name}.weight`, { ...weight, data: zeroBlocks(weight.shape, 0.8)(weight.data as Float32Array) });
  }
  return { ...graph, constants };
}

/** Names of the convolutions that leave out zeros. */
const sparseOf = (graph: Graph, options = TEXTURES) =>
  buildPlan(graph, options).dispatches.filter(({ kernel }) => kernel.constants.SPARSE === 1).map(({ name }) => name);

gpuTest("activation, residual, a part of a Split and normalisation to fold are taken along", async () => {
  const b = new ModelBuilder({ seed: 3 });
  const x = b.convBlock("stem", b.input("x", [3, 3, 26, 22]), { out: 12, kernel: 3, stride: 2 });
  const y = b.convBlock("wide", b.convBlock("down", x, { out: 13, kernel: 3 }), { out: 12, kernel: 3 });
  // The second part begins in lane 2 of a block.
  const [left, right] = b.split("split", b.convBlock("point", b.node("Add", "sum", [x, y], {}), { out: 28 }), [10, 18]);
  const z = b.concat("join", [left, b.convBlock("part", right, { out: 20, kernel: 3 })]);
  const dense = lively(b.graph("network", [b.conv("last", z, { out: 7 })]));
  const names = ["down.conv", "wide.conv", "point.conv", "part.conv"];
  const graph = withZeros(dense, names);
  assertEquals(sparseOf(dense), []);
  assertEquals(sparseOf(graph), names);
  const operators = buildPlan(dense, TEXTURES).dispatches.map(({ operator }) => operator);
  assertEquals((await comparePlan(graph)).operators, operators);
});

gpuTest("a gate of channels is taken along", async () => {
  const b = new ModelBuilder({ seed: 2 });
  const x = b.conv("wide", b.input("x", [3, 5, 13, 7]), { out: 18 });
  const y = squeezeExcite(b, "se", b.activation("act", x, "hardswish"), { squeeze: 6, gate: "hardsigmoid" });
  const graph = withZeros(b.graph("block", [b.conv("narrow", y, { out: 10 })]), ["narrow"]);
  const { operators } = await comparePlan(graph);
  assert(operators.includes("Mul+Conv"));
  assertEquals(sparseOf(graph), ["narrow"]);
});

gpuTest("a shuffle of channels is taken along", async () => {
  const b = new ModelBuilder({ seed: 4 });
  const [past, through] = b.split("split", b.conv("pre", b.input("x", [2, 5, 13, 7]), { out: 58 }), [29, 29]);
  const y = b.activation("act", b.conv("unit", through, { out: 29 }), "relu");
  const shuffled = channelShuffle(b, "shuffle", b.concat("concat", [past, y]), 2);
  const graph = withZeros(b.graph("unit", [b.conv("post", shuffled, { out: 4 })]), ["unit"]);
  const { operators } = await comparePlan(graph);
  assert(operators.includes("Conv+Relu+Shuffle"));
  assertEquals(sparseOf(graph), ["unit"]);
});

gpuTest(
  "a masked detector computes what the reference says, and most of its convolutions leave out zeros",
  async () => {
    const dense = lively(yolo11({ width: 0.125, size: 64, classes: 3 }), 5);
    const masks = chooseMasks(dense, { sparsity: 0.7, pattern: "block4x4", ranking: "local" });
    const graph = applyMasks(dense, masks);
    await comparePlan(graph, { tolerance: 1e-3 });
    const sparse = sparseOf(graph);
    assert(sparse.length > 0.7 * masks.size, `${sparse.length} of ${masks.size}`);
    assertEquals(sparseOf(dense), []);
    // Zeros that are nowhere four by four cost as much as other numbers.
    assertEquals(sparseOf(applyMasks(dense, chooseMasks(dense, { pattern: "2:4" }))), []);
  },
);
