/**
 * How wide each layer is left: one interface for all ways to choose it. A way is a row of `WIDTH_METHODS`; another search joins by a name and a row.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/mod.ts";
import { chooseByKnapsack } from "./knapsack.ts";
import { chooseByNetAdapt } from "./netadapt.ts";
import { checkBudget, rankWidths, type SelectOptions } from "./select.ts";
import { chooseBySearch } from "../search/width_space.ts";
import type { WidthProblem } from "./width_problem.ts";
import type { Widths } from "./widths.ts";

/** A way to choose widths. */
export interface WidthMethod {
  /** Whether candidates have to be scored, so that the problem needs a meter. */
  readonly needsMeter: boolean;
  /** Chooses widths, the best that it finds within the budget; those of least cost where it finds none. */
  readonly choose: (problem: WidthProblem, options: Pick<SelectOptions, "ranking" | "per">) => Promise<Widths>;
}

/** Names of the ways to choose widths. */
export type WidthMethodName = "criterion" | "knapsack" | "netadapt" | "random" | "tpe" | "evolution" | "qubo";

/**
 * The ways: by what channels are worth; by a knapsack over measured sensitivities; in greedy steps that are scored; by searches that score
 * whole candidates.
 */
export const WIDTH_METHODS: Readonly<Record<WidthMethodName, WidthMethod>> = {
  criterion: {
    needsMeter: false,
    choose: async (problem, options) => {
      for (;;) {
        const widths = rankWidths(problem, options);
        if (!await problem.settle?.()) return widths;
      }
    },
  },
  knapsack: { needsMeter: true, choose: chooseByKnapsack },
  netadapt: { needsMeter: true, choose: chooseByNetAdapt },
  random: { needsMeter: true, choose: chooseBySearch("random") },
  tpe: { needsMeter: true, choose: chooseBySearch("tpe") },
  evolution: { needsMeter: true, choose: chooseBySearch("evolution") },
  qubo: { needsMeter: true, choose: chooseBySearch("qubo") },
};

/** What `--method` takes. */
export const WIDTH_METHOD_NAMES: readonly WidthMethodName[] = Object.keys(WIDTH_METHODS) as WidthMethodName[];

/** The way of a name. Throws FeatherdetError for an unknown one. */
export function widthMethod(name: WidthMethodName): WidthMethod {
  if (Object.hasOwn(WIDTH_METHODS, name)) return WIDTH_METHODS[name];
  throw new FeatherdetError(`unknown method "${name}", there are ${WIDTH_METHOD_NAMES.join(", ")}`);
}

/**
 * Chooses how wide each layer is left, within a budget.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { chooseWidths } from "./choose_widths.ts";
 * // Two layers of two channels of equal cost. The first loses much by its second channel, the other nothing.
 * const ladder = { order: [0, 1], scores: [1, 1], steps: [1] };
 * const cost = (widths: readonly number[]) => widths[0] + widths[1];
 * const widths = await chooseWidths({
 *   whole: [2, 2],
 *   ladders: [ladder, ladder],
 *   budget: { model: { cost, saving: (_widths, _bundle, fewer) => fewer }, most: 3, text: "3 channels" },
 *   meter: { score: (candidate) => Promise.resolve(candidate[0] / 2) },
 *   method: "knapsack",
 * });
 * assert.deepEqual(widths, [2, 1]);
 * ```
 *
 * Throws FeatherdetError for a budget that cannot be met, and for a method that needs a meter where there is none.
 */
export async function chooseWidths(
  { method = "criterion", ranking, per, ...problem }:
    & WidthProblem
    & Pick<SelectOptions, "ranking" | "per">
    & { readonly method?: WidthMethodName },
): Promise<Widths> {
  const { needsMeter, choose } = widthMethod(method);
  if (needsMeter && !problem.meter) {
    throw new FeatherdetError(`method "${method}" needs somebody who scores candidates: name a data set`);
  }
  const widths = await choose(problem, { ranking, per });
  checkBudget(problem.budget, widths);
  return widths;
}
