/**
 * Many frames in a row, in a process of its own so that nothing else moves its memory: `deno run -A soak.ts MODEL SIZE FRAMES`
 * prints a `SoakReport`. `soak` runs it.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { syntheticPicture } from "../../src/data/synthetic.ts";
import { Detector } from "../../src/detect/detector.ts";
import { liveResources } from "../../src/gpu/memory.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { lockOptions } from "../../src/host/setup/locked.ts";

/** What many frames did to the memory. */
export interface SoakReport {
  readonly frames: number;
  /** Frames after which memory is looked at for the first time. */
  readonly warmUp: number;
  /** Bytes of resident memory after the warm-up and after the last frame. */
  readonly residentBefore: number;
  readonly residentAfter: number;
  /** GPU buffers and textures: before the model is loaded, after the warm-up, after the last frame, after `destroy()`. */
  readonly resources: readonly [number, number, number, number];
  /** Bytes of GPU memory that the detector holds after the warm-up and after the last frame. */
  readonly heldBefore: number;
  readonly heldAfter: number;
  /** Distinct results among all frames; as many as there are pictures unless frames disturb one another. */
  readonly distinctResults: number;
  readonly pictures: number;
}

/** Runs the frames in a process of their own. `model` is `demo` or an ONNX file. */
export async function soak(model: string, size: number, frames: number): Promise<SoakReport> {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", ...lockOptions(), "-A", fileURLToPath(import.meta.url), model, String(size), String(frames)],
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  const report = text.decode(stdout);
  // The report is the last thing said, whatever a driver does while the process ends (Mesa's has been seen to crash then).
  if (report === "") throw new Error(text.decode(stderr));
  return JSON.parse(report);
}

async function run(model: string, size: number, frames: number): Promise<SoakReport> {
  const warmUp = Math.ceil(frames / 5);
  const before = liveResources();
  const source = model === "demo" ? demoDetector({ size }) : model;
  const detector = await Detector.load(source, { inputSize: size, start: "full" });
  // Pictures of different sizes in turn: each frame has another letterbox, and shares the memory of the one before.
  const pictures = [[size, size], [size, size + 31], [size + 1, size - 17]].map(([width, height], i) => {
    return syntheticPicture({ seed: i, width, height, objects: 3, sizes: [size / 4, size / 2.5] }).image;
  });
  const results = new Set<string>();
  const picture = (i: number) => pictures[i % pictures.length];
  const stretch = async (count: number) => {
    // Half of the frames one by one, half of them with several in flight.
    const half = Math.ceil(count / 2);
    for (let i = 0; i < half; i++) results.add(JSON.stringify(await detector.detect(picture(i))));
    const stream = detector.stream(Array.from({ length: half }, (_, i) => picture(i)));
    for await (const found of stream) results.add(JSON.stringify(found));
  };
  const state = () => ({ resident: Deno.memoryUsage().rss, resources: liveResources(), held: detector.bytes });
  await stretch(warmUp);
  const warm = state();
  await stretch(frames - warmUp);
  const end = state();
  detector.destroy();
  return {
    frames,
    warmUp,
    residentBefore: warm.resident,
    residentAfter: end.resident,
    resources: [before, warm.resources, end.resources, liveResources()],
    heldBefore: warm.held,
    heldAfter: end.held,
    distinctResults: results.size,
    pictures: pictures.length,
  };
}

if (import.meta.main) {
  const [model, size, frames] = Deno.args;
  console.log(JSON.stringify(await run(model, Number(size), Number(frames))));
  Deno.exit(0);
}
