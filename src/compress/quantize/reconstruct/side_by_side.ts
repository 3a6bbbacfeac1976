/**
 * The values of a graph on some samples, computed part by part: as they are, and as they are behind weights that were rounded.
 *
 * @module
 */

import { type Graph, GraphIndex, type Node, withNodes } from "../../../graph/mod.ts";
import type { Runner } from "../../runner.ts";
import type { CalibrationSample } from "../../statistics.ts";

/** A value on each sample. */
export type SampleValues = readonly Float32Array[];

/** Values by name. */
type Values = Map<string, SampleValues>;

/** What a graph makes of samples, in float and rounded. Values that nobody reads any more are forgotten. */
export class SideBySide {
  readonly #index: GraphIndex;
  readonly #runner: Runner;
  readonly #samples: number;
  /** Values of the float graph, and those of the rounded one where they are others. */
  readonly #float: Values;
  readonly #rounded: Values = new Map();

  /** Begins with the inputs of the graph. */
  constructor(graph: Graph, samples: readonly CalibrationSample[], runner: Runner) {
    this.#index = GraphIndex.of(graph);
    this.#runner = runner;
    this.#samples = samples.length;
    this.#float = new Map(graph.inputs.map(({ name }) => [name, samples.map(({ inputs }) => inputs[name].data)]));
  }

  /** A value on each sample in the float graph. */
  float(value: string): SampleValues {
    return this.#float.get(value)!;
  }

  /** The value on each sample in the rounded graph. */
  rounded(value: string): SampleValues {
    return this.#rounded.get(value) ?? this.float(value);
  }

  /** A graph of some nodes alone, whose inputs are what they read of others. */
  part(nodes: readonly Node[], outputs: readonly string[], constants = this.#index.graph.constants): Graph {
    const made = new Set(nodes.flatMap((node) => node.outputs));
    const read = new Set(
      nodes.flatMap((node) => node.inputs).filter((name) => !constants.has(name) && !made.has(name)),
    );
    const inputs = [...read].map((name) => ({ name, ...this.#index.types.get(name)! }));
    const { name } = this.#index.graph;
    return withNodes({ name, inputs, outputs, nodes: [], constants, metadata: {} }, nodes);
  }

  /** What a part makes of what one of the graphs has computed. */
  async run(part: Graph, which: "float" | "rounded"): Promise<Values> {
    const found = new Map(part.outputs.map((name) => [name, [] as Float32Array[]]));
    try {
      for (let sample = 0; sample < this.#samples; sample++) {
        const inputs = Object.fromEntries(
          part.inputs.map(({ name, shape }) => [name, { shape, data: this[which](name)[sample] }]),
        );
        const made = await this.#runner.run(part, inputs);
        for (const [name, values] of found) values.push(made[name].data);
      }
    } finally {
      this.#runner.release(part);
    }
    return found;
  }

  /** Takes values as computed; without those of the rounded graph both are the same. */
  take(float: Values, rounded?: Values): void {
    for (const [name, values] of float) this.#float.set(name, values);
    for (const [name, values] of rounded ?? []) this.#rounded.set(name, values);
  }

  /** Computes nodes that nothing is rounded of, as far as `outputs` need them, in both graphs where they differ. */
  async compute(nodes: readonly Node[], outputs: readonly string[]): Promise<void> {
    if (outputs.length === 0) return;
    const part = this.part(nodes, outputs);
    const differs = part.inputs.some(({ name }) => this.#rounded.has(name));
    this.take(await this.run(part, "float"), differs ? await this.run(part, "rounded") : undefined);
  }

  /** Forgets all values but these. */
  keep(wanted: ReadonlySet<string>): void {
    for (const values of [this.#float, this.#rounded]) {
      for (const name of values.keys()) if (!wanted.has(name)) values.delete(name);
    }
  }
}
