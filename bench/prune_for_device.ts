/**
 * Channels that go if the milliseconds of a device decide, against those that go if operations do. Devices are predicted: none is needed.
 *
 * `deno run -A bench/prune_for_device.ts [--model bccd] [--device jetson-orin-nano] [--precision fp16] [--size 320] [--shares 0.9,0.8]`
 *
 * The model is cut twice to the same predicted milliseconds, a share of those of the whole: channels ranked by what they are worth (`l2`)
 * over milliseconds, and over operations. Prints Markdown: operations and milliseconds that are left, and of the layers at each
 * resolution and kind the share of the channels that each ranking leaves.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { prune, type PruneReport, settle } from "../src/compress/prune/mod.ts";
import { fusedLayers } from "../src/hardware/layers.ts";
import { deviceLayerMeter } from "../src/hardware/layer_meter.ts";
import { predictLatency } from "../src/hardware/predict.ts";
import type { DevicePrecision } from "../src/hardware/profile.ts";
import { loadModel } from "../src/host/models.ts";
import { measuredLatency } from "../src/recipes/prune/latency.ts";

const { values: given } = parseArgs({
  options: {
    model: { type: "string", default: "bccd" },
    device: { type: "string", default: "jetson-orin-nano" },
    precision: { type: "string" },
    size: { type: "string" },
    shares: { type: "string", default: "0.9" },
  },
});
const { model, device } = given, precision = given.precision as DevicePrecision | undefined;

const whole = await loadModel(model, { size: given.size === undefined ? undefined : Number(given.size) });
const { table, latency } = await measuredLatency(whole, { layerMeter: deviceLayerMeter(device, precision) });
const layers = fusedLayers(whole), first = predictLatency(whole, { device, precision });
console.log(`${model} on ${first.title}, ${first.precision}: ${first.milliseconds.toFixed(2)} ms\n`);

/** Layers of one kind on maps of one size. */
const placeOf = (name: string) => {
  const layer = layers.find((one) => one.name === name)!;
  return `${layer.kind} at ${layer.outputShape[2]}x${layer.outputShape[3]}`;
};

/** Share of the channels of each place that is left. */
function kept({ layers }: PruneReport): Map<string, number> {
  const places = Map.groupBy(layers, ({ name }) => placeOf(name));
  return new Map([...places].map(([place, members]) => {
    const sum = (when: "before" | "after") => members.reduce((total, one) => total + one[when].outputs, 0);
    return [place, sum("after") / sum("before")];
  }));
}

for (const share of given.shares.split(",").map(Number)) {
  const cuts = [];
  for (const per of ["latency", "gflops"] as const) {
    const options = { budget: { latency: share }, criterion: "l2", per, latency } as const;
    const { graph, report } = await settle(table, () => prune(whole, options));
    const { milliseconds } = predictLatency(graph, { device, precision });
    cuts.push({ per, gflops: report.after.gflops / report.before.gflops, milliseconds, kept: kept(report) });
  }
  console.log(`## ${share} of the milliseconds\n`);
  console.log("| channels ranked by worth over | GFLOPs left | predicted ms |\n| --- | ---: | ---: |");
  for (const { per, gflops, milliseconds } of cuts) {
    console.log(
      `| ${per === "latency" ? "milliseconds" : "operations"} | ${gflops.toFixed(3)} | ${milliseconds.toFixed(2)} |`,
    );
  }
  console.log("\n| layers | channels left by milliseconds | by operations |\n| --- | ---: | ---: |");
  const [time, work] = cuts;
  for (const [place, left] of time.kept) {
    console.log(`| ${place} | ${left.toFixed(2)} | ${work.kept.get(place)!.toFixed(2)} |`);
  }
  console.log("");
}
