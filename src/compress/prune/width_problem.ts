/**
 * What every way to choose widths is handed.
 *
 * @module
 */

import type { Ladder, WidthBudget } from "./select.ts";
import type { Widths } from "./widths.ts";

/** Scores candidates. */
export interface WidthMeter {
  /** How good the network is with so many groups left of each bundle, more being better. The same widths are cheap to ask for again. */
  score(widths: Widths): Promise<number>;
  /** How many candidates it can score at the same time; 1 by default. */
  readonly together?: number;
}

/** Scores candidates, as many at the same time as the meter can; the scores come in the order of the candidates. */
export async function scoreAll(meter: WidthMeter, candidates: readonly Widths[]): Promise<number[]> {
  const scores: number[] = [], { together = 1 } = meter;
  for (let from = 0; from < candidates.length; from += together) {
    const round = candidates.slice(from, from + together);
    scores.push(...await Promise.all(round.map((widths) => meter.score(widths))));
  }
  return scores;
}

/** Which widths are searched, and for what. */
export interface WidthProblem {
  /** Groups of each bundle. */
  readonly whole: Widths;
  /** Widths that each bundle may have, and which of its groups go first. */
  readonly ladders: readonly Ladder[];
  /** What the network may cost. */
  readonly budget: WidthBudget;
  /** Who scores candidates, for the ways that need it. */
  readonly meter?: WidthMeter;
  /**
   * Measures costs that were asked for and only guessed, as those of a table of times; false where there were none. To be called before
   * costs are acted upon; where it says true, they are to be asked for anew.
   */
  readonly settle?: () => Promise<boolean>;
  /** Told what is measured next. */
  readonly onChoosing?: (what: string) => void;
}
