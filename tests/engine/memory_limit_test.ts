/** Limits of device memory: what is chosen keeps to them, by what is measured; what does not fit is refused with the least that it needs. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { halvedBatches } from "../../src/engine/memory_limit.ts";
import { programBytes } from "../../src/engine/program_bytes.ts";
import { Session, type Tensor } from "../../src/engine/session.ts";
import { runBytes } from "../../src/engine/session_running.ts";
import { TrainingSession } from "../../src/engine/training_session.ts";
import { trainingChoices } from "../../src/engine/training/bytes.ts";
import { adoptDevice } from "../../src/gpu/device.ts";
import { FeatherdetError } from "../../src/graph/mod.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { imagesAreApart, withBatch } from "../../src/passes/mod.ts";
import { FaultyDevice, GPU_FAULTS } from "../support/faults/gpu.ts";
import { trainingProblem } from "../support/faults/gpu_operations.ts";
import { gpuTest, testDevice } from "../support/gpu.ts";
import { seededRandom } from "../support/random.ts";
import { graphOf, node, weight } from "../support/tiny_graph.ts";
import { SETTINGS } from "../support/update_settings.ts";

const FORMS = ["texture", "buffer"].flatMap((storage) =>
  ["f32", "f16"].map((precision) =>
    ({ storage, precision }) as { storage: "texture" | "buffer"; precision: "f32" | "f16" }
  )
);

function noise(batch: number, size: number) {
  const random = seededRandom(batch);
  const shape = [batch, 3, size, size];
  return { images: { shape, data: Float32Array.from({ length: 3 * batch * size * size }, random) } };
}

/** Weights, the same ones twice, a constant that an operator reads as it is, and plain memory behind the maps. */
function convolutions() {
  const conv = { strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1], groups: 1 } as const;
  const nodes = [
    node("Conv", ["x", "a"], ["y"], conv),
    node("Conv", ["y", "b"], ["z"], conv),
    node("Conv", ["z", "b"], ["u"], conv),
    node("Reshape", ["u"], ["v"], { shape: [2, 5 * 13 * 9] }),
    node("Add", ["v", "c"], ["w"], {}),
  ];
  const constants = { a: weight([5, 3, 3, 3], 1), b: weight([5, 5, 3, 3], 2), c: weight([5 * 13 * 9], 3) };
  return graphOf({ x: [2, 3, 13, 9] }, ["w", "z"], nodes, constants);
}

function largest(a: Tensor, b: Tensor): number {
  assertEquals(a.shape, b.shape);
  return a.data.reduce((most, value, i) => Math.max(most, Math.abs(value - b.data[i])), 0);
}

gpuTest("the bytes of a plan are those that its session holds, in every form", async () => {
  const device = await testDevice();
  for (const form of FORMS) {
    const session = await Session.create(convolutions(), { device, ...form });
    try {
      const { total } = programBytes(session.plan);
      assertEquals(session.bytes, total, JSON.stringify(form));
      const inputs = { x: { shape: [2, 3, 13, 9], data: new Float32Array(2 * 3 * 13 * 9).fill(0.5) } };
      await Promise.all([session.run(inputs), session.run(inputs)]);
      assert(session.bytes > total && session.bytes <= runBytes(session.plan));
    } finally {
      session.destroy();
    }
  }
});

gpuTest("a batch that does not fit is run in parts, to the same numbers and within the limit", async () => {
  const device = await testDevice();
  for (const batch of [3, 5]) {
    const graph = demoDetector({ size: 64, batch }), inputs = noise(batch, 64);
    const free = await Session.create(graph, { device });
    const expected = await free.run(inputs);
    const two = await Session.create(withBatch(graph, 2), { device });
    const limit = runBytes(two.plan);
    assert(limit < runBytes(free.plan));
    two.destroy();
    const session = await Session.create(graph, { device, memoryLimit: limit });
    try {
      assertEquals(session.plan.graph.inputs[0].shape[0], 2);
      const results = await Promise.all([1, 2, 3].map(() => session.run(inputs)));
      for (const { output0 } of results) assert(largest(output0, expected.output0) < 1e-4);
      assert(session.bytes <= limit, `${session.bytes} of ${limit}`);
    } finally {
      session.destroy();
      free.destroy();
    }
  }
});

gpuTest("what fits in no way is refused with the least that it needs, which then suffices", async () => {
  const device = await testDevice();
  const graph = demoDetector({ size: 96, batch: 4 });
  const { message } = await assertRejects(() => Session.create(graph, { device, memoryLimit: 1 }), FeatherdetError);
  assertMatch(
    message,
    /: the model needs [\d.]+ MB of device memory at least \(f16 in buffers, 1 of 4 images at once\), the limit is 0\.0 MB$/,
  );
  const asked = await assertRejects(
    () => Session.create(graph, { device, memoryLimit: 1, precision: "f32", storage: "texture" }),
    FeatherdetError,
  );
  assertMatch(asked.message, /\(f32 in textures, 1 of 4 images at once\)/);
  const single = await Session.create(demoDetector({ size: 96 }), { device, precision: "f16", storage: "buffer" });
  const least = runBytes(single.plan);
  single.destroy();
  const session = await Session.create(graph, { device, memoryLimit: least });
  await session.run(noise(4, 96));
  assertEquals([session.plan.form.scalar, session.plan.form.storage], ["f16", "buffer"]);
  assert(session.bytes <= least);
  session.destroy();
  await assertRejects(() => Session.create(graph, { device, memoryLimit: least - 1 }), FeatherdetError, "at least");
  await assertRejects(() => Session.create(graph, { device, memoryLimit: 0 }), FeatherdetError, "memoryLimit is 0");
});

gpuTest("an adapter that has less than the limit gets half of the batch", async () => {
  const faulty = await FaultyDevice.open();
  await adoptDevice(faulty.device);
  const graph = demoDetector({ size: 64, batch: 4 });
  const fault = GPU_FAULTS.find(({ name }) => name === "allocation fails")!.arm(faulty, 1);
  const session = await Session.create(graph, { device: faulty.device, memoryLimit: 1e9 });
  try {
    assertEquals(fault.failed, 1);
    assertEquals(session.plan.graph.inputs[0].shape[0], 2);
    const { output0 } = await session.run(noise(4, 64));
    assertEquals(output0.shape[0], 4);
  } finally {
    fault.disarm();
    session.destroy();
    faulty.device.destroy();
  }
});

gpuTest("a training session takes no more than was planned, its checkpoints included", async () => {
  const device = await testDevice(), problem = trainingProblem();
  const options = { device, optimizer: "adamw", recompute: false } as const;
  const [first, ...others] = trainingChoices(await adoptDevice(device), () => problem, options);
  const { bytes } = first.plan();
  const session = await TrainingSession.create(problem, { ...options, memoryLimit: bytes });
  try {
    const x = new Float32Array(2 * 3 * 8 * 8).fill(0.5);
    await Promise.all([session.step({ x }, SETTINGS), session.step({ x }, SETTINGS)]);
    const steady = session.bytes, state = session.state(), most = session.bytes;
    await state;
    assert(steady < most && most <= bytes, `${steady}, ${most} of ${bytes}`);
  } finally {
    session.destroy();
  }
  assert(others.some(({ plan }) => plan().bytes < bytes));
  const { message } = await assertRejects(
    () => TrainingSession.create(problem, { ...options, memoryLimit: 100 }),
    FeatherdetError,
  );
  assertMatch(message, /training needs [\d.]+ MB of device memory at least \(f16 in \w+\)/);
});

Deno.test("batches are halved down to one", () => {
  assertEquals(halvedBatches(16), [16, 8, 4, 2, 1]);
  assertEquals(halvedBatches(5), [5, 3, 2, 1]);
  assertEquals(halvedBatches(1), [1]);
});

Deno.test("a batch is cut only where every image is computed by itself", () => {
  assert(imagesAreApart(demoDetector({ size: 64, batch: 3 })));
  const x = { x: [3, 4, 5, 5] };
  const apart = (nodes: Parameters<typeof graphOf>[2], constants = {}) =>
    imagesAreApart(graphOf(x, ["y"], nodes, constants));
  const axes = (...all: number[]) => ({ axes: all, keepDims: true });
  assert(apart([node("ReduceMean", ["x"], ["y"], axes(2, 3))]));
  assert(!apart([node("ReduceMean", ["x"], ["y"], axes(0))]));
  assert(apart([node("Softmax", ["x"], ["y"], { axis: 1 })]));
  assert(!apart([node("Softmax", ["x"], ["y"], { axis: 0 })]));
  assert(apart([node("Reshape", ["x"], ["y"], { shape: [3, 100] })]));
  assert(!apart([node("Reshape", ["x"], ["y"], { shape: [12, 25] })]));
  assert(!apart([node("Transpose", ["x"], ["y"], { perm: [1, 0, 2, 3] })]));
  // A number for each image is not the same for all of them.
  assert(apart([node("Add", ["x", "c"], ["y"], {})], { c: weight([4, 1, 1]) }));
  assert(!apart([node("Add", ["x", "c"], ["y"], {})], { c: weight([3, 1, 1, 1]) }));
});
