/**
 * A model of this adapter's times: measures networks dispatch by dispatch, fits the model, and checks it with networks that it never saw.
 *
 * `deno run -A bench/adapter.ts --measure training [--part 1/4] [--rounds 9] [--setting "one thread"]` measures the networks of
 * `bench/adapter_networks.ts` and adds them to the record in `bench/results/`; `--measure unseen` those that the model is checked with, in a
 * record of their own. `--fit` fits the model to the first record and writes it where `predict-latency --device this` finds it. `--check` prints how far
 * it is off on the second. Without any of them all are done, in that order.
 *
 * On a software adapter of several threads measure one: `LP_NUM_THREADS=1 taskset -c 1 chrt -r 5 deno run -A bench/adapter.ts ...`. Times are
 * the fastest of the rounds; the networks of a part are measured in turn. `--part` takes one part of several, for machines that are quiet for a
 * minute at a time.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { openSharedDevice } from "../src/gpu/device.ts";
import { WORK_NAMES } from "../src/hardware/adapter/describe.ts";
import { measureNetworks } from "../src/hardware/adapter/measure.ts";
import { type AdapterModel, fitAdapter, unseenNetworks } from "../src/hardware/adapter/model.ts";
import { summarizeUnseen, type UnseenNetwork } from "../src/hardware/adapter/unseen.ts";
import { type AdapterMeasurements, measurementsFault, mergeMeasurements } from "../src/hardware/adapter/record.ts";
import { adapterModelFile, adapterSlug, readAdapterModel, writeAdapterModel } from "../src/host/adapter_models.ts";
import { TRAINING, UNSEEN } from "./adapter_networks.ts";

const { values } = parseArgs({
  options: {
    measure: { type: "string" },
    part: { type: "string", default: "1/1" },
    rounds: { type: "string", default: "9" },
    setting: { type: "string", default: "" },
    fit: { type: "boolean", default: false },
    check: { type: "boolean", default: false },
    into: { type: "string" },
  },
});
const all = values.measure === undefined && !values.fit && !values.check;
const { adapter } = await openSharedDevice();
const LISTS = { training: TRAINING, unseen: UNSEEN };

/** Networks that are measured in turn. */
const TOGETHER = 5;

const fileOf = (list: string) => new URL(`results/adapter-${adapterSlug(adapter.name)}-${list}.json`, import.meta.url);

async function readRecord(list: string): Promise<AdapterMeasurements | undefined> {
  let text: string;
  try {
    text = await Deno.readTextFile(fileOf(list));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  const record: AdapterMeasurements = JSON.parse(text), fault = measurementsFault(record);
  if (fault !== undefined) throw new Error(`${fileOf(list).pathname}: ${fault}`);
  return record;
}

/** A record with a line a dispatch, so that it can be read and compared. */
function recordText({ networks, ...rest }: AdapterMeasurements): string {
  const lines = networks.map(({ dispatches, ...network }) => {
    const rows = dispatches.map((one) => `   ${JSON.stringify(one)}`).join(",\n");
    return `  ${JSON.stringify(network).slice(0, -1)},"dispatches":[\n${rows}\n  ]}`;
  });
  return `${JSON.stringify(rest, null, 1).slice(0, -2)},\n "networks": [\n${lines.join(",\n")}\n ]\n}\n`;
}

async function measure(list: keyof typeof LISTS): Promise<void> {
  const [part, parts] = values.part.split("/").map(Number), networks = LISTS[list];
  const from = Math.round((part - 1) * networks.length / parts), to = Math.round(part * networks.length / parts);
  for (let first = from; first < to; first += TOGETHER) {
    const some = networks.slice(first, Math.min(to, first + TOGETHER));
    const made = [];
    for (const { make, ...network } of some) made.push({ ...network, graph: await make() });
    const found = await measureNetworks(made, { rounds: Number(values.rounds), setting: values.setting });
    const before = await readRecord(list);
    const record = before ? mergeMeasurements(before, found) : found;
    await Deno.writeTextFile(fileOf(list), recordText(record));
    for (const { name, frame, dispatches } of found.networks) {
      const device = dispatches.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
      console.log(
        `${name}: device ${device.toFixed(2)} ms, frame ${frame.min.toFixed(2)} ms, ${dispatches.length} dispatches`,
      );
    }
  }
}

function table(unseen: readonly UnseenNetwork[]): void {
  const percent = (share: number) => `${share > 0 ? "+" : ""}${(100 * share).toFixed(1)} %`;
  console.log("| network | dispatches, ms | predicted | off | frame, ms | predicted | off |");
  console.log("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
  for (const { name, device, predictedDevice, frame, predictedFrame } of unseen) {
    const cells = [
      ...[device.toFixed(1), predictedDevice.toFixed(1), percent(predictedDevice / device - 1)],
      ...[frame.toFixed(1), predictedFrame.toFixed(1), percent(predictedFrame / frame - 1)],
    ];
    console.log(`| ${name} | ${cells.join(" | ")} |`);
  }
  console.log("");
  for (const what of ["device", "frame"] as const) {
    const { networks, median, worst, worstName, rank, band } = summarizeUnseen(unseen, what);
    console.log(
      `${what === "device" ? "dispatches" : "whole frames"}: ${networks} networks, median ${percent(median)}, worst ${
        percent(worst)
      } (${worstName}), rank correlation ${rank.toFixed(4)}, nine of ten within x ${band.toFixed(3)}`,
    );
  }
}

/** What each part of the model is worth: the same networks with less of it, and with multiply-accumulates alone. */
function ablations(model: AdapterModel, record: AdapterMeasurements, training: AdapterMeasurements): void {
  const { costs } = model, macs = WORK_NAMES.indexOf("macs");
  const paces = training.networks.map(({ dispatches }) => {
    const sum = (of: (one: typeof dispatches[number]) => number) => dispatches.reduce((all, one) => all + of(one), 0);
    return sum(({ milliseconds }) => milliseconds) / sum(({ work }) => work[macs]);
  }).sort((a, b) => a - b);
  const pace = WORK_NAMES.map((_, i) => i === macs ? paces[paces.length >> 1] : 0);
  const lesser: readonly [string, Pick<AdapterModel, "measured" | "costs">][] = [
    ["the model", model],
    ["without times of measured dispatches", { measured: {}, costs }],
    ["costs by shader alone", { measured: {}, costs: { ...costs, kinds: {} } }],
    ["the same costs for all dispatches", { measured: {}, costs: { ...costs, kinds: {}, shaders: {} } }],
    ["multiply-accumulates alone", { measured: {}, costs: { all: pace, shaders: {}, kinds: {} } }],
  ];
  console.log("\n| dispatches predicted by | median | worst | rank correlation |\n| --- | ---: | ---: | ---: |");
  for (const [what, less] of lesser) {
    const found = unseenNetworks({ ...less, frame: model.frame }, record);
    const { median, worst, rank } = summarizeUnseen(found, "device");
    console.log(`| ${what} | ${(100 * median).toFixed(1)} % | ${(100 * worst).toFixed(0)} % | ${rank.toFixed(3)} |`);
  }
}

for (const list of ["training", "unseen"] as const) if (all || values.measure === list) await measure(list);
if (all || values.fit) {
  const record = await readRecord("training");
  if (!record) throw new Error("nothing was measured: run with --measure training first");
  const model = fitAdapter(record);
  console.log(`left out in turn of ${record.networks.length} networks, on ${record.adapter}:\n`);
  table(model.unseen);
  const into = values.into ?? adapterModelFile(adapter.name);
  await writeAdapterModel(model, into);
  console.log(`\nwritten: ${into}`);
}
if (all || values.check) {
  const model = await readAdapterModel(adapter.name), record = await readRecord("unseen");
  if (!record) throw new Error("nothing was measured: run with --measure unseen first");
  console.log(`\nnetworks that the model never saw, on ${record.adapter}, ${record.setting}, ${record.date}:\n`);
  table(unseenNetworks(model, record));
  const training = await readRecord("training");
  if (training) ablations(model, record, training);
}
