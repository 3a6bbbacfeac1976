/**
 * Faults that would give stale results: memory that is not there, uploads and submissions that did not happen. `tests/long/faults.ts` tries
 * everything under every fault.
 */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Detector } from "../../src/detect/detector.ts";
import { Session } from "../../src/engine/session.ts";
import { TrainingSession } from "../../src/engine/training_session.ts";
import { liveResources } from "../../src/gpu/memory.ts";
import { FeatherdetError } from "../../src/graph/mod.ts";
import { replaceMethod } from "../support/faults/fault.ts";
import { deviceGrounds, FaultyDevice, GPU_FAULTS } from "../support/faults/gpu.ts";
import {
  colours,
  doubling,
  GPU_OPERATIONS,
  numbers,
  picture,
  trainingProblem,
} from "../support/faults/gpu_operations.ts";
import { type Places, tryUnder } from "../support/faults/trial.ts";
import { gpuTest } from "../support/gpu.ts";
import { SETTINGS } from "../support/update_settings.ts";

/** One call of each that fails shows the kind: of making and uploading the first, else the last, which is the nearest to the results. */
const placesOf = (operation: string, fault: string): Places => (calls) =>
  operation.includes("create") || fault.startsWith("upload") ? [1] : [calls];

gpuTest(
  "a frame, a run and a step that fail give one sentence, nothing stale, and leave the next one right",
  async () => {
    const grounds = deviceGrounds();
    const operations = ["`Session.create`", "`detect`", "`Session.run`", "`step`, two on their way"];
    for (const operation of GPU_OPERATIONS.filter(({ name }) => operations.includes(name))) {
      for (const fault of GPU_FAULTS.filter(({ wantsFresh }) => !wantsFresh)) {
        const { came } = await tryUnder(operation, fault, grounds, placesOf(operation.name, fault.name));
        const absent = fault.name === "allocation fails" && operation.name.startsWith("`step`");
        if (!absent) assertEquals(came, "error", `${operation.name}, ${fault.name}`);
      }
    }
  },
);

gpuTest("calls of others on the device while a plan is made are not taken for its own", async () => {
  const { device, unasked } = await FaultyDevice.open();
  let isMade = false, wrong = 0;
  const making = Session.create(doubling(), { device }).finally(() => isMade = true);
  const turn = () => new Promise((resolve) => setTimeout(resolve));
  while (!isMade) {
    // Of somebody else, who hears of it by the device's event.
    device.createBuffer({ size: 2 ** 44, usage: GPUBufferUsage.STORAGE });
    wrong++;
    await turn();
  }
  (await making).destroy();
  for (let turns = 0; turns < 100 && unasked.length < wrong; turns++) await turn();
  assertEquals(unasked.length, wrong);
  assert(wrong > 1);
  device.destroy();
});

gpuTest("a plan whose bindings the device refuses is no plan, and leaves nothing behind", async () => {
  const { device, unasked } = await FaultyDevice.open();
  const before = liveResources();
  const back = replaceMethod(
    device,
    "createBindGroup",
    (create) => (descriptor: GPUBindGroupDescriptor) => create({ ...descriptor, entries: [] }),
  );
  const { message } = await assertRejects(() => Session.create(doubling(), { device }), FeatherdetError);
  back();
  assertMatch(message, /^the adapter ".+" refuses this plan: ./);
  assertEquals([unasked, liveResources()], [[], before]);
  const session = await Session.create(doubling(), { device });
  const { y } = await session.run({ x: { shape: [1, 3, 5, 7], data: numbers(1) } });
  assertEquals([...y.data], [...numbers(1)].map((value) => 2 * value));
  session.destroy();
  device.destroy();
});

gpuTest("a device that is lost while it works is said in one sentence, by all alike", async () => {
  const [loss] = GPU_FAULTS.filter(({ name }) => name === "device is lost");
  for (const operation of GPU_OPERATIONS.filter(({ name }) => ["`Session.run`", "`detect`"].includes(name))) {
    const { came, sentences } = await tryUnder(operation, loss, deviceGrounds(), (calls) => [calls]);
    assertEquals([came, ...sentences], ["error", "the device was lost: it was destroyed"], operation.name);
  }
});

gpuTest("what is destroyed while it works says so, and leaves nothing behind", async (device) => {
  const before = liveResources();
  const detector = await Detector.load(colours(), { device });
  const frames = [detector.detect(picture(0)), detector.detect(picture(1))];
  const stream = detector.stream([picture(0), picture(1), picture(0), picture(1)]);
  await stream.next();
  const refused = frames.map((frame) => frame.then(() => "boxes", (error) => error.message));
  const late = detector.detect(picture(0)).then(() => "boxes", (error) => error.message);
  detector.destroy();
  const session = await Session.create(doubling(), { device });
  const run = session.run({ x: { shape: [1, 3, 5, 7], data: numbers(0) } }).then(() => "", (error) => error.message);
  session.destroy();
  const training = await TrainingSession.create(trainingProblem(), { device });
  const step = training.step({ x: new Float32Array(384) }, SETTINGS).then(() => "", (error) => error.message);
  training.destroy();
  for (const message of [...await Promise.all(refused), await late]) {
    // What was through before may still come.
    if (message !== "boxes") assertEquals(message, "colours: the detector was destroyed");
  }
  const error = await assertRejects(async () => {
    for await (const _ of stream);
  }, FeatherdetError);
  assertEquals(error.message, "colours: the detector was destroyed");
  assertEquals([await run, await step], ["tiny: the session was destroyed", "net: the training session was destroyed"]);
  assertEquals(liveResources(), before);
});

gpuTest(
  "a step that failed alone has not happened; with others behind it, only a state makes the session usable",
  async () => {
    const [refused] = GPU_FAULTS.filter(({ name }) => name === "submission is refused");
    const [upload] = GPU_FAULTS.filter(({ name }) => name === "upload fails");
    const ground = await FaultyDevice.open();
    const { device } = ground;
    const inputs = (seed: number) => ({ x: Float32Array.from({ length: 384 }, (_, at) => Math.sin(at * seed)) });
    const weightsOf = async (session: TrainingSession) => [...await session.trained()].map(([, data]) => [...data]);
    const undisturbed = await TrainingSession.create(trainingProblem(), { device });
    const disturbed = await TrainingSession.create(trainingProblem(), { device });
    // Two batches in one update: the sum must not hold what failed, and must not begin anew.
    for (const session of [undisturbed, disturbed]) await session.step(inputs(1));
    const armed = refused.arm(ground, 1);
    await assertRejects(() => disturbed.step(inputs(2), SETTINGS), FeatherdetError, "refuses this step");
    armed.disarm();
    assertEquals(disturbed.updates, 0);
    for (const session of [undisturbed, disturbed]) await session.step(inputs(3), SETTINGS);
    assertEquals(await weightsOf(disturbed), await weightsOf(undisturbed));

    const state = await disturbed.state();
    for (const [fault, at] of [[refused, 1], [upload, 1]] as const) {
      const failing = fault.arm(ground, at);
      const steps = await Promise.allSettled([
        disturbed.step(inputs(4), SETTINGS),
        disturbed.step(inputs(5), SETTINGS),
      ]);
      failing.disarm();
      assertEquals(steps.map(({ status }) => status), ["rejected", "rejected"]);
      for (const call of [() => disturbed.step(inputs(4)), () => disturbed.trained(), () => disturbed.state()]) {
        await assertRejects(call, FeatherdetError, "restore a state to go on");
      }
      disturbed.restore(state);
      assertEquals(await weightsOf(disturbed), await weightsOf(undisturbed));
    }
    for (const session of [undisturbed, disturbed]) session.destroy();
    device.destroy();
  },
);
