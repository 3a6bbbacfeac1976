/**
 * Figures of the tables: each is measured, or predicted by a model that is named, or missing for a reason. None is invented.
 *
 * @module
 */

/** A figure that was measured or counted here. */
export interface MeasuredFigure {
  /** The figure, in the unit of its name. */
  readonly value: number;
  /** Ends of a 95 % interval; null if there were too few samples for one; absent if the figure was not sampled. */
  readonly interval?: readonly [low: number, high: number] | null;
  /** The least and the greatest of several seeds, whose mean the figure is; absent if it is of one file. */
  readonly range?: readonly [low: number, high: number];
}

/** A figure that was computed by a model of what would be measured. */
export interface PredictedFigure {
  /** The figure, in the unit of its name. */
  readonly value: number;
  /** Name of the model that predicts it. */
  readonly predictedBy: string;
  /** Within which it is to be believed; absent where nobody says. */
  readonly band?: readonly [low: number, high: number];
}

/** No figure. */
export interface MissingFigure {
  /** Why there is none, without a full stop. */
  readonly missing: string;
}

/** What a cell of the tables holds. */
export type Figure = MeasuredFigure | PredictedFigure | MissingFigure;

/** Whether there is no figure. */
export function isMissing(figure: Figure): figure is MissingFigure {
  return "missing" in figure;
}

/** The value, undefined if there is none. */
export function valueOf(figure: Figure): number | undefined {
  return isMissing(figure) ? undefined : figure.value;
}

/** The model that predicts the figure, undefined if it was measured or is missing. */
export function predictorOf(figure: Figure): string | undefined {
  return "predictedBy" in figure ? figure.predictedBy : undefined;
}

/** The interval of a sampled figure, null if it has too few samples, undefined if it was not sampled. */
export function intervalOf(figure: Figure): MeasuredFigure["interval"] {
  return "interval" in figure ? figure.interval : undefined;
}

/** The least and the greatest of the seeds, undefined if the figure is of one file. */
export function rangeOf(figure: Figure): MeasuredFigure["range"] {
  return "range" in figure ? figure.range : undefined;
}

type Ends = readonly [low: number, high: number];

/** A monotone function of a figure, with what becomes of the ends of its interval and its range. */
export function mapped(compute: (value: number) => number, figure: Figure): Figure {
  const interval = intervalOf(figure), range = rangeOf(figure), made = derived(compute, figure);
  if (isMissing(made) || "predictedBy" in made) return made;
  const ends = ([a, b]: Ends): Ends => {
    const [first, second] = [compute(a), compute(b)];
    return first < second ? [first, second] : [second, first];
  };
  return {
    ...made,
    ...(interval !== undefined && { interval: interval && ends(interval) }),
    ...(range && { range: ends(range) }),
  };
}

/**
 * The figure of several seeds: the mean, with the least and the greatest. Missing where one of them is.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { meanOf } from "./figure.ts";
 * assert.deepEqual(meanOf([{ value: 3 }, { value: 1 }]), { value: 2, range: [1, 3] });
 * ```
 */
export function meanOf(figures: readonly Figure[]): Figure {
  const made = derived((...values) => values.reduce((sum, value) => sum + value, 0) / values.length, ...figures);
  if (figures.length < 2 || isMissing(made) || "predictedBy" in made) return made;
  const values = figures.map((figure) => valueOf(figure)!);
  return { ...made, range: [Math.min(...values), Math.max(...values)] };
}

/**
 * A figure computed from others: missing where one of them is (the first one's reason is given), predicted where one of them is.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { derived } from "./figure.ts";
 * const faster = derived((before, after) => before / after, { value: 82 }, { value: 20.5, predictedBy: "roofline" });
 * assert.deepEqual(faster, { value: 4, predictedBy: "roofline" });
 * ```
 */
export function derived(compute: (...values: number[]) => number, ...figures: readonly Figure[]): Figure {
  const missing = figures.find(isMissing);
  if (missing) return { missing: missing.missing };
  const value = compute(...figures.map((figure) => valueOf(figure)!));
  const predictors = [...new Set(figures.map(predictorOf).filter((name) => name !== undefined))];
  return predictors.length > 0 ? { value, predictedBy: predictors.join(" and ") } : { value };
}

/** A figure over the original's; missing where the original's is 0. A range is that of the seeds over the original's mean. */
export function ratio(figure: Figure, original: Figure): Figure {
  const base = valueOf(original);
  if (base === 0 && !isMissing(figure)) return { missing: "the original's figure is 0" };
  const made = derived((value, base) => value / base, figure, original);
  if (isMissing(made) || "predictedBy" in made) return made;
  const range = rangeOf(mapped((value) => value / base!, figure));
  return { ...made, ...(range && { range }) };
}
