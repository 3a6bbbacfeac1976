/**
 * Widths of a network as a space to search: a dimension for each bundle of coupling groups that may become narrower.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/mod.ts";
import type { WidthMeter, WidthProblem } from "../prune/width_problem.ts";
import type { Widths } from "../prune/widths.ts";
import { searchMethod, type SearchMethodName } from "./methods.ts";
import { FULL, isWithin, type SearchProblem } from "./problem.ts";
import { runSearch } from "./run.ts";
import { cheapestPoint, createSpace, type Point } from "./space.ts";

/** Widths as a space. */
export interface WidthSearch {
  /** What is searched. */
  readonly problem: SearchProblem;
  /** The widths of a candidate. */
  widthsOf(point: Point): Widths;
}

/** How widths become a space. */
export interface WidthSearchOptions {
  /** Most widths of a bundle, evenly chosen; 8 by default. */
  readonly values?: number;
  /** Numbers of each bundle that an agent sees, as many in each. */
  readonly features?: (bundle: number) => readonly number[];
  /** What scores say, as text. */
  readonly basis?: string;
  /** Meters that take a share of an evaluation's work, such as on fewer pictures, from the least share up: first looks of successive halving. */
  readonly looks?: readonly { readonly share: number; readonly meter: WidthMeter }[];
}

/** At most so many of a list, evenly, its ends among them. */
function thinned(list: readonly number[], most: number): number[] {
  if (list.length <= most) return [...list];
  return Array.from({ length: most }, (_, i) => list[Math.round(i * (list.length - 1) / (most - 1))]);
}

/** Widths as a problem to search: scores are the meter's, costs those of the budget, up to which candidates are filled. Throws FeatherdetError without a meter. */
export function widthSearch(
  { whole, ladders, budget, meter }: WidthProblem,
  { values = 8, features, basis = "the score of widths", looks = [] }: WidthSearchOptions = {},
): WidthSearch {
  if (!meter) throw new FeatherdetError("a search for widths needs somebody who scores candidates: name a data set");
  const choices = ladders.flatMap(({ steps }, bundle) => {
    // From the narrowest up; what lies between is thinned out.
    return steps.length === 0 ? [] : [{ bundle, widths: thinned([whole[bundle], ...steps].reverse(), values) }];
  });
  const widthsOf = (point: Point): Widths => {
    const widths = [...whole];
    choices.forEach(({ bundle, widths: own }, i) => widths[bundle] = own[point[i]]);
    return widths;
  };
  const space = createSpace(choices.map(({ bundle, widths }) => ({
    ...{ name: `bundle ${bundle}`, kind: "width" as const, values: widths },
    ...(features && { features: features(bundle) }),
  })));
  return {
    widthsOf,
    problem: {
      ...{ space, basis, aims: [{ name: "score", better: "more" }], most: budget.most, fill: true },
      cost: (point) => budget.model.cost(widthsOf(point)),
      ...(looks.length > 0 && { fidelities: [...looks.map(({ share }) => share), FULL] }),
      evaluate: async (point, fidelity) => {
        const { meter: judge } = looks.find(({ share }) => share === fidelity) ?? { meter };
        return [await judge.score(widthsOf(point))];
      },
    },
  };
}

/** Candidates that are scored where a way to search chooses widths. */
const EVALUATIONS = 60;

/** Chooses widths by a way to search; those of least cost where none are within the budget. */
export function chooseBySearch(name: SearchMethodName): (problem: WidthProblem) => Promise<Widths> {
  return async (given) => {
    for (;;) {
      const { problem, widthsOf } = widthSearch(given), cheapest = cheapestPoint(problem.space);
      if (!isWithin(problem, cheapest)) return widthsOf(cheapest);
      const { best } = await runSearch(problem, {
        ...{ method: searchMethod(name), evaluations: EVALUATIONS, together: given.meter?.together },
        onTrial: ({ values: [score] }, evaluations) =>
          given.onChoosing?.(`${name}: candidate ${evaluations} of ${EVALUATIONS} has the score ${score.toFixed(4)}`),
      });
      // Costs that were guesses are measured, and then may be others.
      if (!await given.settle?.()) return widthsOf(best!.point);
    }
  };
}
