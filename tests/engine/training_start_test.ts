/** Which training steps take the kernels that compile quickly. */

import { assert, assertEquals } from "@std/assert";
import { trainsLight } from "../../src/engine/training/light_kernels.ts";
import { planTraining } from "../../src/engine/training/plan.ts";
import type { Graph } from "../../src/graph/mod.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import type { PlanOptions } from "../../src/plan/plan.ts";
import { TUNING_FORMAT } from "../../src/plan/tuning.ts";
import { detectorProblem } from "../../src/recipes/detector_problem.ts";
import { distilled } from "../../src/train/variants/distilled.ts";
import { miniYolo11 } from "../support/mini_yolo11.ts";

const classes = ["disc", "square"];
const mini = (width: number, size: number) => miniYolo11({ width, size, batch: 2, classes, seed: 3 });
const problemOf = (model: Graph, teacher?: Graph) => {
  const variant = teacher && distilled(teacher, { losses: [{ loss: "logits" }] });
  return detectorProblem(model, { boxes: 4, variant }).problem;
};
const PLANNING: PlanOptions = { form: { storage: "texture", scalar: "f32" }, maxPages: 2048, target: "software" };

Deno.test("small steps are light on software adapters, unless their kernels were tuned", () => {
  const { graph } = problemOf(mini(0.125, 64));
  const tuning = { format: TUNING_FORMAT, adapter: "any", storage: "texture", scalar: "f32", choices: {} } as const;
  assertEquals(trainsLight(graph, {}), true);
  assertEquals(trainsLight(graph, { target: "hardware" }), false);
  assertEquals(trainsLight(graph, { tuning }), false);
  // 16 pictures of 320 pixels, two and a half billion multiply-accumulates.
  assertEquals(trainsLight(problemOf(yolo11({ width: 0.125, size: 320, batch: 16, classes })).graph, {}), false);
});

Deno.test("a large teacher beside a small student changes neither its kernels nor its own", () => {
  const problem = problemOf(mini(0.125, 64), mini(0.5, 256));
  assertEquals(trainsLight(problem.graph, {}), true);
  const { plan } = planTraining(problem, PLANNING);
  const shaders = (isTeacher: boolean) =>
    plan.dispatches.filter(({ name, operator, macs }) =>
      /^Conv\b/.test(operator) && macs > 0 && name.startsWith("teacher") === isTeacher
    ).map(({ kernel }) => kernel.shader);
  assert(shaders(true).length > 20 && !shaders(true).includes("conv/light.wgsl"));
  assert(shaders(false).length > 10 && shaders(false).every((shader) => shader === "conv/light.wgsl"));
});
