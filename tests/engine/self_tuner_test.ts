/** Tuning beside the frames: within its bounds, followed by the next session, and of no concern to frames when it fails. */

import { assert, assertEquals } from "@std/assert";
import { SelfTuner } from "../../src/engine/self_tuner.ts";
import { Session } from "../../src/engine/session.ts";
import { planningFor, storageForm } from "../../src/engine/setup.ts";
import { type Device, openDevice, openSharedDevice } from "../../src/gpu/device.ts";
import { selfTuningOn, tuningFor } from "../../src/host/tuning_store.ts";
import { buildPlan, type Plan } from "../../src/plan/plan.ts";
import { isTuning, type Tuning } from "../../src/plan/tuning.ts";
import { quickContests } from "../support/contests.ts";
import { replaceMethod } from "../support/faults/fault.ts";
import { gpuTest } from "../support/gpu.ts";
import { randomTensor } from "../support/random.ts";

function planOf(device: Device, tuning?: Tuning): Plan {
  return buildPlan(quickContests(), planningFor(device, storageForm(device, {}), tuning));
}

/** A tuner whose contests take `takes` milliseconds each by its clock, and what it told. */
function tunerOf(device: Device, settings: { share?: number; budget?: number } = {}, known?: Tuning) {
  const told: Tuning[] = [];
  let now = 0;
  const all = { ...settings, runs: 1, onTuned: (tuning: Tuning) => void told.push(structuredClone(tuning)) };
  const tuner = new SelfTuner(device, () => planOf(device), { settings: all, known, clock: () => now });
  const frame = async (at: number, takes = 100) => {
    now = at;
    tuner.frameDone();
    now = at + takes;
    await tuner.settled();
    return told.length;
  };
  return { tuner, told, frame };
}

gpuTest("contests are measured one behind a frame, as long as their share of the time is kept", async () => {
  const device = await openSharedDevice();
  const { tuner, told, frame } = tunerOf(device, { share: 0.1 });
  assertEquals([await frame(0), await frame(150), await frame(999), tuner.isEnded], [1, 1, 1, false]);
  assertEquals([await frame(1001), tuner.isEnded], [2, true]);
  assertEquals(await frame(90_000), 2);
  const { contests } = planOf(device);
  assertEquals(contests.size, 2);
  const [first, both] = told;
  assert(isTuning(first) && isTuning(both));
  assertEquals([Object.keys(first.choices).length, new Set(Object.keys(both.choices))], [1, new Set(contests.keys())]);
  // The plan that follows the record has these kernels.
  for (const [key, { kernel, variant, revision }] of Object.entries(both.choices)) {
    const { chosen, revision: now } = planOf(device, both).contests.get(key)!;
    assertEquals([chosen.kernel, chosen.variant, now], [kernel, variant, revision]);
  }
});

gpuTest("nothing is measured that a record decides, and nothing beyond the budget", async () => {
  const device = await openSharedDevice();
  const { told, frame } = tunerOf(device, { share: 1 });
  await frame(0);
  await frame(1000);
  const [one, both] = told;
  const none = tunerOf(device, {}, both);
  assertEquals([await none.frame(0), none.tuner.isEnded], [0, true]);
  const other = tunerOf(device, { share: 1 }, one);
  assertEquals([await other.frame(0), other.tuner.isEnded], [1, true]);
  assertEquals(Object.keys(other.told[0].choices).filter((key) => key in one.choices), []);
  const short = tunerOf(device, { share: 1, budget: 100 });
  assertEquals([await short.frame(0, 99), short.tuner.isEnded], [1, false]);
  const shorter = tunerOf(device, { share: 1, budget: 100 });
  assertEquals([await shorter.frame(0, 100), shorter.tuner.isEnded], [1, true]);
});

gpuTest("one that is destroyed while it measures tells nothing", async () => {
  const { tuner, told } = tunerOf(await openSharedDevice());
  tuner.frameDone();
  tuner.destroy();
  await tuner.settled();
  tuner.frameDone();
  await tuner.settled();
  assertEquals(told, []);
});

gpuTest("a session tunes itself behind its runs, and gives the same numbers before and behind", async () => {
  const graph = quickContests(), { promise, resolve } = Promise.withResolvers<Tuning>();
  const input = { x: { shape: [1, 6, 7, 5], data: randomTensor([1, 6, 7, 5], 3) } };
  const onTuned = (tuning: Tuning) => Object.keys(tuning.choices).length === 2 && resolve(tuning);
  const session = await Session.create(graph, { selfTuning: { runs: 1, share: Infinity, onTuned } });
  const before = await session.run(input);
  let tuning: Tuning | undefined;
  promise.then((found) => tuning = found);
  while (tuning === undefined) assertEquals(await session.run(input), before);
  session.destroy();
  const next = await Session.create(graph, { tuning });
  for (const [key, { kernel, variant }] of Object.entries(tuning.choices)) {
    const { chosen } = next.plan.contests.get(key)!;
    assertEquals([chosen.kernel, chosen.variant], [kernel, variant]);
  }
  assertEquals(await next.run(input), before);
  next.destroy();
});

gpuTest("what fails while it measures ends the tuning and no frame", async () => {
  const device = await openDevice(), graph = quickContests();
  const input = { x: { shape: [1, 6, 7, 5], data: randomTensor([1, 6, 7, 5], 3) } };
  let tells = 0;
  const selfTuning = { runs: 1, onTuned: () => void tells++ };
  const session = await Session.create(graph, { device: device.device, selfTuning });
  // The session is made; only what tuning makes is refused.
  const mend = replaceMethod(device.device, "createBindGroup", () => () => {
    throw new Error("injected");
  });
  const first = await session.run(input);
  for (let runs = 0; runs < 3; runs++) assertEquals(await session.run(input), first);
  mend();
  assertEquals([await session.run(input), tells], [first, 0]);
  session.destroy();
  device.device.destroy();
});

gpuTest("what is measured is kept in a file, not on software adapters, and a full disk is told once", async () => {
  const device = await openSharedDevice(), folder = await Deno.makeTempDir();
  const adapter = { ...device.adapter, software: false };
  const { told, frame } = tunerOf(device);
  await frame(0);
  const kept = new URL(`file://${folder}/tuning/`);
  const warnings: string[] = [];
  assertEquals(selfTuningOn({ adapter: { ...adapter, software: true } }, () => {}, kept), undefined);
  selfTuningOn({ adapter }, (text) => void warnings.push(text), kept)!.onTuned(told[0]);
  assertEquals([tuningFor(device, {}, kept), warnings], [told[0], []]);
  await Deno.writeTextFile(`${folder}/file`, "");
  const nowhere = selfTuningOn({ adapter }, (text) => void warnings.push(text), new URL(`file://${folder}/file/`))!;
  nowhere.onTuned(told[0]);
  nowhere.onTuned(told[0]);
  assertEquals(warnings.length, 1);
  assert(warnings[0].startsWith("kernels are measured but not kept: "), warnings[0]);
  await Deno.remove(folder, { recursive: true });
});
