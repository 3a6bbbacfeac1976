/**
 * The engine of a session that computes on a WebGPU device.
 *
 * @module
 */

import type { AdapterRecord } from "../gpu/adapter.ts";
import type { Device } from "../gpu/device.ts";
import { type Graph, sizeOf } from "../graph/mod.ts";
import type { Plan } from "../plan/plan.ts";
import { DeviceGuard } from "./device_guard.ts";
import { returnedTensors } from "./download.ts";
import { type DispatchTime, profilePrograms } from "./profile.ts";
import { HalfRangeError, warnOfFloats } from "./half_range.ts";
import { checkMemoryLimit } from "./memory_limit.ts";
import { Places } from "./places.ts";
import type { Program } from "./program.ts";
import { checkRange } from "./range_check.ts";
import { type SelfTuner, selfTunerFor } from "./self_tuner.ts";
import type { SessionEngine } from "./session_engine.ts";
import { cutImages, placeImages } from "./session_parts.ts";
import { LIMITED_IN_FLIGHT, makeRunning, makeRunningWithin, type Running } from "./session_running.ts";
import {
  checkPrecision,
  type EngineOptions,
  type EngineSetup,
  planningInFloats,
  type SessionStart,
  setUpEngine,
} from "./setup.ts";
import { uploadInput } from "./upload.ts";
import { checkedInputs, type InputTensor, type Tensor } from "./tensors.ts";

/** A graph on a device: a plan, its program, and the check of the first run in f16. */
export class DeviceSession implements SessionEngine {
  readonly engine = "webgpu";
  readonly device: Device;
  readonly #graph: Graph;
  /** Makes the same in f32. */
  readonly #makeInFloats: (free?: () => void) => Promise<Running>;
  /** For runs on their way, where memory bounds how many there may be. */
  readonly #places: Places | undefined;
  readonly #guard: DeviceGuard;
  readonly #warnings: string[];
  readonly #onWarning: EngineOptions["onWarning"];
  readonly #tuner: SelfTuner | undefined;
  #running: Running;
  /** The check of the first run in f16, while it runs. */
  #range: Promise<void> | undefined;
  #isChecked = false;

  private constructor(
    device: Device,
    graph: Graph,
    running: Running,
    warnings: string[],
    makeInFloats: (free?: () => void) => Promise<Running>,
    options: EngineOptions,
  ) {
    const { onWarning, memoryLimit } = options;
    this.#onWarning = onWarning;
    this.#tuner = selfTunerFor(device, () => this.plan, options);
    this.device = device;
    this.#graph = graph;
    this.#makeInFloats = makeInFloats;
    this.#places = memoryLimit === undefined ? undefined : new Places(LIMITED_IN_FLIGHT);
    this.#running = running;
    this.#warnings = warnings;
    this.#guard = new DeviceGuard(device, "session", graph.name);
  }

  /**
   * Plans the graph, uploads its weights and compiles its kernels.
   *
   * Throws FeatherdetError if there is no adapter, if an operator has no kernel for its shapes, if memory does not suffice, if nothing fits
   * into `memoryLimit`, and for `int8` if the graph is not quantized.
   */
  static async create(shaped: Graph, options: EngineOptions & SessionStart): Promise<DeviceSession> {
    const { device, planning: usual } = await setUpEngine(options);
    checkPrecision(shaped, options.precision);
    const { memoryLimit } = options;
    const light = options.start === "light" && options.tuning === undefined;
    // Joint dispatches are pipelines of their own.
    const planning = light ? { ...usual, light, separate: true } : usual;
    checkMemoryLimit(memoryLimit);
    const warnings: string[] = [];
    const make = (precision: EngineOptions["precision"], how: EngineSetup["planning"], free?: () => void) =>
      memoryLimit === undefined
        ? makeRunning(device, shaped, how)
        : makeRunningWithin(device, shaped, { ...options, precision, memoryLimit }, free);
    const makeInFloats = (free?: () => void) => make("f32", planningInFloats(planning), free);
    const running = await make(options.precision, planning).catch((error) => {
      if (!(error instanceof HalfRangeError)) throw error;
      warnOfFloats(error, warnings, options.onWarning);
      return makeInFloats();
    });
    return new DeviceSession(device, shaped, running, warnings, makeInFloats, options);
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
      uploadInput(this.device.device.queue, program, this.plan, name, data[i]);
    });
  }

  /** Looks for numbers that halves do not hold in a run on these inputs, and goes over to f32 where there are some. */
  async #checkRange(data: readonly Float32Array[]): Promise<void> {
    try {
      const { images } = this.#running;
      const some = images === undefined
        ? data
        : this.#graph.inputs.map(({ shape }, i) => cutImages(data[i], shape, 0, images));
      const feed = (program: Program) => this.#upload(some, program);
      await checkRange(this.device, this.plan, this.#graph.name, this.#running.program, feed).catch(
        async (error) => {
          if (!(error instanceof HalfRangeError)) throw error;
          // Both together may be more than the limit.
          const { program } = this.#running;
          const running = await this.#makeInFloats(() => this.#places && program.destroy());
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
    const { images } = this.#running;
    if (images === undefined) return await this.#runOnce(data);
    return await this.#runInParts(data, images);
  }

  /** One run of the plan. */
  async #runOnce(data: readonly Float32Array[]): Promise<Record<string, Tensor>> {
    if (this.#places === undefined) return await this.#submit(data);
    // What is uploaded later must not change meanwhile.
    const kept = data.map((numbers) => numbers.slice());
    await this.#places.take();
    try {
      this.#guard.check();
      return await this.#submit(kept);
    } finally {
      this.#places.release();
    }
  }

  async #submit(data: readonly Float32Array[]): Promise<Record<string, Tensor>> {
    const { program, readback, outputs, ranges } = this.#running;
    const record = (encoder: GPUCommandEncoder) => {
      this.#upload(data, program);
      const pass = encoder.beginComputePass();
      program.encode(pass);
      pass.end();
      return ranges;
    };
    const found = await this.#guard.arrival(readback.submitTaking(record, (bytes) => returnedTensors(bytes, outputs)));
    this.#tuner?.frameDone();
    return found;
  }

  /** All images of a call, some at once. */
  async #runInParts(data: readonly Float32Array[], images: number): Promise<Record<string, Tensor>> {
    const { inputs } = this.#graph;
    const batch = inputs[0].shape[0];
    const all = new Map(this.#running.outputs.map(({ name, shape }): [string, Tensor] => {
      const whole = [batch, ...shape.slice(1)];
      return [name, { shape: whole, data: new Float32Array(sizeOf(whole)) }];
    }));
    const parts = Array.from({ length: Math.ceil(batch / images) }, (_, part) => part * images);
    await Promise.all(parts.map(async (first) => {
      const cut = inputs.map(({ shape }, i) => cutImages(data[i], shape, first, images));
      for (const [name, part] of Object.entries(await this.#runOnce(cut))) {
        placeImages(all.get(name)!.data, part.data, part.shape, first);
      }
    }));
    return Object.fromEntries(all);
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
    this.#tuner?.destroy();
    this.#running.program.destroy();
  }
}
