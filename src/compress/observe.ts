/**
 * Statistics of values: a graph is run on samples, and everything that passes want to know of its values is gathered in that one run.
 *
 * @module
 */

import { FeatherdetError, type Graph, inferTypes, withNodes } from "../graph/mod.ts";
import type { Collecting } from "./collect.ts";
import type { Runner, RunnerTensor } from "./runner.ts";
import type { CalibrationSample, StatisticsSource } from "./statistics.ts";
import { ValueStatistics } from "./value_statistics.ts";

/** With fewer samples the ranges depend on which they are. */
const FEW_SAMPLES = 16;

/** Most names that a sentence lists. */
const LISTED = 3;

function list(names: readonly string[]): string {
  const more = names.length - LISTED;
  return names.slice(0, LISTED).map((name) => `"${name}"`).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** Graphs that make some values of a graph; halved where the runner cannot hold so many outputs at once. */
class ObservedGraphs {
  readonly #runner: Runner;
  #parts: Graph[];
  #isSettled = false;

  constructor(graph: Graph, values: readonly string[], runner: Runner) {
    this.#runner = runner;
    this.#parts = values.length > 0 ? [withNodes({ ...graph, outputs: values }, graph.nodes)] : [];
  }

  /** Runs all parts; `visit` is handed the outputs of one at a time, so that not all need be held. */
  async run(
    inputs: Readonly<Record<string, RunnerTensor>>,
    visit: (outputs: Readonly<Record<string, RunnerTensor>>) => void,
  ): Promise<void> {
    const done: Graph[] = [], waiting = [...this.#parts];
    for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
      try {
        visit(await this.#runner.run(part, inputs));
        done.push(part);
      } catch (error) {
        const { outputs } = part;
        if (this.#isSettled || outputs.length === 1 || error instanceof BadValue) throw error;
        this.#runner.release(part);
        const whole = part, half = Math.ceil(outputs.length / 2);
        const halves = [outputs.slice(0, half), outputs.slice(half)];
        waiting.unshift(...halves.map((outputs) => withNodes({ ...whole, outputs }, whole.nodes)));
      }
    }
    this.#parts = done;
    this.#isSettled = true;
  }

  release(): void {
    for (const part of this.#parts) this.#runner.release(part);
  }
}

/** Index of the first element that is NaN or infinite, where there is one. */
function firstBad({ data }: RunnerTensor): number | undefined {
  const index = data.findIndex((element) => !Number.isFinite(element));
  return index < 0 ? undefined : index;
}

/** A value that is no number: no other way of running the graph would help. */
class BadValue extends FeatherdetError {}

/** What is doubtful about samples, and about values that never change, a sentence each. */
function doubts(
  samples: number,
  black: readonly string[],
  flat: readonly string[],
  statistics: ReadonlyMap<string, ValueStatistics>,
): string[] {
  const warnings: string[] = [];
  if (samples < FEW_SAMPLES) {
    const many = samples === 1 ? "one sample" : `${samples} samples`;
    warnings.push(`calibrated on ${many} only: ranges will not fit other pictures well, 100 or more are usual`);
  }
  if (black.length > 0) warnings.push(`${black.length} of ${samples} calibration samples are all zero: ${list(black)}`);
  if (flat.length > 0) {
    warnings.push(`${flat.length} of ${samples} calibration samples hold one value everywhere: ${list(flat)}`);
  }
  const dead = [...statistics].filter(([, { lows, highs }]) => Math.min(...lows) === Math.max(...highs));
  if (dead.length > 0) {
    const names = list(dead.map(([name]) => name));
    const [verb, are] = dead.length === 1 ? ["is", "range was"] : ["are", "ranges were"];
    warnings.push(`${names} ${verb} the same in all samples and elements: no ${are} to be seen`);
  }
  return warnings;
}

/**
 * Begins to gather statistics of `values`: inputs of the graph, or values that its nodes make.
 *
 * Adding a sample throws FeatherdetError where a value or an output of the graph is NaN or infinite; the sentence names sample and value.
 * What the runner throws is passed on.
 */
export function observeValues(
  graph: Graph,
  values: readonly string[],
  { runner }: Pick<StatisticsSource, "runner">,
): Collecting<ValueStatistics> {
  const statistics = new Map(values.map((name) => [name, new ValueStatistics()] as const));
  const inputNames = new Set(graph.inputs.map(({ name }) => name));
  // What the model gives is looked at too: one that overflows where nothing is stored in int8 is no better.
  const made = new Set([...values, ...graph.outputs].filter((name) => !inputNames.has(name)));
  const graphs = new ObservedGraphs(graph, [...made], runner);
  const types = inferTypes(graph);
  const flat: string[] = [], black: string[] = [];
  let samples = 0;
  return {
    async add(sample: CalibrationSample) {
      const bad = (name: string, index: number, { data }: RunnerTensor): BadValue => {
        const what = inputNames.has(name) ? `input "${name}" holds` : `the model makes "${name}" with`;
        const place = `[${types.get(name)!.shape.join(",")}] at index ${index}`;
        return new BadValue(`calibration sample "${sample.name}": ${what} ${data[index]} in ${place}`);
      };
      for (const [name, tensor] of Object.entries(sample.inputs)) {
        const seen = statistics.get(name) ?? new ValueStatistics();
        const index = seen.add(tensor);
        if (index !== undefined) throw bad(name, index, tensor);
        const [low, high] = [seen.lows.at(-1), seen.highs.at(-1)];
        if (low === high) (low === 0 ? black : flat).push(sample.name);
      }
      await graphs.run(sample.inputs, (outputs) => {
        for (const [name, tensor] of Object.entries(outputs)) {
          const seen = statistics.get(name);
          const index = seen ? seen.add(tensor) : firstBad(tensor);
          if (index !== undefined) throw bad(name, index, tensor);
        }
      });
      samples++;
    },
    found: () => statistics,
    warnings: () => doubts(samples, black, flat, statistics),
    release: () => graphs.release(),
  };
}
