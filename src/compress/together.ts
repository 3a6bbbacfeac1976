/**
 * Samples that are run together: as many as one run takes, joined along the batch.
 *
 * @module
 */

import { FeatherdetError, type Graph } from "../graph/mod.ts";
import { withBatch } from "../passes/mod.ts";
import type { RunnerTensor } from "./runner.ts";
import type { CalibrationSample } from "./statistics.ts";

type Tensors = Readonly<Record<string, RunnerTensor>>;

function joined(parts: readonly CalibrationSample[], pick: (sample: CalibrationSample) => Tensors): Tensors {
  const tensors = parts.map(pick);
  return Object.fromEntries(
    Object.keys(tensors[0]).map((name) => {
      const [{ shape: [batch, ...rest] }] = tensors.map((one) => one[name]);
      const other = tensors.findIndex((one) => String(one[name]?.shape) !== String(tensors[0][name].shape));
      if (other >= 0) {
        throw new FeatherdetError(
          `"${name}" is [${tensors[0][name].shape}] in sample "${parts[0].name}" and ` +
            `[${tensors[other][name]?.shape ?? ""}] in "${parts[other].name}": samples that are run together are alike`,
        );
      }
      const size = tensors[0][name].data.length, data = new Float32Array(parts.length * size);
      tensors.forEach((one, i) => data.set(one[name].data, i * size));
      return [name, { shape: [batch * parts.length, ...rest], data }];
    }),
  );
}

/** A run: the graph for so many samples, and the samples as one. */
export interface JointRun extends CalibrationSample {
  /** The graph for the batch of all samples of the run. */
  readonly graph: Graph;
  /** How many samples the run has. */
  readonly samples: number;
}

/** Gathers samples until there are enough for a run. The last run may have fewer. */
export class JointSamples {
  readonly #graph: Graph;
  readonly #together: number;
  readonly #visit: (run: JointRun) => Promise<void>;
  readonly #graphs = new Map<number, Graph>();
  #waiting: CalibrationSample[] = [];

  /** `visit` is handed each run. */
  constructor(graph: Graph, together: number, visit: (run: JointRun) => Promise<void>) {
    [this.#graph, this.#together, this.#visit] = [graph, together, visit];
  }

  /** The graphs that were handed out. */
  get graphs(): Iterable<Graph> {
    return this.#graphs.values();
  }

  /** Takes one sample. Throws FeatherdetError for one that is not like those before it. */
  async add(sample: CalibrationSample): Promise<void> {
    this.#waiting.push(sample);
    if (this.#waiting.length >= this.#together) await this.end();
  }

  /** Runs what is left. */
  async end(): Promise<void> {
    const parts = this.#waiting, samples = parts.length;
    if (samples === 0) return;
    this.#waiting = [];
    const graph = this.#graphs.get(samples) ??
      withBatch(this.#graph, this.#graph.inputs[0].shape[0] * samples);
    this.#graphs.set(samples, graph);
    const labelled = parts.every(({ labels }) => labels !== undefined);
    await this.#visit({
      ...{ graph, samples, name: parts.map(({ name }) => name).join(", ") },
      inputs: joined(parts, ({ inputs }) => inputs),
      ...(labelled && { labels: joined(parts, ({ labels }) => labels!) }),
    });
  }
}
