/**
 * Calibration: a graph is run on samples, and everything that quantization wants to know of its values is gathered in that one run.
 *
 * @module
 */

import { FeatherdetError, type Graph, inferTypes, type Shape, sizeOf, withNodes } from "../../graph/mod.ts";
import type { Runner, RunnerTensor } from "../runner.ts";
import { ValueStatistics } from "./statistics.ts";

/** One calibration sample: what the graph is run on. */
export interface CalibrationSample {
  /** What to call it in warnings and errors, such as the name of the picture's file. */
  readonly name: string;
  /** A tensor for each input of the graph. */
  readonly inputs: Readonly<Record<string, RunnerTensor>>;
}

/** Calibration samples, read one by one: a generator need not hold more than one. */
export type CalibrationSamples = Iterable<CalibrationSample> | AsyncIterable<CalibrationSample>;

/** What was seen in calibration. */
export interface CalibrationStatistics {
  /** How many samples there were. */
  readonly samples: number;
  /** Statistics of every value that was looked at. */
  readonly values: ReadonlyMap<string, ValueStatistics>;
  /** What is doubtful about the samples, a sentence each. */
  readonly warnings: readonly string[];
}

/** With fewer samples the ranges depend on which they are. */
const FEW_SAMPLES = 16;

/** Most names that a sentence lists. */
const LISTED = 3;

function list(names: readonly string[]): string {
  const more = names.length - LISTED;
  return names.slice(0, LISTED).map((name) => `"${name}"`).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function samplesError(sample: CalibrationSample, detail: string): FeatherdetError {
  return new FeatherdetError(`calibration sample "${sample.name}": ${detail}`);
}

/** The sample's inputs in the graph's order. Throws for one that is missing or of another shape. */
function checkedInputs(graph: Graph, sample: CalibrationSample): Record<string, RunnerTensor> {
  return Object.fromEntries(graph.inputs.map(({ name, shape }) => {
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

/**
 * Runs the graph on every sample and gathers the statistics of `values`: inputs or values that nodes make.
 *
 * Throws FeatherdetError where there is no sample, one lacks an input or has another shape, or a value or an output of the graph is NaN
 * or infinite; the sentence names sample and value. What `runner` throws is passed on.
 */
export async function observe(
  graph: Graph,
  values: readonly string[],
  calibration: CalibrationSamples,
  runner: Runner,
  onSample?: (done: number) => void,
): Promise<CalibrationStatistics> {
  const statistics = new Map(values.map((name) => [name, new ValueStatistics()] as const));
  const inputNames = new Set(graph.inputs.map(({ name }) => name));
  // What the model gives is looked at too: one that overflows where nothing is stored in int8 is no better.
  const made = new Set([...values, ...graph.outputs].filter((name) => !inputNames.has(name)));
  const graphs = new ObservedGraphs(graph, [...made], runner);
  const types = inferTypes(graph);
  const flat: string[] = [], black: string[] = [];
  let samples = 0;
  try {
    for await (const sample of calibration) {
      const inputs = checkedInputs(graph, sample);
      const bad = (name: string, index: number, { data }: RunnerTensor): BadValue => {
        const what = inputNames.has(name) ? `input "${name}" holds` : `the model makes "${name}" with`;
        const place = `[${types.get(name)!.shape.join(",")}] at index ${index}`;
        return new BadValue(`calibration sample "${sample.name}": ${what} ${data[index]} in ${place}`);
      };
      for (const [name, tensor] of Object.entries(inputs)) {
        const seen = statistics.get(name) ?? new ValueStatistics();
        const index = seen.add(tensor);
        if (index !== undefined) throw bad(name, index, tensor);
        const [low, high] = [seen.lows.at(-1), seen.highs.at(-1)];
        if (low === high) (low === 0 ? black : flat).push(sample.name);
      }
      await graphs.run(inputs, (outputs) => {
        for (const [name, tensor] of Object.entries(outputs)) {
          const seen = statistics.get(name);
          const index = seen ? seen.add(tensor) : firstBad(tensor);
          if (index !== undefined) throw bad(name, index, tensor);
        }
      });
      samples++;
      onSample?.(samples);
    }
  } finally {
    graphs.release();
  }
  if (samples === 0) {
    throw new FeatherdetError("there are no calibration samples, quantization needs some to see ranges");
  }
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
  return { samples, values: statistics, warnings };
}
