/** First pictures by kernels that compile quickly, the next ones by those that take their place. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { syntheticPicture } from "../../src/data/synthetic.ts";
import { Detector } from "../../src/detect/detector.ts";
import type { Detection, DetectorOptions } from "../../src/detect/options.ts";
import { Succession } from "../../src/detect/succession.ts";
import { DeviceGuard } from "../../src/engine/device_guard.ts";
import { liveResources } from "../../src/gpu/memory.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { replaceMethod } from "../support/faults/fault.ts";
import { FaultyDevice } from "../support/faults/gpu.ts";
import { colours, picture } from "../support/faults/gpu_operations.ts";
import { gpuTest } from "../support/gpu.ts";

const LIGHT: DetectorOptions = { start: "light" };
const turn = () => new Promise((resolve) => setTimeout(resolve));

/** Waits until something is so, by turns of the event loop and at most a few seconds of them. */
async function until(isSo: () => boolean, what: string): Promise<void> {
  for (let turns = 0; !isSo(); turns++) {
    assert(turns < 3000, what);
    await turn();
  }
}

/** A successor by hand. */
function bySteps() {
  const destroyed: string[] = [], faults: unknown[] = [];
  const guard = new DeviceGuard(undefined, "detector", "net");
  const { promise, resolve, reject } = Promise.withResolvers<{ destroy: () => void }>();
  let begun = 0;
  const make = async (check: () => void) => {
    begun++;
    const made = await promise;
    check();
    return made;
  };
  const program = { destroy: () => void destroyed.push("program") };
  const succession = new Succession({ make, guard, onFault: (error) => faults.push(error) });
  return { succession, guard, destroyed, faults, program, resolve, reject, begun: () => begun };
}

Deno.test("a successor is made once, handed over once, and freed where nobody took it", async () => {
  const one = bySteps();
  const [first, second] = [one.succession.begin(), one.succession.begin()];
  assertEquals([one.begun(), one.succession.take(), one.succession.isOver], [1, undefined, false]);
  one.resolve(one.program);
  await Promise.all([first, second]);
  assertEquals([one.succession.take(), one.succession.take(), one.succession.isOver], [one.program, undefined, true]);
  one.succession.destroy();
  assertEquals(one.destroyed, []);

  const unwanted = bySteps();
  unwanted.resolve(unwanted.program);
  await unwanted.succession.begin();
  unwanted.succession.destroy();
  assertEquals(unwanted.destroyed, ["program"]);
});

Deno.test("a successor that cannot be made is told of, one that nobody wants any more is not", async () => {
  const refused = bySteps();
  refused.reject(new Error("no"));
  await refused.succession.begin();
  assertEquals([refused.faults.length, refused.succession.isOver, refused.succession.take()], [1, true, undefined]);

  const late = bySteps();
  const making = late.succession.begin();
  late.guard.destroy();
  late.resolve(late.program);
  await making;
  assertEquals([late.faults, late.succession.take()], [[], undefined]);

  const given = bySteps();
  const begun = given.succession.begin();
  given.succession.destroy();
  given.resolve(given.program);
  await begun;
  assertEquals([given.succession.isOver, given.succession.take(), given.destroyed], [true, undefined, ["program"]]);

  const never = bySteps();
  never.succession.destroy();
  await never.succession.begin();
  assertEquals(never.begun(), 0);
});

/** Where kernels sum in another order, boxes differ by less than this. */
const PIXELS = 1e-3;

/** That the same is found, but for the last digits. */
function assertNear(found: readonly Detection[], expected: readonly Detection[]): void {
  assertEquals(found.map(({ label }) => label), expected.map(({ label }) => label));
  for (const [at, { box, score }] of found.entries()) {
    assert(Math.abs(score - expected[at].score) < 1e-5, `${score} beside ${expected[at].score}`);
    box.forEach((edge, i) =>
      assert(Math.abs(edge - expected[at].box[i]) < PIXELS, `${box} beside ${expected[at].box}`)
    );
  }
}

gpuTest("boxes are the same before, while and after the kernels change, alone and in a stream", async (device) => {
  const graph = demoDetector({ size: 320 });
  const pictures = [1, 2, 3, 4].map((seed) => syntheticPicture({ seed, width: 120, height: 90 }).image);
  const before = liveResources();
  const full = await Detector.load(graph, { device, start: "full" });
  const expected = await full.detect(pictures);
  assert(expected.flat().length > 2);
  const light = await Detector.load(graph, { device, ...LIGHT });
  // What is told of the model is of the kernels to come.
  assertEquals(light.dispatches, full.dispatches);
  assertEquals(
    light.plan.dispatches.map(({ kernel }) => kernel.label),
    full.plan.dispatches.map(({ kernel }) => kernel.label),
  );
  assert(light.network !== light.plan.graph);
  assertNear(await light.detect(pictures[0]), expected[0]);
  // Nothing is made for who looks at one picture.
  const resources = liveResources();
  for (let turns = 0; turns < 20; turns++) await turn();
  assertEquals(liveResources(), resources);
  // Few pictures belong to the first ones; each takes the network 54 million multiply-accumulates.
  await light.ready(10);
  assert(light.network !== light.plan.graph);
  const many = Array.from({ length: 100 }, (_, at) => at % 4);
  let at = 0;
  for await (const found of light.stream(many.map((one) => pictures[one]))) assertNear(found, expected[many[at++]]);
  await light.ready(1);
  // What runs is what was told of.
  assert(light.network === light.plan.graph);
  assertEquals(await light.detect(pictures), expected);
  for (const detector of [light, full]) detector.destroy();
  await until(() => liveResources() === before, "what the first kernels had is left");
});

gpuTest("tiles are run across the change, too", async (device) => {
  const { image } = syntheticPicture({ seed: 5, width: 200, height: 130 });
  const full = await Detector.load(colours(), { device, start: "full", tiles: 64 });
  const light = await Detector.load(colours(), { device, ...LIGHT, tiles: 64 });
  const expected = await full.detect(image);
  for (let i = 0; i < 5; i++) assertEquals(await light.detect(image), expected);
  await light.ready();
  assertEquals(await light.detect(image), expected);
  for (const detector of [light, full]) detector.destroy();
});

gpuTest("a fault while the next kernels are made is no fault of a picture: the first ones go on", async () => {
  const { device, unasked } = await FaultyDevice.open();
  const told: string[] = [];
  const detector = await Detector.load(colours(), { device, ...LIGHT, onWarning: (sentence) => told.push(sentence) });
  const expected = await detector.detect(picture(0));
  const back = replaceMethod(
    device,
    "createComputePipelineAsync",
    () => () => Promise.reject(new Error("not today")),
  );
  const frames = Promise.all([0, 1, 0, 1].map((input) => detector.detect(picture(input))));
  await detector.ready();
  back();
  assertEquals((await frames)[0], expected);
  assertEquals([told.length, unasked], [1, []]);
  assertMatch(told[0], /^colours: the kernels of the first pictures go on, others were refused: .*not today/);
  assertEquals(detector.warnings.at(-1), told[0]);
  assertEquals(await detector.detect(picture(0)), expected);
  detector.destroy();
  device.destroy();
});

gpuTest(
  "who is destroyed while the next kernels are made leaves nothing behind and warns of nothing",
  async (device) => {
    const before = liveResources();
    for (let turns = 0; turns < 12; turns += 3) {
      const told: string[] = [];
      const detector = await Detector.load(colours(), {
        device,
        ...LIGHT,
        onWarning: (sentence) => told.push(sentence),
      });
      await detector.detect(picture(0));
      const frame = detector.detect(picture(1)).then(() => "boxes", ({ message }) => message);
      const ready = detector.ready().then(() => "ready", ({ message }) => message);
      for (let i = 0; i < turns; i++) await turn();
      detector.destroy();
      for (const said of await Promise.all([frame, ready])) {
        assert(["boxes", "ready", "colours: the detector was destroyed"].includes(said), said);
      }
      await until(() => liveResources() === before, `destroyed after ${turns} turns: something is left`);
      assertEquals(told, []);
    }
  },
);

gpuTest("a device that is lost while the next kernels are made is said once, by the pictures", async () => {
  const { device } = await FaultyDevice.open();
  const before = liveResources();
  const told: string[] = [];
  const detector = await Detector.load(colours(), { device, ...LIGHT, onWarning: (sentence) => told.push(sentence) });
  await detector.detect(picture(0));
  const frame = detector.detect(picture(1)).then(() => "boxes", ({ message }) => message);
  await turn();
  device.destroy();
  const said = await frame;
  assert(said === "boxes" || said === "the device was lost: it was destroyed", said);
  const late = await detector.detect(picture(0)).then(() => "boxes", ({ message }) => message);
  assertEquals([late, told], ["the device was lost: it was destroyed", []]);
  detector.destroy();
  await until(() => liveResources() <= before, "something is left");
});
