/**
 * f32, f16, int8 and mixed assignments of one detector side by side: measured in turn in one run, per layer and in total.
 *
 * `deno run -A bench/precision_latency.ts --float yolo11n --int8 int8.onnx --int8 int8.onnx:f16 --mixed mixed.onnx --out latency.json [--size 640] [--rounds 15]`
 *
 * Files are those that `deno task quantize` writes; `--int8` and `--mixed` may be given several times. What of them is float is stored in
 * the form that follows the file's name, else in the one that `quantize --mixed` chose, else in f32. Prints Markdown: median and p90 in
 * milliseconds with ratios to f32, and the least times of all dispatches together, which a busy machine changes least.
 *
 * @module
 */

import { adapterText } from "../src/gpu/device.ts";
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { loadModel } from "../src/host/models.ts";
import { writeWhole } from "../src/host/whole_file.ts";
import { decodeImage } from "../src/image/codec/decode.ts";
import { Detector } from "../src/detect/detector.ts";
import { type FrameTimes, measureFrameTimes } from "../src/eval/frame_times.ts";
import { type Entrant, entrantOf, givenFile } from "./entrant.ts";
import { recordHeader } from "../src/recipes/bench/record.ts";
import { benchPicture } from "../src/recipes/bench/subject.ts";

const { values: given } = parseArgs({
  options: {
    float: { type: "string", default: "yolo11n" },
    int8: { type: "string", multiple: true, default: [] },
    mixed: { type: "string", multiple: true, default: [] },
    size: { type: "string" },
    rounds: { type: "string", default: "15" },
    layers: { type: "string", default: "20" },
    out: { type: "string" },
  },
});

const float = await loadModel(given.float, { batch: 1 });
const entrants: Entrant[] = [
  { title: "f32", graph: float, precision: "f32" },
  { title: "f16", graph: float, precision: "f16" },
];
for (const one of [...given.int8, ...given.mixed].map(givenFile)) {
  entrants.push(entrantOf(one, await loadModel(one.file, { batch: 1 })));
}

const [load] = Deno.loadavg();
const size = given.size === undefined ? undefined : Number(given.size);
const detectors = [];
for (const { graph, precision } of entrants) {
  detectors.push(await Detector.load(graph, { precision, inputSize: size, separate: true }));
}
const picture = await benchPicture(given.float);
const image = await decodeImage(picture.bytes, picture.name);
const times = await measureFrameTimes(detectors, image, Number(given.rounds));
const { device: { adapter }, inputSize } = detectors[0];
for (const detector of detectors) detector.destroy();

const record = {
  ...await recordHeader(adapter, picture.name, {}, load),
  model: basename(given.float),
  size: inputSize[0],
  results: entrants.map(({ title, precision }, i) => ({ title, precision, ...times[i] })),
};
if (given.out !== undefined) await writeWhole(given.out, `${JSON.stringify(record, null, 1)}\n`);

const row = (cells: readonly string[]) => console.log(`| ${cells.join(" | ")} |`);
const both = ({ median, p90 }: { median: number; p90: number }, digits = 1) =>
  `${median.toFixed(digits)} / ${p90.toFixed(digits)}`;
console.log(
  `${record.model} at ${record.size}, ${adapterText(adapter)}, ${given.rounds} rounds, ` +
    `median / p90 in ms\n`,
);
/** The least times of all dispatches together: a frame that nothing disturbs. */
const undisturbed = ({ dispatches }: FrameTimes) => dispatches.reduce((sum, { min }) => sum + min, 0);
row(["", "picture to boxes", "f32 over it", "on the device", "f32 over it", "undisturbed", "f32 over it"]);
row(["---", "---", "---", "---", "---", "---", "---"]);
for (const [i, one] of times.entries()) {
  const ratio = (pick: (times: FrameTimes) => number) => (pick(times[0]) / pick(one)).toFixed(2);
  row([
    ...[entrants[i].title, both(one.detect), ratio(({ detect }) => detect.median)],
    ...[both(one.device), ratio(({ device }) => device.median), undisturbed(one).toFixed(1), ratio(undisturbed)],
  ]);
}

/** Time of all dispatches of a name: a layer's own. */
function layerTime({ dispatches }: FrameTimes, name: string) {
  const own = dispatches.filter((one) => one.name === name);
  const sum = (pick: "median" | "p90") => own.reduce((total, one) => total + one[pick], 0);
  return { median: sum("median"), p90: sum("p90") };
}

const names = [...new Set(times[0].dispatches.map(({ name }) => name))];
const slowest = names.sort((a, b) => layerTime(times[0], b).median - layerTime(times[0], a).median)
  .slice(0, Number(given.layers));
console.log();
row(["layer", ...entrants.map(({ title }) => title)]);
row(["---", ...entrants.map(() => "---")]);
for (const name of slowest) row([name, ...times.map((one) => both(layerTime(one, name), 2))]);
