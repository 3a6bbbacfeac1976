/** Activations fused into batch normalisation in training and into its gradient. */

import { assert, assertEquals } from "@std/assert";
import type { Graph } from "../../src/graph/mod.ts";
import { type Activation, ModelBuilder } from "../../src/models/builder.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { fuseNormActivationGradient } from "../../src/plan/fuse/train_norm.ts";
import { buildGradientGraph, buildTrainingGraph } from "../../src/train/mod.ts";
import { gpuTest } from "../support/gpu.ts";
import { lively } from "../support/lively.ts";
import { comparePlan } from "../support/plan_case.ts";
import { assertSameValues } from "../support/same_values.ts";

/** The step of a small net with a residual: forward and the gradients of all parameters. */
function stepOf(act: Activation, wrt: readonly string[] = [], outputs?: readonly string[]): Graph {
  const b = new ModelBuilder({ seed: 3 });
  const x = b.input("x", [2, 3, 9, 7]);
  const first = b.convBlock("first", x, { out: 5, kernel: 3, act });
  const second = b.convBlock("second", first, { out: 5, kernel: 3, act });
  const sum = b.add("sum", first, second);
  const y = b.convBlock("last", sum, { out: 2, kernel: 1, act: "none" });
  const { graph, parameters } = buildTrainingGraph(lively(b.graph("net", [y])), { outputs: outputs ?? [y] });
  const seeds = Object.fromEntries((outputs ?? [y]).map((name) => [name, `gradient of ${name}`]));
  return buildGradientGraph(graph, { seeds, wrt: [...parameters.map(({ name }) => name), ...wrt] }).graph;
}

const count = (graph: Graph, op: string) => graph.nodes.filter((node) => node.op === op).length;
const carrying = (graph: Graph) =>
  graph.nodes.filter(({ attributes }) => (attributes as { activation?: unknown }).activation !== undefined)
    .map(({ op }) => op).sort();

const KINDS: readonly Activation[] = ["silu", "relu", "leakyrelu", "hardswish", "hardsigmoid", "relu6", "sigmoid"];
for (const kind of KINDS) {
  Deno.test(`norm and ${kind} are one, forward and backward, with the same values`, () => {
    const step = stepOf(kind);
    const fused = fuseNormActivationGradient(step);
    assertEquals(count(fused, "ActivationGradient"), 0);
    assertEquals(carrying(fused), [
      "BatchNormGradient",
      "BatchNormGradient",
      "BatchNormTraining",
      "BatchNormTraining",
    ]);
    assertSameValues(step, fused);
  });
}

Deno.test("a normalised value that is a result or has another reader stays", () => {
  const seen = stepOf("silu", [], ["last.bn", "first.bn"]);
  const fused = fuseNormActivationGradient(seen);
  assertEquals(carrying(fused).filter((op) => op === "BatchNormTraining").length, 1);
  assertEquals(count(fused, "ActivationGradient"), 1);
  assertSameValues(seen, fused);

  const b = new ModelBuilder();
  const conv = b.conv("conv", b.input("x", [2, 3, 5, 5]), { out: 3, kernel: 1 });
  const normal = b.batchNorm("bn", conv);
  const y = b.mul("gated", normal, b.activation("act", normal, "silu"));
  const { graph, parameters } = buildTrainingGraph(lively(b.graph("net", [y])));
  const wrt = parameters.map(({ name }) => name);
  const twice = buildGradientGraph(graph, { seeds: { [y]: "dy" }, wrt }).graph;
  assertEquals(fuseNormActivationGradient(twice), twice);
});

Deno.test("a gradient of the normalised value that is asked for stays, and so does what it is computed from", () => {
  const silu = stepOf("silu", ["first.bn"]);
  assertEquals(count(fuseNormActivationGradient(silu), "ActivationGradient"), 1);
  assertSameValues(silu, fuseNormActivationGradient(silu));
  // Relu's derivative needs the activated value only: forward is fused all the same.
  const relu = stepOf("relu", ["first.bn"]);
  const fused = fuseNormActivationGradient(relu);
  assertEquals(carrying(fused), ["ActivationGradient", "BatchNormGradient", "BatchNormTraining", "BatchNormTraining"]);
  assertSameValues(relu, fused);
});

Deno.test("no normalised map of YOLO11 is left that an activation follows", () => {
  const { graph, parameters } = buildTrainingGraph(yolo11({ width: 0.0625, size: 64, batch: 2 }));
  const wrt = parameters.map(({ name }) => name);
  const step = buildGradientGraph(graph, { seeds: { output0: "dy" }, wrt }).graph;
  const fused = fuseNormActivationGradient(step);
  assert(count(step, "Silu") > 70);
  assertEquals(count(fused, "Silu") + count(fused, "ActivationGradient"), count(step, "Sigmoid"));
});

Deno.test("forward alone, an activation is fused too", () => {
  const b = new ModelBuilder();
  const y = b.convBlock("block", b.input("x", [2, 3, 5, 5]), { out: 3, kernel: 1 });
  const { graph } = buildTrainingGraph(lively(b.graph("net", [y])));
  const fused = fuseNormActivationGradient(graph);
  assertEquals(fused.nodes.map(({ op }) => op), ["Conv", "BatchNormTraining"]);
  assertSameValues(graph, fused);
});

gpuTest("a step with fused norms computes on the device what the reference says", async (device) => {
  const { operators } = await comparePlan(fuseNormActivationGradient(stepOf("silu")), { tolerance: 1e-4, device });
  assert(operators.includes("BatchNormTraining") && operators.includes("BatchNormGradient"));
  assert(!operators.includes("ActivationGradient"));
});
