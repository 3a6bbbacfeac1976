/**
 * Measures what joining dispatches saves: a model planned with and without it, by turns in one process, and a second model beside it.
 *
 * `deno run -A bench/dispatches.ts --model yolo11n.onnx [--beside FILE] [--size 640] [--beside-size 256] [--rounds 31] [--precision f32]
 * [--storage texture] [--json FILE]`
 *
 * Prints, of each, dispatches and pipelines of the network, the median of the GPU time of a run (one compute pass between two timestamps), and the
 * median over the rounds of the ratio to the first, with the half of the rounds that lies in the middle.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { planNetwork } from "../src/detect/plan_network.ts";
import { Program } from "../src/engine/program.ts";
import { planningFor, storageForm } from "../src/engine/setup.ts";
import { adapterText, openDevice } from "../src/gpu/device.ts";
import { Memory } from "../src/gpu/memory.ts";
import { ReadbackPool } from "../src/gpu/readback.ts";
import { PassTimer } from "../src/gpu/timing.ts";
import { loadModel } from "../src/host/models.ts";

const { values } = parseArgs({
  options: {
    model: { type: "string", default: "yolo11n" },
    beside: { type: "string" },
    size: { type: "string" },
    "beside-size": { type: "string" },
    rounds: { type: "string", default: "31" },
    precision: { type: "string", default: "f32" },
    storage: { type: "string" },
    json: { type: "string" },
  },
});
const rounds = Number(values.rounds);
const device = await openDevice();
const storage = values.storage as "texture" | "buffer" | undefined;
const form = storageForm(device, { precision: values.precision as "f32" | "f16", storage });

/** A network on the device; `time` is milliseconds of one run. */
async function subject(file: string, size: string | undefined, joined: boolean) {
  const graph = await loadModel(file, { untrained: true, ...size && { size: Number(size) } });
  const { plan } = planNetwork(graph, { ...planningFor(device, form), separate: !joined });
  const program = await Program.create(device, plan);
  const pool = new ReadbackPool(new Memory(device.device), 16, "this measurement");
  const timer = new PassTimer(device.device, 1);
  const time = async () => {
    const bytes = await pool.submit((encoder) => {
      const pass = encoder.beginComputePass(timer.descriptor(0));
      program.encode(pass);
      pass.end();
      return [timer.resolved(encoder)];
    });
    return PassTimer.durations(bytes, 0, 1)[0];
  };
  const pipelines = new Set(plan.dispatches.map(({ kernel }) => JSON.stringify([kernel.shader, kernel.constants])));
  const input = graph.inputs[0].shape.slice(2).join("x");
  return {
    name: `${file.split("/").at(-1)} ${input} ${joined ? "joined" : "each alone"}`,
    dispatches: plan.dispatches.length,
    pipelines: pipelines.size,
    bytes: plan.memory.planned,
    time,
    times: [] as number[],
  };
}

const subjects = [
  await subject(values.model, values.size, false),
  await subject(values.model, values.size, true),
  ...values.beside
    ? [
      await subject(values.beside, values["beside-size"], false),
      await subject(values.beside, values["beside-size"], true),
    ]
    : [],
];
for (let round = -1; round < rounds; round++) {
  for (let i = 0; i < subjects.length; i++) {
    const one = subjects[(i + round + 1) % subjects.length], milliseconds = await one.time();
    // The first round compiles.
    if (round >= 0) one.times.push(milliseconds);
  }
}

const quantile = (numbers: readonly number[], share: number) =>
  numbers.toSorted((a, b) => a - b)[Math.floor(share * (numbers.length - 1))];
const rows = subjects.map(({ name, dispatches, pipelines, bytes, times }) => {
  const ratios = times.map((time, round) => time / subjects[0].times[round]);
  const [low, ratio, high] = [0.25, 0.5, 0.75].map((share) => quantile(ratios, share));
  return {
    name,
    dispatches,
    pipelines,
    bytes,
    gpu: quantile(times, 0.5),
    least: Math.min(...times),
    ratio,
    middle: [low, high],
  };
});
console.log(`${adapterText(device.adapter)}, ${form.storage} ${form.scalar}, ${rounds} rounds by turns`);
for (const { name, dispatches, pipelines, bytes, gpu, least, ratio, middle } of rows) {
  console.log(
    `${name.padEnd(44)} ${dispatches} dispatches, ${pipelines} pipelines, ${(bytes / 1e6).toFixed(2)} MB, ` +
      `GPU ${gpu.toFixed(2)} ms (least ${least.toFixed(2)}), ` +
      `${ratio.toFixed(3)} of the first (${middle.map((one) => one.toFixed(3)).join(" - ")})`,
  );
}
if (values.json) {
  const record = { adapter: device.adapter.name, date: new Date().toISOString(), form, rounds, rows };
  await Deno.writeTextFile(values.json, JSON.stringify(record, null, 1) + "\n");
}
device.device.destroy();
