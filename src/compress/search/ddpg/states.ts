/**
 * What an agent sees while it walks through the dimensions of a space, and how its actions stay within the budget (He et al. 2018, "AMC",
 * 3.1 and 3.2).
 *
 * @module
 */

import { isWithin, type SearchProblem } from "../problem.ts";
import { cheapestPoint, dearestPoint, type Point } from "../space.ts";

/** Numbers of a state beside a dimension's own features. */
const OWN = 5;

/** Numbers of features where a space has none, so that the state is as long. */
const MISSING = 6;

/** Scales each number to 0..1 over all dimensions. */
function scaled(rows: readonly (readonly number[])[]): number[][] {
  const columns = rows[0].map((_, i) => rows.map((row) => row[i]));
  const ends = columns.map((column) => [Math.min(...column), Math.max(...column)]);
  return rows.map((row) =>
    row.map((value, i) => ends[i][1] > ends[i][0] ? (value - ends[i][0]) / (ends[i][1] - ends[i][0]) : 0)
  );
}

/** The walk through a space. */
export class Walk {
  /** Numbers of a state. */
  readonly features: number;
  /** Steps of the walk: dimensions. */
  readonly length: number;
  readonly #problem: SearchProblem;
  readonly #fixed: readonly (readonly number[])[];
  /** Cost of each dimension's range, in shares of the dearest candidate's; their sums from the end. */
  readonly #shares: readonly number[];

  constructor(problem: SearchProblem) {
    const { space: { dimensions }, cost } = problem;
    this.#problem = problem;
    this.length = dimensions.length;
    this.#fixed = scaled(
      dimensions.map(({ features, values }) => features ?? [values.length, ...Array(MISSING - 1).fill(0)]),
    );
    this.features = OWN + this.#fixed[0].length;
    const dearest = dearestPoint(problem.space), whole = cost?.(dearest) ?? 1;
    const shares = dimensions.map((_, i) => {
      return cost ? (whole - cost(dearest.map((at, k) => k === i ? 0 : at))) / whole : 1;
    });
    // A layer lies between two dimensions, so that their ranges add up to more than there is.
    const sum = shares.reduce((total, one) => total + one, 0) || 1;
    this.#shares = shares.map((share) => share / sum);
  }

  /**
   * What is seen before dimension `step` is chosen, eleven numbers by default: which dimension it is, its features, what it costs, what was
   * saved so far, what the rest could cost, and the last action.
   */
  state(point: Point, step: number, last: number): number[] {
    const { space, cost } = this.#problem, dearest = dearestPoint(space);
    const whole = cost?.(dearest) ?? 1;
    const chosen = dearest.map((at, i) => i < step ? point[i] : at);
    const saved = cost ? 1 - cost(chosen) / whole : 0;
    const rest = this.#shares.slice(step + 1).reduce((sum, one) => sum + one, 0);
    return [step / Math.max(1, this.length - 1), ...this.#fixed[step], this.#shares[step], saved, rest, last];
  }

  /** The greatest value of dimension `step` with which the budget can still be met: all later dimensions may be as cheap as they can be. */
  greatest(point: Point, step: number): number {
    const { space } = this.#problem, cheapest = cheapestPoint(space);
    const trial = cheapest.map((at, i) => i < step ? point[i] : at);
    for (let at = space.dimensions[step].values.length - 1; at > 0; at--) {
      trial[step] = at;
      if (isWithin(this.#problem, trial)) return at;
    }
    return 0;
  }

  /** The action that chooses a value, 0..1. */
  actionOf(point: Point, step: number): number {
    const top = this.#problem.space.dimensions[step].values.length - 1;
    return top === 0 ? 1 : point[step] / top;
  }

  /** The value that an action chooses, the greatest that the budget leaves at most. */
  valueOf(action: number, point: Point, step: number): number {
    const top = this.#problem.space.dimensions[step].values.length - 1;
    return Math.min(Math.round(action * top), this.greatest(point, step));
  }
}
