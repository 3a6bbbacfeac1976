/**
 * `tune`: measures which kernels are fastest on this adapter and keeps the result, which `demo`, `detect` and `bench` then use.
 *
 * @module
 */

import { Detector } from "../detect/detector.ts";
import { openSharedDevice } from "../gpu/device.ts";
import type { Graph } from "../graph/mod.ts";
import type { Tuning } from "../plan/tuning.ts";
import type { Precision } from "../engine/session.ts";
import { median } from "../engine/measure_kernels.ts";
import { tune } from "../engine/tune.ts";
import { inputSizes, integerIn } from "./arguments.ts";
import { floatPrecisionOption } from "./detection_options.ts";
import { loadModel } from "../host/models.ts";
import { progressBar } from "./progress.ts";
import { writeTuning } from "../host/tuning_store.ts";
import { deviceAction, deviceVerb } from "./verb.ts";

/** GPU time of one frame by estimated costs and tuned, in milliseconds: medians of rounds that run both in turn. */
async function frameTimes(graph: Graph, precision: Precision, tuning: Tuning, rounds: number): Promise<number[]> {
  const detectors: Detector[] = [];
  try {
    for (const choice of [undefined, tuning]) detectors.push(await Detector.load(graph, { precision, tuning: choice }));
    const [height, width] = detectors[0].inputSize;
    const picture = { width, height, data: new Uint8Array(3 * width * height).fill(114) };
    // The first frame compiles.
    for (const detector of detectors) await detector.detect(picture);
    const times = detectors.map((): number[] => []);
    for (let round = 0; round < rounds; round++) {
      for (const [i, detector] of detectors.entries()) {
        times[i].push((await detector.profile(1)).reduce((sum, { milliseconds }) => sum + milliseconds, 0));
      }
    }
    return times.map(median);
  } finally {
    for (const detector of detectors) detector.destroy();
  }
}

/** The verb `tune`. */
export const tuneVerb = deviceVerb(
  "tune",
  "Choose kernels by measuring them on this adapter, and keep the choice.",
  "deno task tune --model yolo11n.onnx --size 320 --size 640",
)
  .requiredOption("--model <model>", "ONNX file, URL, or name")
  .option("--size <pixels>", "side of the square input, may be repeated; the model's own by default", inputSizes)
  .addOption(floatPrecisionOption())
  .option("--runs <number>", "timed runs of each candidate, of which the median counts", integerIn(1, 1000), 5)
  .action(async (options) => {
    await deviceAction<typeof options>(async ({ model, size, precision, runs }, output) => {
      const device = await openSharedDevice();
      const { name: adapter, software } = device.adapter;
      const results = [];
      let file = "";
      for (const side of size ?? [undefined]) {
        const graph = await loadModel(model, { size: side, batch: 1, untrained: true });
        let bar = progressBar(0, "convolutions");
        const tuning = await tune(device, graph, {
          precision,
          runs,
          onProgress: (done, total, key) => {
            if (done === 0) bar = progressBar(total, "convolutions");
            else bar.step(key);
          },
        }).finally(() => bar.stop());
        file = writeTuning(tuning);
        const [before, after] = await frameTimes(graph, precision, tuning, Math.max(5, runs));
        const convolutions = Object.keys(tuning.choices).length;
        const [height, width] = graph.inputs[0].shape.slice(2);
        output.line(
          `${width}x${height} ${precision}: ${convolutions} convolutions, ` +
            `${before.toFixed(1)} ms a frame by estimated costs, ${after.toFixed(1)} ms tuned`,
        );
        results.push({ size: height, precision, convolutions, before, after });
      }
      output.line(`kept in ${file}`);
      return { adapter, software, results, file };
    })(options);
  });
