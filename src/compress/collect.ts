/**
 * Collects statistics: the samples are read once, and every kind that was asked for takes its part of each.
 *
 * @module
 */

import { FeatherdetError, type Graph, type Shape, sizeOf } from "../graph/mod.ts";
import { collectActivations } from "./activations.ts";
import { collectCovariances } from "./covariances.ts";
import { collectGradients } from "./gradients.ts";
import { observeValues } from "./observe.ts";
import {
  type CalibrationSample,
  Statistics,
  type StatisticsFound,
  type StatisticsKind,
  type StatisticsKinds,
  type StatisticsSource,
  type StatisticsWanted,
} from "./statistics.ts";

/** Statistics of one kind while they are collected. */
export interface Collecting<Found> {
  /** Takes one sample, whose inputs are those of the graph, in order. */
  add(sample: CalibrationSample): Promise<void>;
  /** Called when there are no more samples; by default there is nothing to do. */
  end?(): Promise<void>;
  /** What was collected, by key; asked for at the end. */
  found(): ReadonlyMap<string, Found>;
  /** What is doubtful, a sentence each. */
  warnings(): readonly string[];
  /** Frees what is kept on the device. */
  release(): void;
}

/** Begins to collect the statistics of some keys. */
type Collector<Kind extends StatisticsKind> = (
  graph: Graph,
  keys: readonly string[],
  source: StatisticsSource,
) => Collecting<StatisticsKinds[Kind]>;

/** Keeps the samples themselves. */
function keepSamples(_: Graph, keys: readonly string[]): Collecting<CalibrationSample> {
  const wanted = new Set(keys), kept = new Map<string, CalibrationSample>();
  let index = 0;
  return {
    add(sample) {
      const key = String(index++);
      if (wanted.has(key)) kept.set(key, sample);
      return Promise.resolve();
    },
    found: () => kept,
    warnings: () => [],
    release() {},
  };
}

/** Who collects each kind. */
const COLLECTORS: { readonly [Kind in StatisticsKind]: Collector<Kind> } = {
  value: observeValues,
  sample: keepSamples,
  activation: collectActivations,
  covariance: collectCovariances,
  gradient: collectGradients,
};

function samplesError(sample: CalibrationSample, detail: string): FeatherdetError {
  return new FeatherdetError(`calibration sample "${sample.name}": ${detail}`);
}

/** The sample with its inputs in the graph's order. Throws for one that is missing or of another shape. */
function checked(graph: Graph, sample: CalibrationSample): CalibrationSample {
  const inputs = Object.fromEntries(graph.inputs.map(({ name, shape }) => {
    const tensor = Object.hasOwn(sample.inputs, name) ? sample.inputs[name] : undefined;
    if (tensor === undefined) throw samplesError(sample, `input "${name}" is missing`);
    const show = (shape: Shape) => `[${shape.join(",")}]`;
    if (show(tensor.shape) !== show(shape)) {
      throw samplesError(sample, `input "${name}" is ${show(tensor.shape)} but the model takes ${show(shape)}`);
    }
    if (tensor.data.length !== sizeOf(shape)) {
      throw samplesError(sample, `input "${name}" ${show(shape)} holds ${tensor.data.length} elements`);
    }
    return [name, tensor];
  }));
  return { ...sample, inputs };
}

/**
 * Collects what is wanted of a graph, reading the samples once.
 *
 * Throws FeatherdetError if there is no sample, if one lacks an input or has another shape, and what collecting a kind throws.
 */
export async function collectStatistics(
  graph: Graph,
  wanted: StatisticsWanted,
  source: StatisticsSource,
): Promise<Statistics> {
  const kinds = Object.keys(wanted) as StatisticsKind[];
  const collecting = kinds.map((kind) => COLLECTORS[kind](graph, wanted[kind] ?? [], source));
  let samples = 0;
  try {
    source.signal?.throwIfAborted();
    for await (const sample of source.samples) {
      source.signal?.throwIfAborted();
      const one = checked(graph, sample);
      for (const each of collecting) await each.add(one);
      samples++;
      source.onSample?.(samples);
    }
    for (const each of collecting) await each.end?.();
  } finally {
    for (const each of collecting) each.release();
  }
  if (samples === 0) {
    const { purpose = "a pass needs some to see what the model makes of them" } = source;
    throw new FeatherdetError(`there are no calibration samples, ${purpose}`);
  }
  // Each kind's collector was asked for that kind.
  const found = Object.fromEntries(kinds.map((kind, i) => [kind, collecting[i].found()])) as StatisticsFound;
  return new Statistics(found, samples, collecting.flatMap((each) => each.warnings()));
}
