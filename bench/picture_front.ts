/**
 * Measures what it saves that the first convolution of a detector reads the picture through its letterbox: each tile of that convolution behind
 * a letterbox of its own, and reading the picture itself, by turns in one process.
 *
 * `deno run -A bench/picture_front.ts [--model yolo11n] [--size 640] [--width 640] [--height 480] [--rounds 15]`
 *
 * Prints median and least GPU time of the one or two dispatches, and whether the engine lets such a tile read the picture.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { letterboxGeometry } from "../src/detect/letterbox.ts";
import { makePictureTexture } from "../src/detect/picture_texture.ts";
import { planNetwork } from "../src/detect/plan_network.ts";
import { profilePrograms } from "../src/engine/profile.ts";
import { Program } from "../src/engine/program.ts";
import { planningFor, storageForm } from "../src/engine/setup.ts";
import { adapterText, openDevice } from "../src/gpu/device.ts";
import { Memory } from "../src/gpu/memory.ts";
import { loadModel } from "../src/host/models.ts";
import { convOfPicture, letterbox, samplesOf } from "../src/kernels/detect/mod.ts";
import type { Dispatch } from "../src/plan/plan.ts";

const { values } = parseArgs({
  options: {
    model: { type: "string", default: "yolo11n" },
    size: { type: "string", default: "640" },
    width: { type: "string", default: "640" },
    height: { type: "string", default: "480" },
    rounds: { type: "string", default: "15" },
  },
});
const [size, width, height, rounds] = [values.size, values.width, values.height, values.rounds].map(Number);
const device = await openDevice(), form = storageForm(device, { precision: "f32" });
const { plan } = planNetwork(await loadModel(values.model, { size, batch: 1 }), planningFor(device, form));
const [{ name: input, shape }] = plan.graph.inputs, [first] = plan.dispatches, picture = "picture";
const view = { size: { width, height }, geometry: letterboxGeometry(width, height, size, size) };
const output = { value: input, shape, layout: plan.placements.get(input)!.layout };
const boxing = letterbox({ ...view, picture, output, image: 0, pitch: plan.pitch });
const contest = [...plan.contests.values()].find(({ options }) => options[0].dispatches().at(-1)!.name === first.name);
if (!contest) throw new Error(`nothing competes for "${first.name}"`);

const texture = makePictureTexture(new Memory(device.device), { width, height });
const pixels = Uint8Array.from({ length: 4 * width * height }, (_, i) => i * 7919 % 251);
device.device.queue.writeTexture({ texture }, pixels, { bytesPerRow: 4 * width }, [width, height]);

/** Dispatches on the device. */
async function subject(name: string, dispatches: readonly Dispatch[]) {
  const external = new Map([[picture, { kind: "texture", texture } as const]]);
  return { name, program: await Program.create(device, { ...plan, dispatches, external }), times: [] as number[] };
}

const subjects = [];
for (const { dispatches } of contest.options) {
  const [dispatch, ...others] = dispatches();
  const kernel = convOfPicture(dispatch.kernel, { ...view, picture, input, samples: Infinity });
  if (others.length > 0 || !kernel) continue;
  const { label } = dispatch.kernel, alone = { ...dispatch, name: "letterbox", kernel: boxing };
  subjects.push(await subject(`letterbox, ${label}`, [alone, dispatch]));
  const kept = convOfPicture(dispatch.kernel, { ...view, picture, input }) ? "" : ", not taken";
  const samples = `${samplesOf(dispatch.kernel).toFixed(2)} samples a pixel`;
  subjects.push(await subject(`${kernel.label} (${samples}${kept})`, [{ ...dispatch, kernel }]));
}
for (let round = 0; round < rounds; round++) {
  for (let i = 0; i < subjects.length; i++) {
    const { program, times } = subjects[(i + round) % subjects.length];
    const found = await profilePrograms(device, [program], 1);
    times.push(found.reduce((sum, { milliseconds }) => sum + milliseconds, 0));
  }
}
console.log(
  `${adapterText(device.adapter)}, ${form.storage}s, a picture of ${width}x${height} at ${size}, ${rounds} rounds`,
);
for (const { name, times } of subjects) {
  const sorted = times.toSorted((a, b) => a - b), [median, least] = [sorted[sorted.length >> 1], sorted[0]];
  console.log(`${name.padEnd(72)} ${median.toFixed(2)} ms (least ${least.toFixed(2)})`);
}
device.device.destroy();
