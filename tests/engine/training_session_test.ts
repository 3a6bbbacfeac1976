/**
 * Training on the device: gradients and updates of whole models against the float64 reference, sums of gradients, resuming.
 *
 * @module
 */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { FeatherdetError, type Graph } from "../../src/graph/mod.ts";
import { ModelBuilder } from "../../src/models/builder.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { type ReferenceOptimizer, updateReference } from "../../src/reference/optimizer.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { buildGradientGraph, buildTrainingGraph } from "../../src/train/mod.ts";
import { type TrainingProblem, TrainingSession } from "../../src/engine/training_session.ts";
import { uniform } from "../support/finite_differences.ts";
import { gpuTest } from "../support/gpu.ts";
import { lively } from "../support/lively.ts";
import { SETTINGS } from "../support/update_settings.ts";

/** Mean square of what a small net makes: convolutions plain, strided and depthwise, two activations, a pyramid of two maps. */
function smallNet(): { problem: TrainingProblem; inputs: () => Record<string, Float32Array> } {
  const b = new ModelBuilder({ seed: 5 });
  const x = b.convBlock("first", b.input("x", [3, 3, 17, 13]), { out: 6, kernel: 3, stride: 2 });
  const y = b.convBlock("second", x, { out: 6, kernel: 3, groups: 6 });
  const sum = b.node("Add", "sum", [x, y], {});
  const z = b.conv("last", sum, { out: 5, bias: 0.1 });
  const squares = b.node("Mul", "squares", [z, z], {});
  const loss = b.node("ReduceMean", "loss", [squares], { axes: [0, 1, 2, 3], keepDims: false });
  const graph = lively(b.graph("small", [loss]));
  let seed = 0;
  const inputs = () => ({ x: Float32Array.from(uniform([3, 3, 17, 13], ++seed).data) });
  return { problem: { ...buildTrainingGraph(graph), losses: [{ name: "loss", value: loss }] }, inputs };
}

/** The largest difference over the largest element of what was expected, or over `least` where all are smaller. */
function assertNear(
  actual: Float32Array,
  expected: ArrayLike<number>,
  tolerance: number,
  what: string,
  least = 1e-12,
): void {
  const scale = Array.from(expected).reduce((most, value) => Math.max(most, Math.abs(value)), least);
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i] - expected[i]) / scale;
    assert(error <= tolerance, `${what}[${i}] is ${actual[i]}, expected ${expected[i]}`);
  }
}

/** A problem as the reference steps through it: names to numbers, statistics and moments carried along. */
class ReferenceTraining {
  readonly #graph: Graph;
  readonly #gradients: ReadonlyMap<string, string>;
  readonly tensors: Map<string, ReturnType<typeof referenceTensor>>;
  readonly #optimizers: Map<string, ReferenceOptimizer>;

  constructor(private readonly problem: TrainingProblem, private readonly method: "sgd" | "adamw") {
    const { losses = [], seeds, parameters, statistics } = problem;
    const values = losses.map(({ value }) => value);
    const outputs = [...values, ...statistics.map(({ updated }) => updated)];
    const wrt = parameters.map(({ name }) => name);
    const made = buildGradientGraph({ ...problem.graph, outputs }, { losses: values, seeds, wrt });
    this.#graph = made.graph;
    this.#gradients = made.gradients;
    this.tensors = new Map(
      [...parameters, ...statistics].map(({ name, initial: { shape, data } }) =>
        [name, referenceTensor(shape, data)] as const
      ),
    );
    this.#optimizers = new Map(parameters.map(({ name, group, initial }) => {
      const copy = () => Float64Array.from(initial.data);
      const zeros = () => new Float64Array(initial.data.length);
      const groups = new Array(initial.data.length).fill(group);
      return [name, { groups, parameters: copy(), average: copy(), first: zeros(), second: zeros(), updates: 0 }];
    }));
  }

  gradients(inputs: Record<string, Float32Array>): Map<string, Float64Array> {
    const feeds = Object.fromEntries([
      ...this.#graph.inputs.filter(({ name }) => name in inputs).map(({ name, shape }) =>
        [name, referenceTensor(shape, inputs[name])] as const
      ),
      ...this.tensors,
    ]);
    const results = runReference(this.#graph, feeds);
    for (const { name, updated } of this.problem.statistics) this.tensors.set(name, results.get(updated)!);
    return new Map([...this.#gradients].map(([name, value]) => [name, Float64Array.from(results.get(value)!.data)]));
  }

  step(inputs: Record<string, Float32Array>): void {
    const gradients = this.gradients(inputs);
    const norm = Math.hypot(...[...gradients.values()].flatMap((gradient) => [...gradient]));
    for (const [name, gradient] of gradients) {
      const optimizer = this.#optimizers.get(name)!;
      // Each parameter by itself: the norm of the whole is clipped by handing in a shortened gradient.
      const clip = Math.min(1, SETTINGS.clipNorm / norm);
      const settings = { ...SETTINGS, clipNorm: Infinity };
      updateReference(this.method, optimizer, gradient.map((value) => clip * value), settings);
      this.tensors.set(name, { ...this.tensors.get(name)!, data: optimizer.parameters });
    }
  }

  average(name: string): Float64Array {
    return this.#optimizers.get(name)!.average;
  }
}

for (const [storage, start] of [["texture", "full"], ["texture", "light"], ["buffer", "full"]] as const) {
  gpuTest(
    `every gradient of a tiny YOLO11 on the device is the reference's, in ${storage}s, ${start}`,
    async (device) => {
      const model = lively(yolo11({ width: 0.0625, size: 64, batch: 3, classes: 2 }));
      const heads = model.nodes.filter(({ op, name }) => op === "Conv" && /\.cv[23]\.\d\.2/.test(name));
      const outputs = heads.map(({ outputs: [value] }) => value);
      assertEquals(outputs.length, 6);
      const training = buildTrainingGraph(model, { outputs });
      const seeds = Object.fromEntries(outputs.map((value) => [value, `seed of ${value}`]));
      const problem: TrainingProblem = { ...training, seeds };
      const session = await TrainingSession.create(problem, { device, storage, start });
      const kernels = session.plan.dispatches.map(({ kernel }) => kernel.shader);
      assertEquals(kernels.includes("conv/light.wgsl"), start === "light");
      const inputs = Object.fromEntries(
        session.inputs.map(({ name, shape }, i) =>
          [name, Float32Array.from(uniform(shape, 7 + i, name === "images" ? 0 : -1, 1).data)] as const
        ),
      );
      await session.step(inputs);
      const found = await session.gradients();
      const reference = new ReferenceTraining(problem, "sgd");
      const expected = reference.gradients(inputs);
      assertEquals(found.size, expected.size);
      // Normalisation over the twelve pixels at stride 32 costs f32 digits that the float64 reference keeps.
      // The bias before a normalisation has no gradient at all: what f32 leaves of it is measured by the gradients around.
      for (const [name, data] of found) assertNear(data, expected.get(name)!, 2e-3, name, 1e-2);
      const current = await session.trained();
      for (const { name } of problem.statistics) {
        assertNear(current.get(name)!, reference.tensors.get(name)!.data, 1e-4, name);
      }
      session.destroy();
    },
  );
}

for (const optimizer of ["sgd", "adamw"] as const) {
  gpuTest(`three updates by ${optimizer} leave the parameters that the reference has`, async (device) => {
    const { problem, inputs } = smallNet();
    const session = await TrainingSession.create(problem, { device, optimizer });
    const reference = new ReferenceTraining(problem, optimizer);
    for (let i = 0; i < 3; i++) {
      const batch = inputs();
      const { gradientNorm, skipped } = await session.step(batch, SETTINGS);
      assert(gradientNorm! > 0 && !skipped);
      reference.step(batch);
    }
    const [current, average] = [await session.trained("current"), await session.trained("average")];
    for (const { name } of problem.parameters) {
      assertNear(current.get(name)!, reference.tensors.get(name)!.data, 2e-4, name);
      assertNear(average.get(name)!, reference.average(name), 2e-4, `average of ${name}`);
    }
    for (const { name } of problem.statistics) {
      assertNear(current.get(name)!, reference.tensors.get(name)!.data, 1e-5, name);
    }
    session.destroy();
  });
}

gpuTest("a run that is resumed from a state goes on bit for bit", async (device) => {
  const straight = smallNet();
  const session = await TrainingSession.create(straight.problem, { device });
  for (let i = 0; i < 10; i++) await session.step(straight.inputs(), SETTINGS);
  const expected = await session.trained("average");
  session.destroy();

  const again = smallNet();
  const first = await TrainingSession.create(again.problem, { device });
  for (let i = 0; i < 5; i++) await first.step(again.inputs(), SETTINGS);
  const state = await first.state();
  first.destroy();
  const second = await TrainingSession.create(smallNet().problem, { device });
  second.restore(state);
  for (let i = 0; i < 5; i++) await second.step(again.inputs(), SETTINGS);
  assertEquals(second.updates, 10);
  assertEquals(await second.trained("average"), expected);
  await second.takeAverage();
  assertEquals(await second.trained("current"), expected);
  second.destroy();
});

gpuTest("gradients summed over two sessions update as those summed in one", async (device) => {
  const { problem, inputs } = smallNet();
  const batches = [inputs(), inputs(), inputs()];
  const alone = await TrainingSession.create(problem, { device });
  await alone.step(batches[0]);
  await alone.step(batches[1]);
  await alone.step(batches[2], SETTINGS);
  const [one, other] = [
    await TrainingSession.create(problem, { device }),
    await TrainingSession.create(problem, { device }),
  ];
  await other.step(batches[0]);
  await other.step(batches[1]);
  const { sum, batches: count } = await other.gradient();
  assertEquals(count, 2);
  one.addGradient(sum, count);
  await one.step(batches[2], SETTINGS);
  const [expected, found] = [await alone.trained(), await one.trained()];
  for (const { name } of problem.parameters) assertNear(found.get(name)!, expected.get(name)!, 1e-6, name);
  for (const session of [alone, one, other]) session.destroy();
});

gpuTest("with activations in f16 gradients are nearly the same, and parameters stay f32", async (device) => {
  const { problem, inputs } = smallNet();
  const batch = inputs();
  const [full, half] = await Promise.all(
    (["f32", "f16"] as const).map((precision) => TrainingSession.create(problem, { device, precision })),
  );
  for (const session of [full, half]) await session.step(batch);
  const [expected, found] = [await full.gradients(), await half.gradients()];
  for (const [name, data] of found) assertNear(data, expected.get(name)!, 0.02, name, 1e-3);
  const current = await half.trained();
  for (const { name, initial } of problem.parameters) assertEquals(current.get(name), initial.data, name);
  for (const session of [full, half]) session.destroy();
});

gpuTest("a gradient that is not finite leaves the parameters, and is found", async (device) => {
  const { problem, inputs } = smallNet();
  const session = await TrainingSession.create(problem, { device });
  assertEquals(await session.findNonFinite(), undefined);
  const before = await session.trained();
  const { skipped } = await session.step({ x: inputs().x.fill(NaN) }, SETTINGS);
  assert(skipped);
  assertEquals(await session.trained(), before);
  assertEquals(await session.findNonFinite(), "first.conv.weight");
  const { losses: { loss }, skipped: again } = await session.step(inputs(), SETTINGS);
  assert(loss > 0 && !again);
  session.destroy();
});

gpuTest("training sessions say what is wrong", async (device) => {
  const { problem, inputs } = smallNet();
  const session = await TrainingSession.create(problem, { device });
  await assertRejects(() => session.step({}), FeatherdetError, 'input "x" is [3,3,17,13], given was nothing');
  await assertRejects(
    () => session.step(inputs(), { ...SETTINGS, momentum: 1 }),
    FeatherdetError,
    "momentum is 1",
  );
  assertThrows(() => session.addGradient(new Float32Array(3), 1), FeatherdetError, "the gradient has 3 elements");
  assertThrows(() => session.restore({ updates: 0, arrays: new Map() }), FeatherdetError, "another model or optimizer");
  const { updates, arrays } = await session.state();
  for (const [name, data] of arrays) {
    for (const other of [data.subarray(1), new Float32Array(data.length + 1)]) {
      assertThrows(
        () => session.restore({ updates, arrays: new Map([...arrays, [name, Float32Array.from(other)]]) }),
        FeatherdetError,
        `"${name}" has ${other.length} elements, ${data.length} were expected`,
      );
    }
  }
  session.destroy();
  await assertRejects(() => session.step(inputs(), SETTINGS), FeatherdetError, "the training session was destroyed");
});
