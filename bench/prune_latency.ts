/**
 * Times that are predicted from measured layers against those of the pruned networks, and channels ranked by milliseconds against channels
 * ranked by operations.
 *
 * `deno run -A bench/prune_latency.ts [--model yolo11n] [--size 320] [--shares 0.8,0.6,0.4] [--rounds 15] [--data bccd]`
 *
 * For each share the model is cut twice to the same predicted time: scores divided by milliseconds, and by operations. All networks are
 * measured in turn, dispatch by dispatch, in rounds. Prints Markdown: predicted time, the sum of the least times of all dispatches, and
 * the median over rounds of the ratio to the whole network in the same round with its 95 % interval.
 *
 * Without `--data` the criterion is `l2`, and widths are random enough without training, since times do not depend on weights. With
 * `--data` it is `taylor`, statistics are measured anew after each cut, and the table has the mAP on the validation pictures too, before
 * any training. Below it stands the time that each ranking takes at equal mAP, interpolated between its cuts.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { type BudgetKind, prune, settle } from "../src/compress/prune/mod.ts";
import { openDataset } from "../src/data/open.ts";
import { Session } from "../src/engine/session.ts";
import { createLayerMeter } from "../src/eval/layer_meter.ts";
import { isDifferent, ratioInRounds } from "../src/eval/time_ratio.ts";
import { adapterText } from "../src/gpu/device.ts";
import type { Graph } from "../src/graph/mod.ts";
import { createDiskMemo } from "../src/host/meter_memo.ts";
import { loadModel } from "../src/host/models.ts";
import { measuredLatency } from "../src/recipes/prune/latency.ts";
import { pruneOn } from "../src/recipes/prune/one_shot.ts";
import { validate } from "../src/recipes/prune/validate.ts";
import type { Score } from "../src/train/loop/record.ts";

const { values: given } = parseArgs({
  options: {
    model: { type: "string", default: "yolo11n" },
    size: { type: "string", default: "320" },
    shares: { type: "string", default: "0.8,0.6,0.4" },
    rounds: { type: "string", default: "15" },
    data: { type: "string" },
  },
});

/** A network with what is predicted of it. */
interface Entrant {
  readonly title: string;
  readonly graph: Graph;
  readonly gflops: number;
  readonly predicted: number;
  /** What its channels were divided by; absent for the whole network. */
  readonly per?: BudgetKind;
  readonly score?: Score;
}

const whole = await loadModel(given.model, { size: Number(given.size), batch: 1 });
const layerMeter = await createLayerMeter();
const memo = createDiskMemo();
const { table, latency } = await measuredLatency(whole, { layerMeter, memo });
const pictures = given.data === undefined ? undefined : {
  training: await openDataset(given.data, { split: "train" }),
  validation: await openDataset(given.data, { split: "val" }),
};
const scored = (graph: Graph) => pictures && validate(graph, pictures.validation);
const entrants: Entrant[] = [];
const cutTo = async (share: number, per: BudgetKind) => {
  const how = { budget: { latency: share }, per };
  const { graph, report } = pictures
    ? await pruneOn(whole, pictures.training, { ...how, criterion: "taylor", layerMeter, memo, refit: false })
    : await settle(table, () => prune(whole, { ...how, latency, criterion: "l2" }));
  if (entrants.length === 0) {
    const { gflops, latency } = report.before;
    entrants.push({ title: "whole", graph: whole, gflops, predicted: latency!, score: await scored(whole) });
  }
  const { gflops, latency: predicted } = report.after;
  entrants.push({
    ...{ title: `${share} by ${per}`, graph, gflops, predicted: predicted!, per },
    score: await scored(graph),
  });
};
for (const share of given.shares.split(",").map(Number)) {
  await cutTo(share, "latency");
  await cutTo(share, "gflops");
}

const sessions: Session[] = [];
for (const { graph } of entrants) sessions.push(await Session.create(graph));
for (const session of sessions) await session.profile(1);
const rounds: number[][] = [], least: number[][] = sessions.map(() => []);
for (let round = 0; round < Number(given.rounds); round++) {
  const sums: number[] = new Array(sessions.length);
  for (let i = 0; i < sessions.length; i++) {
    // Each round begins with another one.
    const at = (i + round) % sessions.length;
    const times = (await sessions[at].profile(1)).map(({ milliseconds }) => milliseconds);
    sums[at] = times.reduce((sum, one) => sum + one, 0);
    least[at] = times.map((one, dispatch) => Math.min(one, least[at][dispatch] ?? Infinity));
  }
  rounds.push(sums);
}
const { device: { adapter } } = sessions[0];
for (const session of sessions) session.destroy();

console.log(`${given.model} at ${given.size}, ${adapterText(adapter)}, ${given.rounds} rounds, ms of the network\n`);
const row = (cells: readonly string[]) => console.log(`| ${cells.join(" | ")} |`);
const titles = ["cut", "GFLOPs", "predicted", "of whole", "least measured", "of whole", "ratio in a round, 95 %"];
const figuresOf = ({ score }: Entrant) => score ? [score.map50.toFixed(3), score.map.toFixed(3)] : [];
const heads = pictures ? [...titles, "mAP50", "mAP50-95"] : titles;
row(heads);
row(heads.map(() => "---"));
const undisturbed = least.map((times) => times.reduce((sum, one) => sum + one, 0));
for (const [i, entrant] of entrants.entries()) {
  const { title, gflops, predicted } = entrant;
  const ratio = ratioInRounds(rounds.map((sums) => sums[i]), rounds.map((sums) => sums[0]));
  const interval = ratio.interval?.map((end) => end.toFixed(3)).join(" - ") ?? "too few rounds";
  const seen = isDifferent(ratio) ? ratio.median.toFixed(3) : "no difference seen";
  row([
    ...[title, gflops.toFixed(3), predicted.toFixed(1), (predicted / entrants[0].predicted).toFixed(3)],
    ...[undisturbed[i].toFixed(1), (undisturbed[i] / undisturbed[0]).toFixed(3)],
    i === 0 ? "" : `${seen} (${interval})`,
    ...figuresOf(entrant),
  ]);
}

/** The least share of the whole network's time at which a ranking has this mAP, on straight lines between its cuts. */
function timeAt(map: number, per: BudgetKind): number | undefined {
  const line = entrants.flatMap(({ score, ...entrant }, i) => {
    return score && (entrant.per ?? per) === per ? [{ time: undisturbed[i] / undisturbed[0], map: score.map }] : [];
  }).sort((a, b) => a.time - b.time);
  for (const [i, right] of line.entries()) {
    const left = line[i - 1];
    if (left && left.map < map && map <= right.map) {
      return left.time + (right.time - left.time) * (map - left.map) / (right.map - left.map);
    }
  }
}

if (pictures) {
  console.log("\nshare of the whole network's time at equal mAP50-95\n");
  row(["mAP50-95 of the whole", "by latency", "by gflops", "ratio"]);
  row(["---", "---", "---", "---"]);
  for (const kept of [0.98, 0.95, 0.9, 0.8, 0.7, 0.5]) {
    const [byTime, byWork] = (["latency", "gflops"] as const).map((per) => timeAt(kept * entrants[0].score!.map, per));
    if (byTime === undefined || byWork === undefined) continue;
    row([kept.toFixed(2), byTime.toFixed(3), byWork.toFixed(3), (byTime / byWork).toFixed(3)]);
  }
}
