/**
 * YOLO11n calibrated once: written in int8 by the preset and entirely, and with the precision of every layer chosen by measurement.
 *
 * `deno run -A bench/quantize_mixed.ts --out folder [--limit 256] [--measure 48] [--samples 2] [--scored 6] [--points 4] [--rounds 5]`
 *
 * Does what `deno task quantize` and `quantize --mixed --budget-map 0.004` do, from one calibration and with the effort that is asked for.
 * Writes `int8.onnx`, `all_int8.onnx`, `mixed.onnx` and `mixed.json`; with `--rated mixed.json` losses of layers are those of that file.
 *
 * @module
 */

import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadModel } from "../src/host/models.ts";
import { writeWhole } from "../src/host/whole_file.ts";
import {
  calibrate,
  type CalibrationSample,
  type LayerSensitivity,
  type MixedLayer,
  type MixedMeter,
  quantizeFromCalibration,
  searchMixedFromCalibration,
} from "../src/compress/quantize/mod.ts";
import { historyOf, withLastEntry } from "../src/compress/history.ts";
import { openDataset } from "../src/data/open.ts";
import { takeCalibrationSamples } from "../src/eval/calibration.ts";
import { createMixedMeter } from "../src/eval/mixed_meter.ts";
import { openSharedDevice } from "../src/gpu/device.ts";
import type { Graph } from "../src/graph/mod.ts";
import { saveOnnx } from "../src/onnx/mod.ts";
import { createSessionRunner } from "../src/engine/session_runner.ts";

const { values: given } = parseArgs({
  options: {
    out: { type: "string" },
    model: { type: "string", default: "yolo11n" },
    size: { type: "string", default: "640" },
    limit: { type: "string", default: "256" },
    measure: { type: "string", default: "48" },
    samples: { type: "string", default: "2" },
    scored: { type: "string", default: "6" },
    points: { type: "string", default: "4" },
    rounds: { type: "string", default: "5" },
    budget: { type: "string", default: "0.004" },
    rated: { type: "string" },
  },
});
const { out = "." } = given;
const [size, limit, measure, samples] = [given.size, given.limit, given.measure, given.samples].map(Number);

const started = performance.now();
const say = (line: string) => console.error(`${((performance.now() - started) / 1000).toFixed(0)} s: ${line}`);

const graph = await loadModel(given.model, { batch: 1, size });
const runners = { f32: createSessionRunner(), f16: createSessionRunner({ precision: "f16" }) };
const data = await openDataset("coco", { split: "train", limit });
const first: CalibrationSample[] = [];
async function* keepFirst() {
  for await (const sample of takeCalibrationSamples(data, { size })) {
    if (first.length < samples) first.push(sample);
    yield sample;
  }
}
const calibrated = await calibrate(graph, keepFirst(), { runner: runners.f32 });
const common = {
  ...{ by: "featherdet quantize", from: graph.name, calibration: `coco train, ${limit} pictures at ${size}x${size}` },
  ...{ observer: "mse", activations: "asymmetric", weights: "channel", joins: "shared" },
};

/** Writes a network whose history says of its last entry what the library does not know. */
async function write(name: string, made: Graph, also: object): Promise<void> {
  const entry = historyOf(made).at(-1)!;
  const dataset = { name: "coco", split: "train", pictures: limit };
  const noted = withLastEntry(made, { ...entry, dataset, options: { ...entry.options, ...also } });
  await writeWhole(join(out, `${name}.onnx`), saveOnnx(noted));
  say(`${name}.onnx is written`);
}

for (const [name, float] of [["int8", "yolo11"], ["all_int8", "none"]] as const) {
  await write(name, quantizeFromCalibration(calibrated, { float }).graph, { float });
}

const { adapter } = await openSharedDevice();
const meter = createMixedMeter(await openDataset("coco", { split: "train", limit: measure }), {
  rounds: Number(given.rounds),
});
const spoken: MixedMeter = {
  times: (variants) => meter.times(variants),
  async map(variant) {
    const map = await meter.map(variant);
    say(`mAP ${map.toFixed(4)}`);
    return map;
  },
};
const budget = { map: Number(given.budget) };
/** What an earlier run says of each layer alone. */
const rated: LayerSensitivity[] | undefined = given.rated === undefined
  ? undefined
  : JSON.parse(await Deno.readTextFile(given.rated)).report.layers.map((layer: MixedLayer) => {
    const { name, operator, fixed, loss, mapLoss } = layer;
    return { name, operator, covered: fixed, sqnr: null, loss, ...(mapLoss !== null && { mapLoss }) };
  });
const [scored, points] = [given.scored, given.points].map(Number);
const found = await searchMixedFromCalibration(calibrated, first, {
  ...{ budget, meter: spoken, runners, scored, points, onStep: say },
  sensitivity: rated,
});
for (const runner of Object.values(runners)) runner.destroy();
const { report, storage } = found;
const quantization = {
  ...common,
  ...{ by: "featherdet quantize --mixed", measured: `coco train, ${measure} pictures`, budget, storage },
  adapter: adapter.name,
  int8: report.layers.filter(({ precision }) => precision === "int8").map(({ name }) => name),
};
await write("mixed", found.graph, { adapter: adapter.name, measured: quantization.measured });
const record = { adapter: adapter.name, storage, report, quantization };
await writeWhole(join(out, "mixed.json"), `${JSON.stringify(record, null, 1)}\n`);
for (const { title, device, map } of report.points) {
  console.log(`${title}: ${device.toFixed(1)} ms on the device, mAP ${map.toFixed(4)}`);
}
console.log(`chosen: ${report.chosen.title}`);
