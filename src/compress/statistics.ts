/**
 * What passes can ask to know of a model before they change it: the kinds of statistics, and those that were collected.
 *
 * A statistic has a kind and a key. Values of the graph and constants are asked for by their names, samples by their place in the order.
 * What is to come is one more member of `StatisticsKinds` and one more row of the table in `collect.ts`.
 *
 * @module
 */

import { FeatherdetError } from "../graph/mod.ts";
import type { Runner, RunnerTensor } from "./runner.ts";
import type { ValueStatistics } from "./value_statistics.ts";

/** One calibration sample: what the graph is run on. */
export interface CalibrationSample {
  /** What to call it in warnings and errors, such as the name of the picture's file. */
  readonly name: string;
  /** A tensor for each input of the graph. */
  readonly inputs: Readonly<Record<string, RunnerTensor>>;
  /**
   * What is true of the sample, as the runner that differentiates the loss wants it: of detectors, `boxes` `[batch, rows, 5]` with class,
   * left, top, right and bottom in pixels of the input, and class -1 in rows without a box. Only gradients need it.
   */
  readonly labels?: Readonly<Record<string, RunnerTensor>>;
}

/** Calibration samples, read one by one: a generator need not hold more than one. */
export type CalibrationSamples = Iterable<CalibrationSample> | AsyncIterable<CalibrationSample>;

/** The kinds of statistics, and what one of each kind holds. */
export interface StatisticsKinds {
  /** Key: name of an input or of a value that a node makes. Its histogram, the range of each sample, the mean of each channel. */
  readonly value: ValueStatistics;
  /** Key: place of a sample, from `0` on. The sample itself, for passes that compare what graphs make of it. */
  readonly sample: CalibrationSample;
  /** Key: name of a map `[N,C,H,W]`, an input or what a node makes. The mean of the absolute values of each channel. */
  readonly activation: ArrayLike<number>;
  /** Key: name of a map `[N,C,H,W]`, an input or what a node makes. Covariances of its channels over positions of all samples, `[C,C]`. */
  readonly covariance: ArrayLike<number>;
  /** Key: name of a constant. The gradient of the loss with respect to it, an array for each run: of one sample, or of several `together`. */
  readonly gradient: readonly ArrayLike<number>[];
}

/** A kind of statistics. */
export type StatisticsKind = keyof StatisticsKinds;

/** What a pass wants to know: keys by kind. */
export type StatisticsWanted = { readonly [Kind in StatisticsKind]?: readonly string[] };

/** What statistics are collected from, and by whom. */
export interface StatisticsSource {
  /** The samples. They are read once for each state of the model that passes want to know something of. */
  readonly samples: CalibrationSamples;
  /** Runs graphs on them. */
  readonly runner: Runner;
  /**
   * How many samples are one run where activations and gradients are collected; 1 by default. Gradients of a run are those of the loss of
   * all its samples.
   */
  readonly together?: number;
  /** Called after each sample how many are done. */
  readonly onSample?: (done: number) => void;
  /** Ends the collecting with its reason, between two samples. */
  readonly signal?: AbortSignal;
  /** Who needs the samples and what for, the end of a sentence that says that there are none. */
  readonly purpose?: string;
}

/** Statistics by key, for each kind. */
export type StatisticsFound = { readonly [Kind in StatisticsKind]?: ReadonlyMap<string, StatisticsKinds[Kind]> };

/** Statistics of one state of a model. */
export class Statistics {
  /** How many samples there were; 0 if nothing was collected. */
  readonly samples: number;
  /** What is doubtful about the samples, a sentence each. */
  readonly warnings: readonly string[];
  readonly #found: StatisticsFound;

  /** As they were collected; without arguments there are none. */
  constructor(found: StatisticsFound = {}, samples = 0, warnings: readonly string[] = []) {
    [this.#found, this.samples, this.warnings] = [found, samples, warnings];
  }

  /** All of a kind, by key. */
  all<Kind extends StatisticsKind>(kind: Kind): ReadonlyMap<string, StatisticsKinds[Kind]> {
    return this.#found[kind] ?? new Map<string, never>();
  }

  /** One statistic. Throws FeatherdetError if it was not collected: a pass has to ask for it in `needs`. */
  of<Kind extends StatisticsKind>(kind: Kind, key: string): StatisticsKinds[Kind] {
    const known = this.all(kind).get(key);
    if (known === undefined) throw new FeatherdetError(`no statistics of ${kind} "${key}" were collected`);
    return known;
  }

  /** What of this is still unknown. */
  missing(wanted: StatisticsWanted): StatisticsWanted {
    const lacking = (kind: StatisticsKind) => wanted[kind]?.filter((key) => !this.all(kind).has(key)) ?? [];
    const kinds = (Object.keys(wanted) as StatisticsKind[]).filter((kind) => lacking(kind).length > 0);
    return Object.fromEntries(kinds.map((kind) => [kind, lacking(kind)]));
  }

  /** These and others, of the same samples and the same state of the model. */
  with(others: Statistics): Statistics {
    const found = {
      value: new Map([...this.all("value"), ...others.all("value")]),
      sample: new Map([...this.all("sample"), ...others.all("sample")]),
      activation: new Map([...this.all("activation"), ...others.all("activation")]),
      covariance: new Map([...this.all("covariance"), ...others.all("covariance")]),
      gradient: new Map([...this.all("gradient"), ...others.all("gradient")]),
    } satisfies Required<StatisticsFound>;
    const warnings = [...new Set([...this.warnings, ...others.warnings])];
    return new Statistics(found, Math.max(this.samples, others.samples), warnings);
  }
}

/** Several lists of wishes as one, each key once. */
export function togetherWanted(wishes: readonly StatisticsWanted[]): StatisticsWanted {
  const kinds = new Set(wishes.flatMap((wanted) => Object.keys(wanted) as StatisticsKind[]));
  return Object.fromEntries(
    [...kinds].map((kind) => [kind, [...new Set(wishes.flatMap((wanted) => wanted[kind] ?? []))]]),
  );
}
