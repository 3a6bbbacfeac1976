/**
 * The engine of a session that computes on the CPU.
 *
 * @module
 */

import type { AdapterRecord } from "../../gpu/adapter.ts";
import { FeatherdetError, type Graph } from "../../graph/mod.ts";
import type { EngineChoice } from "../choose_engine.ts";
import { DeviceGuard } from "../device_guard.ts";
import type { DispatchTime } from "../profile.ts";
import type { SessionEngine } from "../session_engine.ts";
import { checkPrecision, type EngineOptions, storedAs } from "../setup.ts";
import { checkedInputs, type InputTensor, type Tensor } from "../tensors.ts";
import { CpuProgram } from "./cpu_program.ts";

/** Throws FeatherdetError for options that only a device has a meaning for, and for `int8` if the graph is not quantized. */
export function checkCpuOptions(
  graph: Graph,
  { precision, device, storage, tuning, memoryLimit }: EngineOptions,
): void {
  const [given] = Object.entries({ device, storage, tuning, memoryLimit }).filter(([, value]) => value !== undefined);
  if (given) throw new FeatherdetError(`the CPU engine takes no option "${given[0]}": that is of the WebGPU engine`);
  if (storedAs(precision) === "f16") {
    throw new FeatherdetError(
      `the CPU engine computes in f32, and in int8 where a model is quantized: leave ${precision} out`,
    );
  }
  checkPrecision(graph, precision);
}

/** A graph in onnxruntime. */
export class CpuSession implements SessionEngine {
  readonly engine = "cpu";
  readonly warnings: readonly string[] = [];
  readonly bytes = 0;
  readonly #graph: Graph;
  readonly #program: CpuProgram;
  readonly #guard: DeviceGuard;

  private constructor(graph: Graph, program: CpuProgram) {
    this.#graph = graph;
    this.#program = program;
    this.#guard = new DeviceGuard(undefined, "session", graph.name);
  }

  /** Hands the graph to onnxruntime. Throws as `CpuProgram.create` and `checkCpuOptions` do. */
  static async create(graph: Graph, options: EngineOptions & EngineChoice): Promise<CpuSession> {
    checkCpuOptions(graph, options);
    return new CpuSession(graph, await CpuProgram.create(graph, options.cpu));
  }

  get adapter(): AdapterRecord {
    return this.#program.adapter;
  }

  async run(inputs: Readonly<Record<string, InputTensor>>): Promise<Record<string, Tensor>> {
    this.#guard.check();
    const data = checkedInputs(this.#graph, inputs);
    // Copies: what is handed over is gone, and the caller may change his own at once.
    const carried = this.#graph.inputs.map(({ name, shape, dtype }, i) =>
      [name, { shape, data: dtype === "u8" ? Uint8Array.from(data[i]) : Float32Array.from(data[i]) }] as const
    );
    const outputs = await this.#guard.arrival(this.#program.run(Object.fromEntries(carried)));
    return Object.fromEntries(this.#graph.outputs.map((name) => {
      const { shape, data } = outputs[name];
      return [name, { shape, data: data as Float32Array }];
    }));
  }

  profile(): Promise<DispatchTime[]> {
    return Promise.reject(new FeatherdetError("the CPU engine has no dispatches whose times could be taken"));
  }

  destroy(): void {
    if (this.#guard.isDestroyed) return;
    this.#guard.destroy();
    this.#program.end();
  }
}
