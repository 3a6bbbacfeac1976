/**
 * A Session runs a graph on a device: tensors in, tensors out.
 *
 * @module
 */

import type { Device } from "../gpu/device.ts";
import { ReadbackPool } from "../gpu/readback.ts";
import { FeatherdetError, type Graph, type GraphInput, type Shape, sizeOf } from "../graph/mod.ts";
import { changeShapes } from "../passes/mod.ts";
import { buildPlan, outputValue, type Plan } from "../plan/plan.ts";
import { DeviceGuard } from "./device_guard.ts";
import { type DispatchTime, profilePrograms } from "./profile.ts";
import { Program } from "./program.ts";
import { checkRange } from "./range_check.ts";
import { checkPrecision, type EngineOptions, setUpEngine } from "./setup.ts";
export type { DispatchTime } from "./profile.ts";
export type { EngineOptions, Precision } from "./setup.ts";

/** How a session is made. */
export interface SessionOptions extends EngineOptions {
  /** Input shapes that differ from the graph's, by input name: another batch or picture size (see `changeShapes`). */
  readonly shapes?: Readonly<Record<string, Shape>>;
}

/** A tensor of f32 in row-major order. */
export interface Tensor {
  /** Extents, outermost first. */
  readonly shape: Shape;
  /** Elements, row-major. */
  readonly data: Float32Array;
}

/** A tensor that enters a run, in row-major order. */
export interface InputTensor {
  /** Extents, outermost first. */
  readonly shape: Shape;
  /** Elements, row-major: floats, or bytes for an input of uint8 (which takes floats that are whole numbers of 0..255 too). */
  readonly data: Float32Array | Uint8Array;
}

/** The numbers of an input as the device takes them. Throws FeatherdetError for data that the input cannot hold. */
function inputNumbers({ name, dtype }: GraphInput, data: unknown, file: string): Float32Array {
  if (dtype !== "u8") {
    if (data instanceof Float32Array) return data;
    throw new FeatherdetError(`input "${name}" wants a Float32Array`, { file });
  }
  // Whole numbers are floats on the device, unless kernels for bytes made them.
  if (data instanceof Uint8Array) return Float32Array.from(data);
  if (!(data instanceof Float32Array)) throw new FeatherdetError(`input "${name}" wants a Uint8Array`, { file });
  const odd = data.find((level) => !(level >= 0 && level <= 255 && Number.isInteger(level)));
  if (odd === undefined) return data;
  throw new FeatherdetError(`input "${name}" is uint8 and cannot hold ${odd}: round to 0..255, or give a Uint8Array`, {
    file,
  });
}

/**
 * A graph on a device.
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
  /** The plan that is run. */
  readonly plan: Plan;
  /** Where it is run. */
  readonly device: Device;
  readonly #program: Program;
  readonly #readback: ReadbackPool;
  readonly #guard: DeviceGuard;
  /** The check of the first run. */
  #range: Promise<void> | undefined;

  private constructor(device: Device, plan: Plan, program: Program) {
    this.device = device;
    this.plan = plan;
    this.#program = program;
    this.#readback = new ReadbackPool(program.memory, this.#outputs().reduce((sum, { size }) => sum + size, 0));
    this.#guard = new DeviceGuard(device, "session", plan.graph.name);
  }

  /**
   * Plans the graph, uploads its weights and compiles its kernels.
   *
   * Throws FeatherdetError if there is no adapter, if an operator has no kernel for its shapes, if memory does not suffice, and for
   * `int8` if the graph is not quantized.
   */
  static async create(graph: Graph, options: SessionOptions = {}): Promise<Session> {
    const { device, planning } = await setUpEngine(options);
    checkPrecision(graph, options.precision);
    const plan = buildPlan(options.shapes ? changeShapes(graph, options.shapes) : graph, planning);
    return new Session(device, plan, await Program.create(device, plan));
  }

  #outputs() {
    return this.plan.graph.outputs.map((name) => {
      const { offset } = this.plan.placements.get(outputValue(this.plan, name))!;
      const { shape } = this.plan.types.get(name)!;
      return { name, shape, offset, size: sizeOf(shape) * 4, buffer: this.#program.plain };
    });
  }

  #upload(inputs: Readonly<Record<string, InputTensor>>, program: Program): void {
    const file = this.plan.graph.name;
    for (const input of this.plan.graph.inputs) {
      const { name, shape } = input;
      const tensor = inputs[name];
      if (!tensor) {
        const given = Object.keys(inputs).map((key) => `"${key}"`).join(", ") || "none";
        throw new FeatherdetError(`input "${name}" [${shape}] is missing, given: ${given}`, { file });
      }
      const data = inputNumbers(input, tensor.data, file);
      if (String(tensor.shape) !== String(shape) || tensor.data.length !== sizeOf(shape)) {
        throw new FeatherdetError(
          `input "${name}" is [${shape}], given was [${tensor.shape}] with ${tensor.data.length} values`,
          { file },
        );
      }
      const { offset } = this.plan.placements.get(name)!;
      this.device.device.queue.writeBuffer(program.plain, offset, data as unknown as ArrayBuffer);
    }
  }

  /**
   * Runs the graph once. Runs may be started without awaiting the one before; they are executed in order.
   *
   * Throws FeatherdetError for a missing input, a wrong shape, data of another type and a lost device, and in f16 for a model whose first run makes numbers
   * beyond 65504.
   */
  async run(inputs: Readonly<Record<string, InputTensor>>): Promise<Record<string, Tensor>> {
    this.#guard.check();
    this.#upload(inputs, this.#program);
    const range = this.#range ??= checkRange(this.device, this.plan, this.plan.graph.name, (program) => {
      this.#upload(inputs, program);
    });
    // It is awaited behind the results, whose own failure comes first.
    range.catch(() => {});
    const encoder = this.device.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    this.#program.encode(pass);
    pass.end();
    const outputs = this.#outputs();
    const read = this.#readback.record(encoder, outputs);
    this.device.device.queue.submit([encoder.finish()]);
    const bytes = await this.#guard.arrival(read());
    await range;
    let at = 0;
    return Object.fromEntries(outputs.map(({ name, shape, size }) => {
      const data = new Float32Array(bytes, at, size / 4);
      at += size;
      return [name, { shape, data }];
    }));
  }

  /** GPU time of every dispatch, the median of `runs`, on the inputs of the last run. Needs `timestamp-query`. */
  async profile(runs = 5): Promise<DispatchTime[]> {
    return await profilePrograms(this.device, [this.#program], runs);
  }

  /** Bytes of GPU memory that the session holds: weights, parameters, activations. */
  get bytes(): number {
    return this.#program.memory.bytes;
  }

  /** Frees everything on the device; the session cannot be used afterwards. */
  destroy(): void {
    this.#guard.destroy();
    this.#program.destroy();
  }
}
