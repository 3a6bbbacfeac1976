/**
 * What `prune` says: the widths of every layer, the shares that are left, the rounds.
 *
 * @module
 */

import type { LayerCosts, MaskReport, PruneReport } from "../compress/prune/mod.ts";
import type { SparsifyRound } from "../recipes/prune/mask_finetune.ts";
import type { PruneRound } from "../recipes/prune/prune_finetune.ts";
import type { PrunedModel, SparsifiedModel } from "../recipes/prune/prune_model.ts";

const percent = (part: number, whole: number) => `${(100 * part / whole).toFixed(1)} %`;

const score = ({ map50, map }: { readonly map50: number; readonly map: number }) =>
  `mAP50 ${map50.toFixed(3)}, mAP50-95 ${map.toFixed(3)}`;

/** Rows under their titles, in columns. */
function aligned(titles: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [titles, ...rows];
  const widths = titles.map((_, column) => Math.max(...all.map((row) => row[column].length)));
  return all.map((row) =>
    row.map((cell, column) => column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])).join("  ")
  );
}

/** A line a layer: channels that it reads and makes, before and after, its operations, and its milliseconds where it was timed. */
export function layerTable({ layers }: PruneReport): string[] {
  const isTimed = layers.some(({ before }) => before.milliseconds !== undefined);
  // What is no dispatch of its own, such as a layer within attention, has no time.
  const time = ({ milliseconds }: LayerCosts) => milliseconds?.toFixed(3) ?? "-";
  const rows = layers.map(({ name, before, after }) => [
    name,
    `${before.inputs} -> ${before.outputs}`,
    after.outputs === 0 ? "gone" : `${after.inputs} -> ${after.outputs}`,
    before.gflops.toFixed(4),
    after.gflops.toFixed(4),
    percent(after.gflops, before.gflops),
    ...(isTimed ? [time(before), time(after)] : []),
  ]);
  const titles = ["layer", "channels", "left", "GFLOPs", "left", "share", ...(isTimed ? ["ms", "left"] : [])];
  return aligned(titles, rows);
}

/** A line a layer: its weight, zeros, and blocks of zeros. */
export function zerosTable({ layers }: MaskReport): string[] {
  const rows = layers.map(({ name, shape, elements, zeros, zeroBlocks }) => [
    name,
    shape.join("x"),
    String(zeros),
    percent(zeros, elements),
    percent(zeroBlocks, 1),
  ]);
  return aligned(["layer", "weight", "zeros", "share", "4x4 blocks"], rows);
}

/** How many weights are zero. */
export function zerosText({ report, scores }: SparsifiedModel): string {
  const { zeros = 0, elements = 0 } = report ?? {};
  const told = `${zeros} of ${elements} weights (${
    percent(zeros, elements)
  }) in ${report?.layers.length} layers are zero`;
  return scores ? `${told}; ${score(scores.after)} (before: ${score(scores.before)})` : told;
}

/** A line for a round of zeros: after its cut, and again when its training is done. */
export function zerosRoundText({ round, sparsity, afterCut, score: best, epochs, seconds }: SparsifyRound): string {
  const told = `round ${round}: ${percent(sparsity, 1)} zeros`;
  return best
    ? `${told}: ${score(best)} after ${epochs} epochs, ${seconds!.toFixed(0)} s`
    : `${told}: ${score(afterCut)} before training`;
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
export function roundText(
  { round, left, removed, parts, afterCut, score: best, epochs, seconds }: PruneRound,
): string {
  const time = left.latency === undefined ? "" : `, ${left.latency.toFixed(1)} ms predicted`;
  const costs = `${left.gflops.toFixed(3)} GFLOPs, ${left.parameters} parameters${time}`;
  return best
    ? `round ${round}: ${costs}: ${score(best)} after ${epochs} epochs, ${seconds!.toFixed(0)} s`
    : `round ${round}: ${parts ? `${parts.length} parts and ` : ""}${removed} groups removed, ${costs} left: ${
      score(afterCut)
    } before training`;
}
