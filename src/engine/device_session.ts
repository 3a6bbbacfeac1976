/**
 * The engine of a session that computes on a WebGPU device.
 *
 * @module
 */

import type { AdapterRecord } from "../gpu/adapter.ts";
import type { Device } from "../gpu/device.ts";
import { ReadbackPool, type ReadRange } from "../gpu/readback.ts";
import { type Graph, type Shape, sizeOf } from "../graph/mod.ts";
import { buildPlan, outputValue, type Plan } from "../plan/plan.ts";
import { DeviceGuard } from "./device_guard.ts";
import { type DispatchTime, profilePrograms } from "./profile.ts";
import { HalfRangeError, warnOfFloats } from "./half_range.ts";
import { Program } from "./program.ts";
import { checkRange } from "./range_check.ts";
import type { SessionEngine } from "./session_engine.ts";
import { checkPrecision, type EngineOptions, type EngineSetup, planningInFloats, setUpEngine } from "./setup.ts";
import { checkedInputs, type InputTensor, type Tensor } from "./tensors.ts";

/** A plan on the device, and how its results come back. */
interface Running {
  readonly plan: Plan;
  readonly program: Program;
  readonly readback: ReadbackPool;
  readonly outputs: readonly (ReadRange & { readonly name: string; readonly shape: Shape })[];
}

async function makeRunning(device: Device, graph: Graph, planning: EngineSetup["planning"]): Promise<Running> {
  const plan = buildPlan(graph, planning);
  const program = await Program.create(device, plan);
  const outputs = plan.graph.outputs.map((name) => {
    const { offset } = plan.placements.get(outputValue(plan, name))!;
    const { shape } = plan.types.get(name)!;
    return { name, shape, offset, size: sizeOf(shape) * 4, buffer: program.plain };
  });
  const size = outputs.reduce((sum, output) => sum + output.size, 0);
  return { plan, program, outputs, readback: new ReadbackPool(program.memory, size, "this run") };
}

/** A graph on a device: a plan, its program, and the check of the first run in f16. */
export class DeviceSession implements SessionEngine {
  readonly engine = "webgpu";
  readonly device: Device;
  readonly #graph: Graph;
  readonly #planning: EngineSetup["planning"];
  readonly #guard: DeviceGuard;
  readonly #warnings: string[];
  readonly #onWarning: EngineOptions["onWarning"];
  #running: Running;
  /** The check of the first run in f16, while it runs. */
  #range: Promise<void> | undefined;
  #isChecked = false;

  private constructor(
    device: Device,
    graph: Graph,
    planning: EngineSetup["planning"],
    running: Running,
    warnings: string[],
    onWarning: EngineOptions["onWarning"],
  ) {
    this.#onWarning = onWarning;
    this.device = device;
    this.#graph = graph;
    this.#planning = planning;
    this.#running = running;
    this.#warnings = warnings;
    this.#guard = new DeviceGuard(device, "session", graph.name);
  }

  /**
   * Plans the graph, uploads its weights and compiles its kernels.
   *
   * Throws FeatherdetError if there is no adapter, if an operator has no kernel for its shapes, if memory does not suffice, and for
   * `int8` if the graph is not quantized.
   */
  static async create(shaped: Graph, options: EngineOptions): Promise<DeviceSession> {
    const { device, planning } = await setUpEngine(options);
    checkPrecision(shaped, options.precision);
    const warnings: string[] = [];
    const running = await makeRunning(device, shaped, planning).catch((error) => {
      if (!(error instanceof HalfRangeError)) throw error;
      warnOfFloats(error, warnings, options.onWarning);
      return makeRunning(device, shaped, planningInFloats(planning));
    });
    return new DeviceSession(device, shaped, planning, running, warnings, options.onWarning);
  }

  get adapter(): AdapterRecord {
    return this.device.adapter;
  }

  /** The plan that is run. A session in f16 has another one, in f32, behind a first run with numbers that halves do not hold. */
  get plan(): Plan {
    return this.#running.plan;
  }

  /** What is doubtful, a sentence each: that f16 was asked for and f32 is used. Complete behind the first run. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  #upload(data: readonly Float32Array[], program: Program): void {
    this.#graph.inputs.forEach(({ name }, i) => {
      const { offset } = this.plan.placements.get(name)!;
      this.device.device.queue.writeBuffer(program.plain, offset, data[i] as BufferSource);
    });
  }

  /** Looks for numbers that halves do not hold in a run on these inputs, and goes over to f32 where there are some. */
  async #checkRange(data: readonly Float32Array[]): Promise<void> {
    try {
      await checkRange(this.device, this.plan, this.#graph.name, (program) => this.#upload(data, program)).catch(
        async (error) => {
          if (!(error instanceof HalfRangeError)) throw error;
          const running = await makeRunning(this.device, this.#graph, planningInFloats(this.#planning));
          (this.#guard.isDestroyed ? running : this.#running).program.destroy();
          this.#running = running;
          warnOfFloats(error, this.#warnings, this.#onWarning);
        },
      );
      this.#isChecked = true;
    } finally {
      // Where it could not be made, the next run looks again.
      this.#range = undefined;
    }
  }

  /**
   * Runs the graph once. Runs may be started without awaiting the one before; they are executed in order.
   *
   * Throws FeatherdetError for a missing input, a wrong shape, data of another type, a lost device, and whatever else keeps the device
   * from running it.
   */
  async run(inputs: Readonly<Record<string, InputTensor>>): Promise<Record<string, Tensor>> {
    this.#guard.check();
    let data = checkedInputs(this.#graph, inputs);
    if (this.plan.form.scalar === "f16" && !this.#isChecked) {
      // What is uploaded later must not change meanwhile.
      data = data.map((numbers) => numbers.slice());
      await this.#guard.arrival(this.#range ??= this.#checkRange(data));
      this.#guard.check();
    }
    const { program, readback, outputs } = this.#running;
    const bytes = await this.#guard.arrival(readback.submit((encoder) => {
      this.#upload(data, program);
      const pass = encoder.beginComputePass();
      program.encode(pass);
      pass.end();
      return outputs;
    }));
    let at = 0;
    return Object.fromEntries(outputs.map(({ name, shape, size }) => {
      const data = new Float32Array(bytes, at, size / 4);
      at += size;
      return [name, { shape, data }];
    }));
  }

  /** GPU time of every dispatch, the median of `runs`, on the inputs of the last run. Needs `timestamp-query`. */
  async profile(runs = 5): Promise<DispatchTime[]> {
    this.#guard.check();
    return await this.#guard.arrival(profilePrograms(this.device, [this.#running.program], runs));
  }

  /** Bytes of GPU memory that the session holds: weights, parameters, activations. */
  get bytes(): number {
    return this.#running.program.memory.bytes;
  }

  /** Frees everything on the device; the session cannot be used afterwards. */
  destroy(): void {
    this.#guard.destroy();
    this.#running.program.destroy();
  }
}
