/**
 * A network without layers that it can do without, before any training: what is left of its mAP and of its time.
 *
 * `deno run -A bench/depth.ts [--model bccd-pruned] [--data bccd] [--split test] [--size 256] [--shares 0.7,0.64,0.6] [--rounds 21] [--out depth.json]`
 *
 * For each share of the layers the network is cut once, by what is left of it on 64 training pictures, with weights as they were and with
 * fitted ones. All networks are measured in turn, frame by frame, in rounds. Prints Markdown: layers, dispatches, operations, the device's
 * time of a frame beside the whole network's in the same round (median, and the middle half of the rounds), and the mAP on a part of the
 * data set. Scores of parts are remembered, as `prune` does.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { openDataset } from "../src/data/open.ts";
import { Detector } from "../src/detect/detector.ts";
import { detectorEntrant, measureInRounds } from "../src/eval/measure_rounds.ts";
import { adapterText, openSharedDevice } from "../src/gpu/device.ts";
import { analyze, type Graph } from "../src/graph/mod.ts";
import { createDiskMemo } from "../src/host/meter_memo.ts";
import { loadModel } from "../src/host/models.ts";
import { writeWhole } from "../src/host/whole_file.ts";
import { decodeImage } from "../src/image/codec/decode.ts";
import { countLayers } from "../src/passes/mod.ts";
import { planNetwork } from "../src/detect/plan_network.ts";
import { planningFor, storageForm } from "../src/engine/setup.ts";
import { recordHeader } from "../src/recipes/bench/record.ts";
import { benchPicture } from "../src/recipes/bench/subject.ts";
import { shortenOn } from "../src/recipes/prune/shorten.ts";
import { validate } from "../src/recipes/prune/validate.ts";
import type { Score } from "../src/train/loop/record.ts";

const { values: given } = parseArgs({
  options: {
    model: { type: "string", default: "bccd-pruned" },
    data: { type: "string", default: "bccd" },
    split: { type: "string", default: "test" },
    size: { type: "string", default: "256" },
    shares: { type: "string", default: "0.7,0.64,0.6" },
    rounds: { type: "string", default: "21" },
    out: { type: "string" },
  },
});

/** A network and what it finds. */
interface Entrant {
  readonly graph: Graph;
  /** Parts that are gone, in the order in which they went. */
  readonly removed: readonly string[];
  readonly asItWas: Score;
  /** With fitted weights; absent for the whole network. */
  readonly fitted?: Score;
}

const whole = await loadModel(given.model, { size: Number(given.size), batch: 1 });
const [training, judging] = await Promise.all(
  ["train", given.split].map((split) => openDataset(given.data, { split })),
);
const memo = createDiskMemo();

async function cutTo(layers: number): Promise<Entrant> {
  const say = (what: string) => console.error(what);
  const { graph, report } = await shortenOn(whole, training, { layers, memo, refit: false, onChoosing: say });
  const fitted = await shortenOn(whole, training, { layers, memo });
  return {
    ...{ graph, removed: report.removed.map(({ name }) => name) },
    ...{ asItWas: await validate(graph, judging), fitted: await validate(fitted.graph, judging) },
  };
}

const entrants: Entrant[] = [{ graph: whole, removed: [], asItWas: await validate(whole, judging) }];
for (const share of given.shares.split(",").map(Number)) entrants.push(await cutTo(share));

const [load] = Deno.loadavg(), device = await openSharedDevice();
const picture = await benchPicture(given.model), image = await decodeImage(picture.bytes, picture.name);
const times = await measureInRounds(
  entrants.map(({ graph }) => async () => detectorEntrant(await Detector.load(graph), image)),
  { rounds: Number(given.rounds), original: 0 },
);
const dispatches = (graph: Graph) =>
  planNetwork(graph, planningFor(device, storageForm(device, {}))).plan.dispatches.length;
const results = entrants.map(({ graph, ...entrant }, i) => ({
  ...{ layers: countLayers(graph), dispatches: dispatches(graph), gflops: analyze(graph).flops / 1e9 },
  ...{ ...entrant, times: times[i] },
}));
if (given.out !== undefined) {
  const header = await recordHeader(device.adapter, picture.name, {}, load);
  const record = {
    ...header,
    model: given.model,
    size: Number(given.size),
    data: given.data,
    split: given.split,
    results,
  };
  await writeWhole(given.out, `${JSON.stringify(record, null, 1)}\n`);
}

console.log(
  `${given.model} at ${given.size}, ${adapterText(device.adapter)}, ${given.rounds} rounds, ` +
    `mAP50 and mAP50-95 on ${judging.images.length} pictures of ${given.data} (${given.split})\n`,
);
const row = (cells: readonly string[]) => console.log(`| ${cells.join(" | ")} |`);
const figures = ({ map50, map }: Score) => `${map50.toFixed(3)}, ${map.toFixed(3)}`;
const titles = ["layers", "dispatches", "GFLOPs", "device ms", "of whole", "weights as they were", "fitted"];
row(titles);
row(titles.map(() => "---"));
for (const { layers, dispatches, gflops, times: { gpu }, asItWas, fitted } of results) {
  const { ratio } = gpu ?? {}, interval = ratio?.interval?.map((end) => end.toFixed(3)).join(", ");
  row([
    ...[String(layers), String(dispatches), gflops.toFixed(3), gpu?.median.toFixed(1) ?? "no timestamps"],
    ...[ratio ? `${ratio.median.toFixed(3)} [${interval}]` : "1", figures(asItWas), fitted ? figures(fitted) : ""],
  ]);
}
