/**
 * Measures a packed model both ways on the very adapter: with weights that convolutions unpack themselves, and with the floats that they
 * are unpacked to once.
 *
 * `deno run -A bench/low_bit_model.ts --model runs/ternary/best.onnx [--rounds 15] [--size 640] [--precision f32] [--storage texture] [--rows]`
 *
 * Both run by turns in one process, dispatch by dispatch where these are timed, so that whatever else the machine does disturbs both.
 * Prints, of each, the sum of the least GPU time of every dispatch (timestamps), of all and of those that read packed weights; the median
 * of whole frames (dispatches, submit, wait for the device); the bytes of weights on the device. `--rows` prints the convolutions, those
 * that gain most first.
 *
 * @module
 */

import { adapterText, openDevice } from "../src/gpu/device.ts";
import { parseArgs } from "node:util";
import { loadModel } from "../src/host/models.ts";
import { planNetwork } from "../src/detect/plan_network.ts";
import { deviceWeightBytes } from "../src/eval/device_weights.ts";
import { interleave, summarize, timed } from "../src/eval/latency.ts";
import { PassTimer } from "../src/gpu/timing.ts";
import { changeShapes } from "../src/passes/mod.ts";
import { Program } from "../src/engine/program.ts";
import { planningFor, storageForm } from "../src/engine/setup.ts";

const { values } = parseArgs({
  options: {
    model: { type: "string" },
    rounds: { type: "string", default: "15" },
    size: { type: "string" },
    precision: { type: "string", default: "f32" },
    storage: { type: "string" },
    rows: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
if (values.model === undefined) throw new Error("--model FILE: which packed model?");
if (!Number.isInteger(rounds) || rounds < 1) throw new Error("--rounds is a whole number from 1 on");

const device = await openDevice();
if (!device.timestamps) throw new Error("the adapter measures no GPU time");
const storage = values.storage as "texture" | "buffer" | undefined;
const form = storageForm(device, { precision: values.precision as "f32" | "f16", storage });
const loaded = await loadModel(values.model, { untrained: true });
const side = values.size === undefined ? undefined : Number(values.size);
const graph = side === undefined ? loaded : changeShapes(loaded, { [loaded.inputs[0].name]: [1, 3, side, side] });

/** The network on the device, ready to run. */
async function subject(name: string, floatWeights: boolean) {
  const { value: plan, milliseconds: planning } = await timed(() =>
    planNetwork(graph, {
      ...planningFor(device, form),
      separate: true,
      floatWeights,
    }).plan
  );
  const program = await Program.create(device, plan);
  const least = new Array<number>(plan.dispatches.length).fill(Infinity);
  const frame = async () => {
    const encoder = device.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    program.encode(pass);
    pass.end();
    device.device.queue.submit([encoder.finish()]);
    await device.device.queue.onSubmittedWorkDone();
  };
  return { name, plan, planning, program, least, frame };
}

const subjects = [await subject("floats", true), await subject("packed", false)];
const frames = await interleave(subjects.map(({ frame }) => ({ work: frame })), rounds);

// Each dispatch of one is followed by the same one of the other, which meets the same disturbance.
const both = {
  dispatchCount: 2 * subjects[0].program.dispatchCount,
  encode: (pass: GPUComputePassEncoder, first: number) => {
    const step = first >> 1;
    subjects[first & 1].program.encode(pass, step, step + 1);
  },
};
if (subjects[1].program.dispatchCount !== subjects[0].program.dispatchCount) {
  throw new Error("the plans have other dispatches");
}
for (let round = 0; round <= rounds; round++) {
  for (const [i, time] of (await PassTimer.timeDispatches(device.device, both)).entries()) {
    const { least } = subjects[i & 1];
    // The first round compiles.
    if (round > 0) least[i >> 1] = Math.min(least[i >> 1], time);
  }
}

const packed = subjects[1].plan.dispatches.map(({ kernel }) => Number(kernel.constants.WEIGHT_BITS ?? 32) < 32);
const sum = (times: readonly number[], counts: (step: number) => boolean = () => true) =>
  times.reduce((total, time, i) => total + (counts(i) ? time : 0), 0);

const { adapter } = device;
console.log(
  `${adapterText(adapter)}, ${form.storage} ${form.scalar}, ` +
    `${graph.inputs[0].shape.join("x")}, ${rounds} rounds by turns; ` +
    `${packed.filter((is) => is).length} of ${packed.length} dispatches read packed weights`,
);
console.log(`${"weights".padEnd(10)}${"GPU ms".padStart(10)}${"of these".padStart(10)}${"frame ms".padStart(10)}`);
for (const [i, { name, plan, planning, least }] of subjects.entries()) {
  const figures = [sum(least), sum(least, (step) => packed[step]), summarize(frames[i]).median];
  console.log(
    `${name.padEnd(10)}${figures.map((ms) => ms.toFixed(2).padStart(10)).join("")}   ` +
      `${(deviceWeightBytes(plan) / 1e6).toFixed(2)} MB of weights on the device, planned in ${planning.toFixed(0)} ms`,
  );
}
if (values.rows) {
  const [floats, words] = subjects;
  const rows = packed.flatMap((is, i) => is ? [i] : []);
  for (const i of rows.toSorted((a, b) => words.least[a] / floats.least[a] - words.least[b] / floats.least[b])) {
    const ratio = (words.least[i] / floats.least[i]).toFixed(2);
    console.log(
      `${ratio}  ${floats.least[i].toFixed(3)} ms  ${words.plan.dispatches[i].kernel.label.padEnd(32)} ${
        words.plan.dispatches[i].name
      }`,
    );
  }
}
for (const { program } of subjects) program.destroy();
device.device.destroy();
