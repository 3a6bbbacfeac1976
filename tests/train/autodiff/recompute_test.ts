/** Activations that are computed again on the way back: the values stay, the memory falls. */

import { assert, assertEquals } from "@std/assert";
import { createTrainer } from "../../../src/recipes/detection_trainer.ts";
import type { Graph, Node } from "../../../src/graph/mod.ts";
import { type Activation, ModelBuilder } from "../../../src/models/builder.ts";
import { yolo11 } from "../../../src/models/yolo11.ts";
import { fuseNormActivationGradient } from "../../../src/plan/fuse/train_norm.ts";
import { buildPlan } from "../../../src/plan/plan.ts";
import {
  buildGradientGraph,
  buildTrainingGraph,
  recomputeActivations,
  withDetectionLoss,
} from "../../../src/train/mod.ts";
import { uniform } from "../../support/finite_differences.ts";
import { gpuTest } from "../../support/gpu.ts";
import { lively } from "../../support/lively.ts";
import { assertSameValues } from "../../support/same_values.ts";

/** The step of a model with gradients of all its parameters, with and without recomputation. */
function stepsOf(
  model: Graph,
  loss: { readonly losses?: string[]; readonly seeds?: Record<string, string> },
  report: string,
) {
  const { graph, parameters, statistics } = buildTrainingGraph(model, { outputs: [report] });
  const outputs = [report, ...statistics.map(({ updated }) => updated)];
  const wrt = parameters.map(({ name }) => name);
  const { graph: made, gradients } = buildGradientGraph({ ...graph, outputs }, { ...loss, wrt });
  const kept = fuseNormActivationGradient(made);
  // Where a trainer keeps them: parameters, statistics and what becomes of them lie outside of the plan's memory.
  const external = [...wrt, ...gradients.values(), ...statistics.flatMap(({ name, updated }) => [name, updated])];
  return { kept, recomputed: recomputeActivations(kept, outputs), external };
}

/** A detector's step with its loss. */
function detectorSteps(model: Graph) {
  const { graph, seeds, losses } = withDetectionLoss(model, { boxes: 4 });
  return stepsOf(graph, { seeds: { ...seeds } }, losses);
}

/** Two blocks whose results are added, joined with a part of the first and pooled, and the mean square of what a last convolution makes of it. */
function smallNet(act: Activation): { model: Graph; loss: string } {
  const b = new ModelBuilder({ seed: 3 });
  const first = b.convBlock("first", b.input("x", [2, 3, 9, 7]), { out: 8, kernel: 3, act });
  const [left, right] = b.split("split", first, [4, 4]);
  const second = b.convBlock("second", right, { out: 4, kernel: 3, act });
  const joint = b.concat("joint", [left, right, b.add("sum", right, second)]);
  const pooled = b.maxPool("pooled", joint, { kernel: 3 });
  const last = b.conv("last", pooled, { out: 2, kernel: 1 });
  const squares = b.mul("squares", last, last);
  const loss = b.node("ReduceMean", "loss", [squares], { axes: [0, 1, 2, 3], keepDims: false });
  return { model: lively(b.graph("net", [loss])), loss };
}

const counts = ({ nodes }: { nodes: readonly Node[] }) =>
  nodes.reduce((found, { op }) => found.set(op, (found.get(op) ?? 0) + 1), new Map<string, number>());

for (const act of ["silu", "relu"] as const) {
  Deno.test(`a block with ${act}, split, added, joined and pooled, is computed again with the same values`, () => {
    const { model, loss } = smallNet(act);
    const { kept, recomputed } = stepsOf(model, { losses: [loss] }, loss);
    const [before, after] = [counts(kept), counts(recomputed)];
    assertEquals(after.get("BatchNormApply"), 2);
    for (const op of ["Split", "Add", "Concat", "MaxPool"]) assertEquals(after.get(op)! - before.get(op)!, 1, op);
    for (const op of ["Conv", "BatchNormTraining"]) assertEquals(after.get(op), before.get(op), op);
    assertSameValues(kept, recomputed);
  });
}

Deno.test("a value that nothing kept leads to stays, and so does one that is a result", () => {
  const b = new ModelBuilder({ seed: 3 });
  // Relu's derivative is computed from its output, so that the convolution's result is not kept.
  const first = b.activation("relu", b.conv("first", b.input("x", [2, 3, 5, 5]), { out: 4, kernel: 3 }), "relu");
  const loss = b.node("ReduceMean", "loss", [b.conv("last", first, { out: 2, kernel: 1 })], {
    axes: [0, 1, 2, 3],
    keepDims: false,
  });
  const { kept, recomputed } = stepsOf(b.graph("net", [loss]), { losses: [loss] }, loss);
  assertEquals(recomputed.nodes, kept.nodes);

  const { model, loss: again } = smallNet("silu");
  const shown = stepsOf(model, { losses: [again] }, again).kept;
  const activated = shown.nodes.find(({ op }) => op === "BatchNormTraining")!.outputs[0];
  const step = recomputeActivations({ ...shown, outputs: [...shown.outputs, activated] }, [again, activated]);
  assertEquals(counts(step).get("BatchNormApply"), 1);
});

Deno.test("the step of a tiny YOLO11 has the same losses and gradients when it computes activations again", () => {
  const { kept, recomputed } = detectorSteps(lively(yolo11({ width: 0.0625, size: 64, batch: 2, classes: 2 })));
  assert(counts(recomputed).get("BatchNormApply")! > 70);
  assertSameValues(kept, recomputed);
});

Deno.test("recomputation takes less than three fifths of the activation memory of YOLO11n", () => {
  const { kept, recomputed, external } = detectorSteps(yolo11({ width: 0.25, size: 256, batch: 8, classes: 3 }));
  const form = { storage: "texture", scalar: "f32" } as const;
  const [before, after] = [kept, recomputed].map((graph) =>
    buildPlan(graph, { form, maxPages: Infinity, external }).memory
  );
  assert(after.planned < 0.6 * before.planned, `${after.planned} bytes, without ${before.planned}`);
  assert(after.lowerBound < 0.6 * before.lowerBound);
});

gpuTest(
  "a step on the device has the same gradients bit for bit when it recomputes",
  async (device) => {
    const [size, batch, boxes] = [64, 2, 4];
    const model = lively(yolo11({ width: 0.0625, size, batch, classes: 2 }));
    const images = Float32Array.from(uniform([batch, 3, size, size], 7, 0, 1).data);
    const truth = new Float32Array(batch * boxes * 5).fill(-1);
    truth.set([1, 6, 10, 40, 44, 0, 30, 8, 60, 28]);
    truth.set([0, 12, 20, 50, 60], boxes * 5);
    const results = [];
    for (const recompute of [false, true]) {
      const trainer = await createTrainer(model, { device, boxes, recompute });
      const { losses } = await trainer.step({ images, boxes: truth });
      results.push({
        losses,
        gradients: await trainer.session.gradients(),
        bytes: trainer.session.plan.memory.planned,
      });
      trainer.destroy();
    }
    const [kept, recomputed] = results;
    assert(recomputed.bytes < kept.bytes);
    assert([...kept.gradients.values()].every((data) => data.every(Number.isFinite)));
    assertEquals(recomputed.losses, kept.losses);
    assertEquals(recomputed.gradients, kept.gradients);
  },
);
