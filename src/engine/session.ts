/**
 * A Session runs a graph: tensors in, tensors out.
 *
 * @module
 */

import type { AdapterRecord } from "../gpu/adapter.ts";
import type { Device } from "../gpu/device.ts";
import { FeatherdetError, type Graph, type Shape } from "../graph/mod.ts";
import { changeShapes } from "../passes/mod.ts";
import type { Plan } from "../plan/plan.ts";
import { chooseEngine, type EngineChoice } from "./choose_engine.ts";
import { CpuSession } from "./cpu/cpu_session.ts";
import { DeviceSession } from "./device_session.ts";
import type { DispatchTime } from "./profile.ts";
import type { EngineName, SessionEngine } from "./session_engine.ts";
import type { EngineOptions, SessionStart } from "./setup.ts";
import type { InputTensor, Tensor } from "./tensors.ts";
export type { DispatchTime } from "./profile.ts";
export type { EngineChoice } from "./choose_engine.ts";
export type { EngineName } from "./session_engine.ts";
export type { EngineOptions, Precision, SessionStart } from "./setup.ts";
export type { InputTensor, Tensor } from "./tensors.ts";

/** How a session is made. */
export interface SessionOptions extends EngineOptions, EngineChoice, SessionStart {
  /** Input shapes that differ from the graph's, by input name: another batch or picture size (see `changeShapes`). */
  readonly shapes?: Readonly<Record<string, Shape>>;
}

/**
 * A graph on a WebGPU device, or on the CPU (`engine: "cpu"`).
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { demoDetector } from "../models/demo_detector.ts";
 * import { Session } from "./session.ts";
 * const session = await Session.create(demoDetector({ size: 64 })); // or `await loadOnnx("yolo11n.onnx")`
 * const data = new Float32Array(3 * 64 * 64);
 * const { output0 } = await session.run({ images: { shape: [1, 3, 64, 64], data } });
 * assert.deepEqual(output0.shape, [1, 7, 84]);
 * session.destroy();
 * ```
 */
export class Session {
  readonly #engine: SessionEngine;

  private constructor(engine: SessionEngine) {
    this.#engine = engine;
  }

  /**
   * Plans the graph, uploads its weights and compiles its kernels; on the CPU, hands it to onnxruntime.
   *
   * Throws FeatherdetError if there is no adapter, if an operator has no kernel for its shapes, if memory does not suffice, if nothing fits
   * into `memoryLimit`, and for `int8` if the graph is not quantized. On the CPU it throws if onnxruntime cannot be loaded or refuses the graph.
   */
  static async create(graph: Graph, options: SessionOptions = {}): Promise<Session> {
    const shaped = options.shapes ? changeShapes(graph, options.shapes) : graph;
    const engine = await chooseEngine(options);
    return new Session(await (engine === "cpu" ? CpuSession : DeviceSession).create(shaped, options));
  }

  /** Which engine runs it: `auto` has become one of them. */
  get engine(): EngineName {
    return this.#engine.engine;
  }

  /** What it computes on: the device's adapter, or the CPU under the name of its runtime. */
  get adapter(): AdapterRecord {
    return this.#engine.adapter;
  }

  /** The device that runs it. Throws FeatherdetError for the CPU engine, which has none. */
  get device(): Device {
    return this.#engine.device ?? refuseOnCpu("a device");
  }

  /**
   * The plan that is run. A session in f16 has another one, in f32, behind a first run with numbers that halves do not hold. Throws
   * FeatherdetError for the CPU engine, in which onnxruntime plans.
   */
  get plan(): Plan {
    return this.#engine.plan ?? refuseOnCpu("a plan");
  }

  /** What is doubtful, a sentence each: that f16 was asked for and f32 is used. Complete behind the first run. */
  get warnings(): readonly string[] {
    return this.#engine.warnings;
  }

  /**
   * Runs the graph once. Runs may be started without awaiting the one before; they are executed in order.
   *
   * Throws FeatherdetError for a missing input, a wrong shape, data of another type, a lost device, and whatever else keeps the device
   * from running it.
   */
  run(inputs: Readonly<Record<string, InputTensor>>): Promise<Record<string, Tensor>> {
    return this.#engine.run(inputs);
  }

  /** GPU time of every dispatch, the median of `runs`, on the inputs of the last run. Needs a device with `timestamp-query`. */
  profile(runs = 5): Promise<DispatchTime[]> {
    return this.#engine.profile(runs);
  }

  /** Bytes of GPU memory that the session holds: weights, parameters, activations. 0 on the CPU. */
  get bytes(): number {
    return this.#engine.bytes;
  }

  /** Frees everything; the session cannot be used afterwards. On the CPU, a Deno process ends only when its sessions are destroyed. */
  destroy(): void {
    this.#engine.destroy();
  }
}

/** Throws the error for what an engine on the CPU has not. */
export function refuseOnCpu(what: string): never {
  throw new FeatherdetError(`the CPU engine has not ${what}: onnxruntime computes there`);
}
