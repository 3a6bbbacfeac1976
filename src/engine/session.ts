/**
 * A Session runs a graph on a device: tensors in, tensors out.
 *
 * @module
 */

import { adoptDevice, type Device, sharedDevice } from "../gpu/device.ts";
import { PassTimer } from "../gpu/timing.ts";
import { ReadbackPool } from "../gpu/readback.ts";
import { FeatherdetError, type Graph, type Shape, sizeOf } from "../graph/mod.ts";
import { changeShapes } from "../passes/mod.ts";
import type { StorageForm } from "../kernels/kernel.ts";
import { buildPlan, outputValue, type Plan, type PlanOptions } from "../plan/plan.ts";
import type { Tuning } from "../plan/tuning.ts";
import { Program } from "./program.ts";

/**
 * Element type in which activations and weights are stored; arithmetic on floats is f32 throughout. Graphs with QuantizeLinear and
 * DequantizeLinear compute in int8 between these whatever is asked for, which then goes for their float part; `int8` is f32 for that
 * part, and refuses graphs without any.
 */
export type Precision = "f32" | "f16" | "int8";

/** How a session is made. */
export interface SessionOptions {
  /** Default `f32`. */
  readonly precision?: Precision;
  /** Other input shapes than the graph's, by input name: another batch or picture size (see `changeShapes`). */
  readonly shapes?: Readonly<Record<string, Shape>>;
  /** A device that the caller owns; by default one device serves all sessions. */
  readonly device?: GPUDevice;
  /** Tiles that `tune` found on this adapter. */
  readonly tuning?: Tuning;
  /** How activations are stored; by default textures on software adapters, buffers elsewhere. */
  readonly storage?: StorageForm["storage"];
}

/** A tensor of f32 in row-major order. */
export interface Tensor {
  /** Extents, outermost first. */
  readonly shape: Shape;
  /** Elements, row-major. */
  readonly data: Float32Array;
}

/** Time of one dispatch. */
export interface StepTime {
  /** Name of the graph node. */
  readonly name: string;
  /** Operators it computes, such as `Conv+Silu`. */
  readonly operator: string;
  /** Label of the kernel. */
  readonly kernel: string;
  /** Median over the runs, in milliseconds of GPU time. */
  readonly milliseconds: number;
  /** Multiply-accumulates. */
  readonly macs: number;
}

/** Chooses the form of storage for a device. */
export function storageForm(
  device: Device,
  options: Pick<SessionOptions, "precision" | "storage">,
): Omit<StorageForm, "pageShift"> {
  const precision: string = options.precision ?? "f32";
  if (precision !== "f32" && precision !== "f16" && precision !== "int8") {
    throw new FeatherdetError(`precision "${precision}" is not available; there are f32, f16 and int8`);
  }
  const storage: string | undefined = options.storage;
  if (storage !== undefined && storage !== "texture" && storage !== "buffer") {
    throw new FeatherdetError(`storage "${storage}" is not available; there are texture and buffer`);
  }
  if (options.storage === "texture" && !device.storageTextures) {
    throw new FeatherdetError(
      `the adapter "${device.adapter.name}" fails the check of storage textures: leave the storage to be chosen, or ask for buffers`,
    );
  }
  const fastest = device.adapter.software && device.storageTextures ? "texture" : "buffer";
  return { scalar: precision === "f16" ? "f16" : "f32", storage: options.storage ?? fastest };
}

/** Throws FeatherdetError where `int8` is asked for and the graph is not quantized. */
export function checkPrecision(graph: Graph, precision: Precision | undefined): void {
  if (precision !== "int8" || graph.nodes.some(({ op }) => op === "QuantizeLinear")) return;
  throw new FeatherdetError(
    `the model is in floats: make it int8 first, with quantize() or \`deno task quantize\`, then run the result`,
    { file: graph.name },
  );
}

/** What limits plans on a device. */
export function planLimits(
  device: Device,
  form: Pick<StorageForm, "storage">,
): Pick<PlanOptions, "maxPages" | "maxStorageTextures" | "packedDot"> {
  const { maxTextureArrayLayers, maxStorageTexturesPerShaderStage } = device.device.limits;
  return {
    maxPages: form.storage === "texture" ? maxTextureArrayLayers : Infinity,
    maxStorageTextures: maxStorageTexturesPerShaderStage,
    packedDot: device.adapter.packedDot,
  };
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
  #lost: string | undefined;
  #destroyed = false;

  private constructor(device: Device, plan: Plan, program: Program) {
    this.device = device;
    this.plan = plan;
    this.#program = program;
    this.#readback = new ReadbackPool(program.memory, this.#outputs().reduce((sum, { size }) => sum + size, 0));
    device.device.lost.then(({ message }) => this.#lost = message || "no reason given");
  }

  /**
   * Plans the graph, uploads its weights and compiles its kernels.
   *
   * Throws FeatherdetError where there is no adapter, an operator has no kernel for its shapes, or memory does not suffice, and for
   * `int8` where the graph is not quantized.
   */
  static async create(graph: Graph, options: SessionOptions = {}): Promise<Session> {
    const device = options.device ? await adoptDevice(options.device) : await sharedDevice();
    const form = storageForm(device, options);
    checkPrecision(graph, options.precision);
    const plan = buildPlan(options.shapes ? changeShapes(graph, options.shapes) : graph, {
      form,
      ...planLimits(device, form),
      tuning: options.tuning,
      target: device.adapter.software ? "software" : "hardware",
    });
    return new Session(device, plan, await Program.create(device, plan));
  }

  #outputs() {
    return this.plan.graph.outputs.map((name) => {
      const { offset } = this.plan.placements.get(outputValue(this.plan, name))!;
      const { shape } = this.plan.types.get(name)!;
      return { name, shape, offset, size: sizeOf(shape) * 4, buffer: this.#program.plain };
    });
  }

  #upload(inputs: Readonly<Record<string, Tensor>>): void {
    for (const { name, shape } of this.plan.graph.inputs) {
      const tensor = inputs[name];
      if (!tensor) {
        const given = Object.keys(inputs).map((key) => `"${key}"`).join(", ") || "none";
        throw new FeatherdetError(`input "${name}" [${shape}] is missing, given: ${given}`, {
          file: this.plan.graph.name,
        });
      }
      if (!(tensor.data instanceof Float32Array)) {
        throw new FeatherdetError(`input "${name}" wants a Float32Array`, { file: this.plan.graph.name });
      }
      if (String(tensor.shape) !== String(shape) || tensor.data.length !== sizeOf(shape)) {
        throw new FeatherdetError(
          `input "${name}" is [${shape}], given was [${tensor.shape}] with ${tensor.data.length} values`,
          { file: this.plan.graph.name },
        );
      }
      const { offset } = this.plan.placements.get(name)!;
      this.device.device.queue.writeBuffer(this.#program.plain, offset, tensor.data as unknown as ArrayBuffer);
    }
  }

  /**
   * Runs the graph once. Runs may be started without awaiting the one before; they are executed in order.
   *
   * Throws FeatherdetError for a missing input, a wrong shape and a lost device.
   */
  async run(inputs: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
    if (this.#destroyed) throw new FeatherdetError("the session was destroyed", { file: this.plan.graph.name });
    if (this.#lost !== undefined) throw new FeatherdetError(`the device was lost: ${this.#lost}`);
    this.#upload(inputs);
    const encoder = this.device.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    this.#program.encode(pass);
    pass.end();
    const outputs = this.#outputs();
    const read = this.#readback.record(encoder, outputs);
    this.device.device.queue.submit([encoder.finish()]);
    let bytes: ArrayBuffer;
    try {
      bytes = await read();
    } catch (error) {
      throw new FeatherdetError(`the device was lost: ${this.#lost ?? (error as Error).message}`, {}, { cause: error });
    }
    let at = 0;
    return Object.fromEntries(outputs.map(({ name, shape, size }) => {
      const data = new Float32Array(bytes, at, size / 4);
      at += size;
      return [name, { shape, data }];
    }));
  }

  /** GPU time of every dispatch, the median of `runs`, on whatever the inputs hold. Needs `timestamp-query`. */
  async profile(runs = 5): Promise<StepTime[]> {
    if (!this.device.timestamps) {
      throw new FeatherdetError(`the adapter "${this.device.adapter.name}" has no timestamp queries`);
    }
    const times: number[][] = [];
    for (let i = 0; i < runs; i++) times.push(await PassTimer.steps(this.device.device, this.#program));
    return this.plan.steps.map(({ name, operator, kernel, macs }, i) => {
      const sorted = times.map((run) => run[i]).sort((a, b) => a - b);
      return { name, operator, kernel: kernel.label, milliseconds: sorted[Math.floor(runs / 2)], macs };
    });
  }

  /** Bytes of GPU memory that the session holds: weights, parameters, activations. */
  get bytes(): number {
    return this.#program.memory.bytes;
  }

  /** Frees everything on the device; the session cannot be used afterwards. */
  destroy(): void {
    this.#destroyed = true;
    this.#program.destroy();
  }
}
