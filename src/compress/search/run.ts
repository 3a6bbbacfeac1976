/**
 * One search: candidates are proposed, brought within the budget, scored, and kept in a table from which the search goes on after a stop.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/mod.ts";
import {
  checkProblem,
  fitToBudget,
  FULL,
  fullTrials,
  lossesOf,
  randomOf,
  type SearchMethod,
  type SearchProblem,
  type Trial,
} from "./problem.ts";
import { type Point, pointKey } from "./space.ts";

/** How a search is run. */
export interface SearchOptions {
  /** The way to search. */
  readonly method: SearchMethod;
  /** Equal seeds propose equal candidates; 0 by default. */
  readonly seed?: number;
  /** How many full evaluations there are; part of one counts as its share. */
  readonly evaluations: number;
  /**
   * How many candidates are scored at the same time; 1 by default. All candidates of such a round are proposed before one of them is
   * scored, so another number makes another search.
   */
  readonly together?: number;
  /** What was tried before: of this run, which then goes on, or of others, which then count for nothing but are known. */
  readonly history?: readonly Trial[];
  /** Told of each trial before the next one begins, so that it can be kept. */
  readonly onTrial?: (trial: Trial, evaluations: number) => void | Promise<void>;
  /** Ends the search behind the trial that is under way. */
  readonly signal?: AbortSignal;
}

/** What a search found. */
export interface SearchResult {
  /** What was known before, and what was tried. */
  readonly history: readonly Trial[];
  /** The trials of this run, those before a stop included. */
  readonly trials: readonly Trial[];
  /** The one of the best score that was fully evaluated. */
  readonly best: Trial | undefined;
  /** `exhausted`: the method has no more candidates. */
  readonly reason: "finished" | "interrupted" | "exhausted";
}

/** Full evaluations that trials had. */
export const evaluationsOf = (trials: readonly Trial[]): number =>
  trials.reduce((sum, { fidelity }) => sum + fidelity, 0);

/** The fully evaluated trial of the best score; of equal ones the first. */
export function bestTrial(problem: Pick<SearchProblem, "aims">, trials: readonly Trial[]): Trial | undefined {
  let best: Trial | undefined, least = Infinity;
  for (const trial of fullTrials(trials)) {
    const [loss] = lossesOf(problem, trial);
    if (loss < least) [best, least] = [trial, loss];
  }
  return best;
}

/** The best score after each full evaluation: what curves show. Until the first full one there is none. */
export function bestSoFar(problem: Pick<SearchProblem, "aims">, trials: readonly Trial[]): (number | undefined)[] {
  const curve: (number | undefined)[] = [];
  let spent = 0, best: number | undefined;
  for (const { fidelity, values: [value] } of trials) {
    spent += fidelity;
    const isBetter = best === undefined || (problem.aims[0].better === "more" ? value > best : value < best);
    if (fidelity === FULL && isBetter) best = value;
    while (curve.length < Math.floor(spent + 1e-9)) curve.push(best);
    if (curve.length > 0) curve[curve.length - 1] = best;
  }
  return curve;
}

const knownKey = (point: Point, fidelity: number) => `${fidelity} ${pointKey(point)}`;

/**
 * Searches a problem. Equal seeds and histories give equal trials, wherever the search was stopped between them. A candidate that was
 * scored before is not scored again, but counts.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { SEARCH_METHODS } from "./methods.ts";
 * import { runSearch } from "./run.ts";
 * import { createSpace } from "./space.ts";
 * const space = createSpace([{ name: "x", kind: "other", values: [0, 1, 2, 3, 4] }]);
 * const problem = {
 *   space, basis: "an example", aims: [{ name: "score", better: "more" as const }],
 *   evaluate: ([x]: readonly number[]) => Promise.resolve([-((x - 3) ** 2)]),
 * };
 * const { best } = await runSearch(problem, { method: SEARCH_METHODS.random, evaluations: 30 });
 * assert.deepEqual(best?.point, [3]);
 * ```
 *
 * Throws FeatherdetError for a problem that cannot be searched, and for figures that are not finite.
 */
export async function runSearch(problem: SearchProblem, options: SearchOptions): Promise<SearchResult> {
  checkProblem(problem);
  const { method, seed = 0, evaluations, together = 1, signal, onTrial } = options;
  if (!Number.isInteger(together) || together < 1) {
    throw new FeatherdetError(
      `${together} candidates are to be scored at the same time, expected a whole number above 0`,
    );
  }
  const history = [...options.history ?? []];
  const isOwn = (trial: Trial) => trial.method === method.name && trial.seed === seed;
  const known = new Map(history.map((trial) => [knownKey(trial.point, trial.fidelity), trial.values]));
  const trials = history.filter(isOwn);
  const searcher = await method.start(problem, { seed, evaluations });
  const result = (reason: SearchResult["reason"]): SearchResult => {
    return { history, trials, best: bestTrial(problem, trials), reason };
  };
  try {
    while (evaluationsOf(trials) < evaluations - 1e-9) {
      if (signal?.aborted) return result("interrupted");
      // A run that was stopped within a round proposes the rest of it from what was known at its beginning.
      const first = trials.length - trials.length % together;
      const before = history.filter((trial) => !isOwn(trial) || trial.number < first);
      const round: { readonly number: number; readonly point: Point; readonly fidelity: number }[] = [];
      let spent = evaluationsOf(trials), isExhausted = false;
      for (let number = first; number < first + together && spent < evaluations - 1e-9; number++) {
        const random = randomOf(seed, number), proposal = await searcher.propose(before, random);
        isExhausted = proposal === undefined;
        if (proposal === undefined) break;
        const { fidelity = FULL } = proposal, point = fitToBudget(problem, proposal.point, random);
        if (number < trials.length) continue;
        round.push({ number, point, fidelity });
        spent += fidelity;
      }
      const scored = new Map<string, Promise<readonly number[]>>();
      const found = await Promise.all(round.map(({ point, fidelity }) => {
        const key = knownKey(point, fidelity), values = known.get(key);
        const figures = scored.get(key) ?? (values ? Promise.resolve(values) : problem.evaluate(point, fidelity));
        scored.set(key, figures);
        return figures;
      }));
      for (const [i, { number, point, fidelity }] of round.entries()) {
        const values = found[i];
        if (values.length !== problem.aims.length || values.some((value) => !Number.isFinite(value))) {
          throw new FeatherdetError(`candidate ${pointKey(point)} has the figures ${values.join(", ")}`);
        }
        known.set(knownKey(point, fidelity), values);
        const cost = problem.cost?.(point);
        const trial: Trial = {
          ...{ number, method: method.name, seed, point, fidelity, values },
          ...cost !== undefined && { cost },
        };
        history.push(trial);
        trials.push(trial);
        await onTrial?.(trial, evaluationsOf(trials));
      }
      if (isExhausted) return result("exhausted");
    }
    return result("finished");
  } finally {
    searcher.destroy?.();
  }
}
