/**
 * Passes: what is done to a model, one after another, by what is known of its values.
 *
 * A pass says which statistics it needs of a graph, and makes another graph of it. A pipeline collects statistics once for each state of
 * the model: passes that follow each other on one graph share them, and a pass that changes the graph begins a new state. What was done is
 * added to the model's history.
 *
 * @module
 */

import { FeatherdetError, type Graph, verify } from "../graph/mod.ts";
import { collectStatistics } from "./collect.ts";
import { historyEntry, type HistoryOrigin, withHistory } from "./history.ts";
import { Statistics, type StatisticsSource, type StatisticsWanted, togetherWanted } from "./statistics.ts";

/** What a pass made. */
export interface PassResult<Report> {
  /** The graph after the pass; the given graph itself if nothing changed. */
  readonly graph: Graph;
  /** What it did, as plain data. */
  readonly report: Report;
}

/** Something that is done to a model. */
export interface Pass<Options, Report> {
  /** Name in histories and errors. */
  readonly name: string;
  /**
   * How it stands to the model. `changes` (the default) makes another one, and is written into its history. `prepares` writes the same
   * computation in another form, which is no event in the life of a model. `looks` returns the graph as it is: what passes behind it need
   * is collected together with what it needs.
   */
  readonly effect?: "changes" | "prepares" | "looks";
  /** The statistics that `apply` wants of this graph. Throws FeatherdetError for a graph or options that it cannot work with. */
  needs(graph: Graph, options: Options): StatisticsWanted;
  /** Makes the next graph. Throws FeatherdetError for a graph or options that it cannot work with. */
  apply(
    graph: Graph,
    statistics: Statistics,
    options: Options,
  ): PassResult<Report> | Promise<PassResult<Report>>;
  /** What a history keeps: the options, and what of the report explains the model. By default all options, as far as JSON holds them. */
  described?(options: Options, report: Report): Readonly<Record<string, unknown>>;
}

/** A pass with its options. */
export interface PassStep<Report> {
  /** Name of the pass. */
  readonly name: string;
  /** As in `Pass`. */
  readonly effect: "changes" | "prepares" | "looks";
  /** As in `Pass`. */
  needs(graph: Graph): StatisticsWanted;
  /** As in `Pass`. */
  apply(graph: Graph, statistics: Statistics): Promise<PassResult<Report>>;
  /** As in `Pass`. */
  described(report: Report): Readonly<Record<string, unknown>>;
}

/** Joins a pass with its options. The history holds `also` beside what the pass itself describes, or in its place. */
export function passStep<Options, Report>(
  pass: Pass<Options, Report>,
  options: Options,
  also: Readonly<Record<string, unknown>> = {},
): PassStep<Report> {
  return {
    name: pass.name,
    effect: pass.effect ?? "changes",
    needs: (graph) => pass.needs(graph, options),
    apply: async (graph, statistics) => await pass.apply(graph, statistics, options),
    described: (report) => ({ ...(pass.described ? pass.described(options, report) : options), ...also }),
  };
}

/** Options of a pipeline. */
export interface RunPassesOptions {
  /** Source of statistics; passes that want statistics need it. */
  readonly source?: StatisticsSource;
  /** Seed and data set for the history. */
  readonly origin?: HistoryOrigin;
  /** Called before a pass runs. */
  readonly onPass?: (name: string) => void;
}

/** Reports of a list of steps, in their order. */
export type PassReports<Steps extends readonly PassStep<unknown>[]> = {
  -readonly [Index in keyof Steps]: Steps[Index] extends PassStep<infer Report> ? Report : never;
};

/** What a pipeline made. */
export interface PassesResult<Steps extends readonly PassStep<unknown>[]> {
  /** The graph after all passes, its history included. */
  readonly graph: Graph;
  /** Reports of the passes, in their order. */
  readonly reports: PassReports<Steps>;
  /** Statistics of the last state of the model for which a pass wanted some. */
  readonly statistics: Statistics;
}

/** True for samples that can be read once only, as those of a generator. */
function isReadOnce(samples: StatisticsSource["samples"]): boolean {
  const iterable = samples as Partial<AsyncIterable<unknown> & Iterable<unknown>>;
  const iterator: unknown = iterable[Symbol.asyncIterator]?.() ?? iterable[Symbol.iterator]?.();
  return iterator === samples;
}

/** Statistics of the state that a model is in, collected when something is asked that is not known. */
class KnownStatistics {
  readonly #source: StatisticsSource | undefined;
  #graph: Graph | undefined;
  #known = new Statistics();
  #reads = 0;

  constructor(source: StatisticsSource | undefined) {
    this.#source = source;
  }

  async of(graph: Graph, wanted: StatisticsWanted, pass: string): Promise<Statistics> {
    const known = this.#graph === graph ? this.#known : new Statistics();
    const missing = known.missing(wanted);
    if (Object.keys(missing).length === 0) return known;
    if (this.#source === undefined) {
      throw new FeatherdetError(`${pass} looks at what the model makes of samples, and there are none`, {
        file: graph.name,
      });
    }
    if (this.#reads++ > 0 && isReadOnce(this.#source.samples)) {
      throw new FeatherdetError(
        `${pass} looks at a model that was changed, and the samples can be read only once: hand in a list, not a generator`,
        { file: graph.name },
      );
    }
    const found = await collectStatistics(graph, missing, this.#source);
    this.#graph = graph;
    return this.#known = known.with(found);
  }
}

/** What a step needs, and the steps behind it as long as none of them changes the graph. */
function neededFrom(steps: readonly PassStep<unknown>[], index: number, graph: Graph): StatisticsWanted {
  const end = steps.findIndex(({ effect }, i) => i >= index && effect !== "looks");
  return togetherWanted(steps.slice(index, end < 0 ? undefined : end + 1).map((step) => step.needs(graph)));
}

/**
 * Runs passes one after another and adds what they did to the model's history.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { demoDetector } from "../models/demo_detector.ts";
 * import { historyOf } from "./history.ts";
 * import { passStep, runPasses } from "./pass.ts";
 * import { foldPass } from "./prepare.ts";
 * import { packWeightsPass } from "./quantize/pack_weights.ts";
 * const steps = [passStep(foldPass, {}), passStep(packWeightsPass, { bits: 2 })] as const;
 * const { graph, reports: [, packed] } = await runPasses(demoDetector({ size: 64 }), steps);
 * assert.ok(packed.packedLayers > 0);
 * assert.deepEqual(historyOf(graph).map(({ name }) => name), ["packWeights"]);
 * ```
 *
 * Throws FeatherdetError for a graph that does not verify, if a pass wants statistics and there is no source, and if samples are needed
 * again that can be read only once. Also throws what passes and the collection of statistics throw.
 */
export async function runPasses<const Steps extends readonly PassStep<unknown>[]>(
  source: Graph,
  steps: Steps,
  options: RunPassesOptions = {},
): Promise<PassesResult<Steps>> {
  verify(source);
  const known = new KnownStatistics(options.source);
  const reports: unknown[] = [];
  let graph = source, statistics = new Statistics();
  /** The model that the next entry of the history is of. */
  let parent = source;
  for (const [index, step] of steps.entries()) {
    options.source?.signal?.throwIfAborted();
    options.onPass?.(step.name);
    const wanted = neededFrom(steps, index, graph);
    const asked = Object.keys(wanted).length > 0;
    const seen = asked ? await known.of(graph, wanted, step.name) : new Statistics();
    if (asked) statistics = seen;
    const { graph: made, report } = await step.apply(graph, seen);
    reports.push(report);
    if (made === graph) continue;
    if (step.effect === "looks") {
      throw new FeatherdetError(`${step.name} says that it only looks, and changed the model`);
    }
    if (step.effect === "prepares") {
      graph = made;
      continue;
    }
    graph = withHistory(made, historyEntry(step.name, step.described(report), parent, options.origin));
    parent = graph;
  }
  return { graph, reports: reports as PassReports<Steps>, statistics };
}
