/**
 * A sieve before a search: of several proposals the one of the best cheap score is evaluated.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/mod.ts";
import { fitToBudget, type Proposal, type SearchMethod } from "./problem.ts";
import type { Point } from "./space.ts";

/** How proposals are sifted. */
export interface SieveOptions {
  /** What costs nothing to ask, more being better. */
  readonly score: (point: Point) => number;
  /** Its name, which stands in tables behind that of the method. */
  readonly name: string;
  /** How many proposals are compared; 8 by default. */
  readonly of?: number;
}

/**
 * A way to search that evaluates only the best of several proposals of another, each brought within the budget before it is scored. Methods
 * that propose the same whatever the random numbers are gain nothing by it.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { SEARCH_METHODS } from "./methods.ts";
 * import { runSearch } from "./run.ts";
 * import { sieved } from "./sieve.ts";
 * import { createSpace } from "./space.ts";
 * const space = createSpace([{ name: "x", kind: "other", values: Array.from({ length: 99 }, (_, i) => i) }]);
 * const problem = {
 *   space, basis: "an example", aims: [{ name: "score", better: "more" as const }],
 *   evaluate: ([x]: readonly number[]) => Promise.resolve([x]),
 * };
 * const method = sieved(SEARCH_METHODS.random, { name: "entropy", score: ([x]) => x, of: 16 });
 * const { best } = await runSearch(problem, { method, evaluations: 4 });
 * assert.ok(best!.point[0] > 80);
 * ```
 *
 * Throws FeatherdetError for fewer than two proposals.
 */
export function sieved(method: SearchMethod, { score, name, of = 8 }: SieveOptions): SearchMethod {
  if (!Number.isInteger(of) || of < 2) {
    throw new FeatherdetError(`a sieve compares ${of} proposals, expected a whole number above 1`);
  }
  const label = `${method.name}+${name}`;
  return {
    name: label,
    async start(problem, options) {
      const inner = await method.start(problem, options);
      return {
        ...inner.destroy && { destroy: () => inner.destroy!() },
        async propose(history, random) {
          // The inner method knows its own trials by its own name.
          const own = history.map((trial) => trial.method === label ? { ...trial, method: method.name } : trial);
          let best: Proposal | undefined, most = -Infinity;
          for (let i = 0; i < of; i++) {
            const proposal = await inner.propose(own, random);
            if (proposal === undefined) break;
            const point = fitToBudget(problem, proposal.point, random), value = score(point);
            if (value > most) [best, most] = [{ ...proposal, point }, value];
          }
          return best;
        },
      };
    },
  };
}
