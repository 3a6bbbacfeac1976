/**
 * One number for what each coupling group is worth: parts are reduced to one, and made comparable between layers.
 *
 * @module
 */

import type { ChannelBundle, CouplingGroup } from "../../graph/channels/mod.ts";
import { FeatherdetError, type Graph } from "../../graph/mod.ts";
import { CRITERIA, type CriterionContext, type CriterionName } from "./criteria.ts";

/** How the parts of a group become one number. */
export type ReductionName = "sum" | "mean" | "max";

const REDUCTIONS: Readonly<Record<ReductionName, (parts: readonly number[]) => number>> = {
  sum: (parts) => parts.reduce((a, b) => a + b, 0),
  mean: (parts) => parts.reduce((a, b) => a + b, 0) / Math.max(1, parts.length),
  max: (parts) => parts.reduce((a, b) => Math.max(a, b), 0),
};

/**
 * How scores of different layers are made comparable: not at all (`none`), by the mean of the layer's (`mean`), or by the mean of all
 * layers of the same structure (`structure`; Fang et al. 2024, "Isomorphic Pruning").
 */
export type NormalisationName = "none" | "mean" | "structure";

/** What channels are scored by. */
export interface ScoreOptions {
  /** Default `taylor`. */
  readonly criterion?: CriterionName;
  /** Default `sum`. */
  readonly reduction?: ReductionName;
  /** Default `none` for criteria whose scores are changes of one loss and for `random`, `mean` for the others. */
  readonly normalisation?: NormalisationName;
}

/** What two bundles have in common whose channels may be compared: kinds of the layers, not their names and widths. */
function kindOf({ members }: ChannelBundle, { constants }: Graph): string {
  return members.map(({ operator, role, axis, constant }) =>
    `${operator} ${role} ${axis} ${constants.get(constant)!.shape.slice(2).join("x")}`
  ).sort().join(", ");
}

/** The scores of all groups, by bundle and by group. Throws FeatherdetError for scores that are not finite. */
export function scoreGroups(
  bundles: readonly ChannelBundle[],
  context: CriterionContext,
  { criterion = "taylor", reduction = "sum", normalisation }: ScoreOptions,
): number[][] {
  if (!Object.hasOwn(CRITERIA, criterion)) {
    throw new FeatherdetError(`unknown criterion "${criterion}", there are ${Object.keys(CRITERIA).join(", ")}`);
  }
  if (!Object.hasOwn(REDUCTIONS, reduction)) {
    throw new FeatherdetError(`unknown reduction "${reduction}", there are ${Object.keys(REDUCTIONS).join(", ")}`);
  }
  const norm = normalisation ?? (CRITERIA[criterion].isLoss || criterion === "random" ? "none" : "mean");
  if (!["none", "mean", "structure"].includes(norm)) {
    throw new FeatherdetError(`unknown normalisation "${norm}", there are none, mean and structure`);
  }
  const scores = bundles.map((bundle) => CRITERIA[criterion].parts(bundle, context).map(REDUCTIONS[reduction]));
  bundles.forEach(({ groups }, b) => checkFinite(groups, scores[b], criterion));
  if (norm === "none") return scores;
  const keys = bundles.map((bundle, b) => norm === "mean" ? String(b) : kindOf(bundle, context.graph));
  const sums = new Map<string, { sum: number; count: number }>();
  scores.forEach((row, b) => {
    const entry = sums.get(keys[b]) ?? { sum: 0, count: 0 };
    sums.set(keys[b], { sum: row.reduce((a, x) => a + x, entry.sum), count: entry.count + row.length });
  });
  return scores.map((row, b) => {
    const { sum, count } = sums.get(keys[b])!;
    return sum > 0 ? row.map((x) => x * count / sum) : row;
  });
}

function checkFinite(groups: readonly CouplingGroup[], scores: readonly number[], criterion: string): void {
  const at = scores.findIndex((score) => !Number.isFinite(score));
  if (at < 0) return;
  const [{ node, operator }] = groups[at].members;
  throw new FeatherdetError(`a channel has the score ${scores[at]} by "${criterion}": its weights are not finite`, {
    node,
    operator,
  });
}
