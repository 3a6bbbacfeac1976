/**
 * Times that are predicted from measured layers against those of the pruned networks, and channels ranked by milliseconds against channels
 * ranked by operations.
 *
 * `deno run -A bench/prune_latency.ts [--model yolo11n] [--size 320] [--shares 0.8,0.6,0.4] [--rounds 15]`
 *
 * For each share the model is cut twice to the same predicted time, by `l2`: scores divided by milliseconds, and by operations. All
 * networks are measured in turn, dispatch by dispatch, in rounds. Prints Markdown: predicted time, the sum of the least times of all
 * dispatches, and the median over rounds of the ratio to the whole network in the same round with its 95 % interval. Widths are random
 * enough without training, since times do not depend on weights.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { type BudgetKind, prune, settle } from "../src/compress/prune/mod.ts";
import { Session } from "../src/engine/session.ts";
import { createLayerMeter } from "../src/eval/layer_meter.ts";
import { isDifferent, ratioInRounds } from "../src/eval/time_ratio.ts";
import { adapterText } from "../src/gpu/device.ts";
import type { Graph } from "../src/graph/mod.ts";
import { createDiskMemo } from "../src/host/meter_memo.ts";
import { loadModel } from "../src/host/models.ts";
import { measuredLatency } from "../src/recipes/prune/latency.ts";

const { values: given } = parseArgs({
  options: {
    model: { type: "string", default: "yolo11n" },
    size: { type: "string", default: "320" },
    shares: { type: "string", default: "0.8,0.6,0.4" },
    rounds: { type: "string", default: "15" },
  },
});

/** A network with what is predicted of it. */
interface Entrant {
  readonly title: string;
  readonly graph: Graph;
  readonly gflops: number;
  readonly predicted: number;
}

const whole = await loadModel(given.model, { size: Number(given.size), batch: 1 });
const layerMeter = await createLayerMeter();
const { table, latency } = await measuredLatency(whole, { layerMeter, memo: createDiskMemo() });
const entrants: Entrant[] = [];
const cutTo = async (share: number, per: BudgetKind) => {
  const { graph, report } = await settle(
    table,
    () => prune(whole, { budget: { latency: share }, criterion: "l2", per, latency }),
  );
  if (entrants.length === 0) {
    const { gflops, latency } = report.before;
    entrants.push({ title: "whole", graph: whole, gflops, predicted: latency! });
  }
  const { gflops, latency: predicted } = report.after;
  entrants.push({ title: `${share} by ${per}`, graph, gflops, predicted: predicted! });
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
row(["cut", "GFLOPs", "predicted", "of whole", "least measured", "of whole", "ratio in a round, 95 %"]);
row(["---", "---", "---", "---", "---", "---", "---"]);
const undisturbed = least.map((times) => times.reduce((sum, one) => sum + one, 0));
for (const [i, { title, gflops, predicted }] of entrants.entries()) {
  const ratio = ratioInRounds(rounds.map((sums) => sums[i]), rounds.map((sums) => sums[0]));
  const interval = ratio.interval?.map((end) => end.toFixed(3)).join(" - ") ?? "too few rounds";
  const seen = isDifferent(ratio) ? ratio.median.toFixed(3) : "no difference seen";
  row([
    ...[title, gflops.toFixed(3), predicted.toFixed(1), (predicted / entrants[0].predicted).toFixed(3)],
    ...[undisturbed[i].toFixed(1), (undisturbed[i] / undisturbed[0]).toFixed(3)],
    i === 0 ? "" : `${seen} (${interval})`,
  ]);
}
