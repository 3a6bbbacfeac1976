/**
 * What `prune` says: the widths of every layer, the shares that are left, the rounds.
 *
 * @module
 */

import type { PruneReport } from "../compress/prune/mod.ts";
import type { PruneRound } from "../recipes/prune/prune_finetune.ts";
import type { PrunedModel } from "../recipes/prune/prune_model.ts";

const percent = (part: number, whole: number) => `${(100 * part / whole).toFixed(1)} %`;

const score = ({ map50, map }: { readonly map50: number; readonly map: number }) =>
  `mAP50 ${(100 * map50).toFixed(2)}, mAP50-95 ${(100 * map).toFixed(2)}`;

/** A line a layer: channels that it reads and makes, before and after, and its operations. */
export function layerTable({ layers }: PruneReport): string[] {
  const rows = layers.map(({ name, before, after }) => [
    name,
    `${before.inputs} -> ${before.outputs}`,
    `${after.inputs} -> ${after.outputs}`,
    before.gflops.toFixed(4),
    after.gflops.toFixed(4),
    percent(after.gflops, before.gflops),
  ]);
  const all = [["layer", "channels", "left", "GFLOPs", "left", "share"], ...rows];
  const widths = all[0].map((_, column) => Math.max(...all.map((row) => row[column].length)));
  return all.map((row) =>
    row.map((cell, column) => column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])).join("  ")
  );
}

/** What is left of the model. */
export function shareText({ before, after, scores }: PrunedModel): string {
  const costs = [
    `${percent(after.gflops, before.gflops)} of the operations`,
    `${percent(after.parameters, before.parameters)} of the parameters`,
    `${percent(after.bytes, before.bytes)} of the bytes`,
    ...(before.latency !== undefined && after.latency !== undefined
      ? [
        `${after.latency.toFixed(1)} of ${before.latency.toFixed(1)} ms (${
          percent(after.latency, before.latency)
        }) predicted`,
      ]
      : []),
  ].join(", ");
  return scores ? `${costs} left; ${score(scores.after)} (before: ${score(scores.before)})` : `${costs} left`;
}

/** A line for a round: after its cut, and again when its training is done. */
export function roundText({ round, left, removed, afterCut, score: best, epochs, seconds }: PruneRound): string {
  const time = left.latency === undefined ? "" : `, ${left.latency.toFixed(1)} ms predicted`;
  const costs = `${left.gflops.toFixed(3)} GFLOPs, ${left.parameters} parameters${time}`;
  return best
    ? `round ${round}: ${costs}: ${score(best)} after ${epochs} epochs, ${seconds!.toFixed(0)} s`
    : `round ${round}: ${removed} groups removed, ${costs} left: ${score(afterCut)} before training`;
}
