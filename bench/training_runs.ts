/**
 * Keeps what training runs were and how they went, and draws them together.
 *
 * `deno run -A bench/training_runs.ts --out data/results/bccd/fine-tuning --title "YOLO11n on BCCD" scratch=runs/a tuned=runs/b`
 *
 * Takes folders of `deno task train`. Writes OUT.json: for each run its label, settings, adapter where it is known, and epochs (the
 * steps of `log.jsonl` are left out); and OUT.svg: the curves of one run, or the mAP of several.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { join } from "node:path";
import { openSharedDevice } from "../src/gpu/device.ts";
import { writeWhole } from "../src/host/whole_file.ts";
import { drawRuns, drawTraining, type TrainingEpoch } from "../src/report/plot/training.ts";

const { values: { out, title }, positionals } = parseArgs({
  options: { out: { type: "string" }, title: { type: "string", default: "Training" } },
  allowPositionals: true,
});
if (out === undefined || positionals.length === 0) {
  console.error("usage: bench/training_runs.ts --out FILE [--title T] LABEL=FOLDER [LABEL=FOLDER ...]");
  Deno.exit(2);
}

interface Event {
  readonly event: string;
}

async function readRun(argument: string) {
  const [label, folder] = argument.split("=");
  const lines = (await Deno.readTextFile(join(folder, "log.jsonl"))).trim().split("\n");
  const events: Event[] = lines.map((line) => JSON.parse(line));
  const of = (name: string) => events.filter(({ event }) => event === name);
  const [start] = of("start");
  return { label, start, epochs: of("epoch") as unknown as TrainingEpoch[], end: of("end").at(-1) };
}

const runs = await Promise.all(positionals.map(readRun));
const { adapter } = await openSharedDevice();
const subtitle = `${adapter.name}${adapter.software ? ", a software adapter" : ""}`;
const svg = runs.length === 1 ? drawTraining(runs[0].epochs, { title, subtitle }) : drawRuns(runs, { title, subtitle });
await writeWhole(`${out}.svg`, svg);
await writeWhole(`${out}.json`, `${JSON.stringify({ title, adapter, runs }, null, 1)}\n`);
console.log(`written: ${out}.svg, ${out}.json`);
