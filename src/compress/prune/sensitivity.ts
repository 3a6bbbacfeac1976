/**
 * How much each layer's channels matter, measured: each bundle alone is made narrower, and the network is scored.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/mod.ts";
import type { Ladder } from "./select.ts";
import { scoreAll, type WidthProblem } from "./width_problem.ts";
import type { Widths } from "./widths.ts";

/** Shares of a bundle's groups that are left when it is measured. */
export const SENSITIVITY_SHARES: readonly number[] = [0.75, 0.5, 0.25];

/** Scores of the network with one bundle narrower, at falling widths. */
export type BundleSensitivity = readonly { readonly width: number; readonly score: number }[];

/** What a scan found. */
export interface Sensitivities {
  /** Score of the whole network. */
  readonly whole: number;
  /** By bundle; empty for one that stays whole. */
  readonly bundles: readonly BundleSensitivity[];
}

/** Of the widths that a bundle may have, those nearest to the shares, falling. */
function widthsOf({ steps }: Ladder, whole: number): number[] {
  if (steps.length === 0) return [];
  const nearest = SENSITIVITY_SHARES.map((share) =>
    steps.reduce((best, one) => Math.abs(one - share * whole) < Math.abs(best - share * whole) ? one : best)
  );
  return [...new Set(nearest)].sort((a, b) => b - a);
}

/** Scores the network with each bundle alone at about 75, 50 and 25 % of its groups. Throws FeatherdetError for a score that is none. */
export async function scanSensitivity(
  { whole, ladders, meter, onChoosing }: WidthProblem,
): Promise<Sensitivities> {
  const scoresOf = async (candidates: readonly Widths[]) => {
    const found = await scoreAll(meter!, candidates), wrong = found.find((score) => !Number.isFinite(score));
    if (wrong === undefined) return found;
    throw new FeatherdetError(`a candidate has the score ${wrong}: its outputs are not finite`);
  };
  onChoosing?.("score of the whole network");
  const [base] = await scoresOf([whole]);
  const bundles: BundleSensitivity[] = [];
  for (const [bundle, ladder] of ladders.entries()) {
    const widths = widthsOf(ladder, whole[bundle]);
    if (widths.length > 0) onChoosing?.(`sensitivity of bundle ${bundle + 1} of ${ladders.length}`);
    const scores = await scoresOf(widths.map((width) => whole.with(bundle, width)));
    bundles.push(widths.map((width, i) => ({ width, score: scores[i] })));
  }
  return { whole: base, bundles };
}

/**
 * What the score loses when a bundle alone has a width: never less than at larger widths, since noise of few pictures is no gain; linear
 * between measured widths, and beyond the least of them as steep as before it.
 */
export function lossAt({ whole: base, bundles }: Sensitivities, bundle: number, whole: number, width: number): number {
  let from = { width: whole, loss: 0 }, slope = 0;
  for (const point of bundles[bundle]) {
    const to = { width: point.width, loss: Math.max(from.loss, base - point.score) };
    slope = (to.loss - from.loss) / (from.width - to.width);
    if (width >= to.width) return from.loss + slope * (from.width - width);
    from = to;
  }
  return from.loss + slope * (from.width - width);
}
