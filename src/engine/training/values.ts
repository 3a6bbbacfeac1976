/**
 * What a model in training holds from step to step: parameters, moments, averages and running statistics in flat buffers, which the host
 * writes and reads tensor by tensor or as the state of a run.
 *
 * @module
 */

import { settled } from "../../gpu/device_errors.ts";
import { NamedBuffers } from "../../gpu/named_buffers.ts";
import type { Memory } from "../../gpu/memory.ts";
import { FeatherdetError } from "../../graph/mod.ts";
import { flatten, unflatten } from "../../kernels/train/flat.ts";
import { OPTIMIZER_VALUES, optimizerBuffers, type OptimizerMethod } from "../../kernels/train/optimizer.ts";
import type { FlatLayouts, FlatTensors, TrainingProblem } from "./plan.ts";

const { gradient, parameters, average, statistics, nextStatistics, averageStatistics } = OPTIMIZER_VALUES;

/** Bytes of the flat buffers by name, and which of them a run keeps. */
export function valueSizes(
  method: OptimizerMethod,
  layouts: FlatLayouts,
): { readonly sizes: ReadonlyMap<string, number>; readonly kept: readonly string[] } {
  const own = optimizerBuffers(method, layouts.parameters);
  return {
    kept: [...own.filter(({ kept }) => kept).map(({ name }) => name), statistics, averageStatistics],
    sizes: new Map([
      ...own.map(({ name, bytes }) => [name, bytes] as const),
      [gradient, 4 * layouts.parameters.size],
      ...[statistics, nextStatistics, averageStatistics].map((name) => [name, 4 * layouts.statistics.size] as const),
    ]),
  };
}

/** The flat buffers of one problem. */
export class TrainingValues {
  /** The buffers by the names of `OPTIMIZER_VALUES`. */
  readonly buffers: NamedBuffers;
  readonly #device: GPUDevice;
  readonly #problem: TrainingProblem;
  readonly #layouts: FlatLayouts;
  readonly #tensors: FlatTensors;
  readonly #kept: readonly string[];

  /** Makes the buffers in `memory`; parameters, statistics and their averages begin as the problem's. */
  constructor(
    memory: Memory,
    problem: TrainingProblem,
    method: OptimizerMethod,
    { layouts, tensors }: { readonly layouts: FlatLayouts; readonly tensors: FlatTensors },
  ) {
    this.#device = memory.device;
    this.#problem = problem;
    this.#layouts = layouts;
    this.#tensors = tensors;
    const { sizes, kept } = valueSizes(method, layouts);
    this.#kept = kept;
    this.buffers = new NamedBuffers(memory, sizes);
    this.#writeInitial();
  }

  #writeInitial(): void {
    const data = (list: readonly { name: string; initial: { data: ArrayLike<number> } }[]) =>
      new Map(list.map(({ name, initial }) => [name, initial.data] as const));
    const flatParameters = flatten(this.#layouts.parameters, data(this.#problem.parameters));
    const flatStatistics = flatten(this.#layouts.statistics, data(this.#problem.statistics));
    for (const name of [parameters, average]) this.buffers.write(name, flatParameters);
    for (const name of [statistics, nextStatistics, averageStatistics]) this.buffers.write(name, flatStatistics);
  }

  /** Parameters and statistics by name, as they are or averaged. */
  async trained(which: "current" | "average"): Promise<Map<string, Float32Array>> {
    const [first, second] = which === "average" ? [average, averageStatistics] : [parameters, statistics];
    const flat = await this.buffers.read([first, second]);
    return new Map([
      ...unflatten(this.#layouts.parameters, flat.get(first)!, this.#tensors.parameters),
      ...unflatten(this.#layouts.statistics, flat.get(second)!, this.#tensors.statistics),
    ]);
  }

  /** Gradients of the parameters of the batch that ran last, by name. */
  async gradients(): Promise<Map<string, Float32Array>> {
    const flat = (await this.buffers.read([gradient])).get(gradient)!;
    return unflatten(this.#layouts.parameters, flat, this.#tensors.parameters);
  }

  /** The buffers that a resumed run needs, by name. */
  state(): Promise<Map<string, Float32Array>> {
    return this.buffers.read(this.#kept);
  }

  /** Writes what `state` gave. Throws FeatherdetError for that of another model or optimizer. */
  restore(arrays: ReadonlyMap<string, Float32Array>): void {
    for (const name of this.#kept) {
      const given = arrays.get(name)?.length, wanted = this.buffers.length(name);
      if (given !== wanted) {
        throw new FeatherdetError(
          `the state is of another model or optimizer: "${name}" has ${
            given ?? "no"
          } elements, ${wanted} were expected`,
          { file: this.#problem.graph.name },
        );
      }
    }
    for (const name of this.#kept) this.buffers.write(name, arrays.get(name)!);
  }

  /** Puts the averages in the place of parameters and running statistics. */
  async takeAverage(): Promise<void> {
    const averages = await this.buffers.read([average, averageStatistics]);
    await settled(this.#device, "the averages", () => {
      this.buffers.write(parameters, averages.get(average)!);
      for (const name of [statistics, nextStatistics]) this.buffers.write(name, averages.get(averageStatistics)!);
    });
  }

  /** Name of the first parameter, in the model's order, that holds a number that is not finite, or whose gradient does. */
  async findNonFinite(): Promise<string | undefined> {
    const isBroken = (data: Float32Array) => data.some((value) => !Number.isFinite(value));
    const [current, gradients] = [await this.trained("current"), await this.gradients()];
    for (const { name } of this.#problem.parameters) {
      if (isBroken(current.get(name)!) || isBroken(gradients.get(name)!)) return name;
    }
    return this.#problem.statistics.find(({ name }) => isBroken(current.get(name)!))?.name;
  }
}
