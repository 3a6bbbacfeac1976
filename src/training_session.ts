/**
 * A TrainingSession holds a model's parameters on a device and makes steps with them: forward, backward and update in one submission.
 *
 * @module
 */

import { adoptDevice, type Device, sharedDevice } from "./gpu/device.ts";
import { Memory } from "./gpu/memory.ts";
import { NamedBuffers } from "./gpu/named_buffers.ts";
import { ReadbackPool } from "./gpu/readback.ts";
import { PassTimer } from "./gpu/timing.ts";
import { FeatherdetError, type Shape, sizeOf } from "./graph/mod.ts";
import { flatten, unflatten } from "./kernels/train/flat.ts";
import {
  OPTIMIZER_VALUES,
  optimizerBuffers,
  type OptimizerMethod,
  readOptimizerState,
} from "./kernels/train/optimizer.ts";
import { outputValue, type Plan } from "./plan/plan.ts";
import type { Tuning } from "./plan/tuning.ts";
import { type External, Program } from "./program.ts";
import { planLimits, type SessionOptions, type StepTime, storageForm } from "./session.ts";
import type { TrainerState, UpdateSettings } from "./train/trainer.ts";
import {
  type FlatLayouts,
  type FlatTensors,
  NO_SETTINGS,
  type OptimizerKernels,
  optimizerKernels,
  planTraining,
  type TrainingProblem,
} from "./training_plan.ts";
export type { TrainingProblem } from "./training_plan.ts";

/** How a training session is made. */
export interface TrainingSessionOptions extends Omit<SessionOptions, "shapes" | "precision"> {
  /** How parameters move; default `sgd`. */
  readonly optimizer?: OptimizerMethod;
  /**
   * Storage of activations and their gradients; default `f32`. Parameters, their gradients and moments are f32 in either case, as is
   * arithmetic.
   */
  readonly precision?: "f32" | "f16";
  /**
   * Computes activated maps again on the way back instead of keeping them; false by default. Takes a bit more than half of the memory
   * for activations and a pass more over each of them; results are the same. See `train/recompute.ts`.
   */
  readonly recompute?: boolean;
  /** Tiles that `tune` found on this adapter. */
  readonly tuning?: Tuning;
}

/** What a step tells. */
export interface TrainingStep {
  /** The values of the problem's `report`, by name. */
  readonly values: Readonly<Record<string, Float32Array>>;
  /** Norm of the mean gradient before it was clipped; undefined where nothing was updated. */
  readonly gradientNorm?: number;
  /** True where the gradient held numbers that are not finite, so that the parameters stayed as they were. */
  readonly skipped: boolean;
}

const { gradient, sum, parameters, average, statistics, nextStatistics, averageStatistics: statisticsAverage, state } =
  OPTIMIZER_VALUES;

/** What a session is made of. */
interface Parts {
  readonly plan: Plan;
  readonly device: Device;
  readonly problem: TrainingProblem;
  readonly method: OptimizerMethod;
  readonly layouts: FlatLayouts;
  readonly tensors: FlatTensors;
  readonly program: Program;
  readonly optimizer: Program;
  readonly range: OptimizerKernels["range"];
  readonly memory: Memory;
  readonly buffers: NamedBuffers;
  /** Between flat buffers and values that the plan had to place in its own memory. */
  readonly copies: { readonly before: readonly Copy[]; readonly after: readonly Copy[] };
}

/**
 * A model in training on a device. Parameters, gradients, moments and running statistics are flat buffers; a step uploads its inputs,
 * runs forward, loss and backward as one plan, updates, and reads back a few numbers.
 *
 * ```ts
 * import { ModelBuilder } from "./models/builder.ts";
 * import { trainingGraph } from "./train/mod.ts";
 * import { TrainingSession } from "./training_session.ts";
 * const b = new ModelBuilder();
 * const y = b.conv("conv", b.input("x", [2, 3, 8, 8]), { out: 4, kernel: 3 });
 * const squares = b.node("Mul", "squares", [y, y], {});
 * const loss = b.node("ReduceMean", "loss", [squares], { axes: [0, 1, 2, 3], keepDims: false });
 * const problem = { ...trainingGraph(b.graph("net", [loss])), loss, report: [loss] };
 * const session = await TrainingSession.create(problem);
 * const settings = {
 *   learningRates: { weight: 0.1, bias: 0.1, norm: 0.1 }, momentum: 0.9, weightDecay: 0, averageDecay: 0.9, clipNorm: 10,
 * };
 * const x = new Float32Array(2 * 3 * 8 * 8).fill(0.5);
 * for (let i = 0; i < 5; i++) console.log((await session.step({ x }, settings)).values.loss[0]); // falls
 * session.destroy();
 * ```
 */
export class TrainingSession {
  /** The plan of forward, loss and backward. */
  readonly plan: Plan;
  /** Where it runs. */
  readonly device: Device;
  readonly #parts: Parts;
  readonly #readback: ReadbackPool;
  #batches = 0;
  #updates = 0;
  #lost: string | undefined;
  #destroyed = false;

  private constructor(parts: Parts) {
    this.plan = parts.plan;
    this.device = parts.device;
    this.#parts = parts;
    const reported = this.#reported().reduce((sum, { size }) => sum + size, 0);
    this.#readback = new ReadbackPool(parts.program.memory, reported + parts.buffers.get(state).size);
    parts.device.device.lost.then(({ message }) => this.#lost = message || "no reason given");
  }

  /**
   * Makes the gradient graph, plans it, uploads parameters and compiles kernels.
   *
   * Throws FeatherdetError where there is no adapter, where no gradient goes through an operator or it has no kernel, and where memory
   * does not suffice.
   */
  static async create(problem: TrainingProblem, options: TrainingSessionOptions = {}): Promise<TrainingSession> {
    const device = options.device ? await adoptDevice(options.device) : await sharedDevice();
    const form = storageForm(device, options);
    const method = options.optimizer ?? "sgd";
    const { plan, tensors, layouts, places } = planTraining(problem, {
      form,
      ...planLimits(device, form),
      tuning: options.tuning,
      target: device.adapter.software ? "software" : "hardware",
      recompute: options.recompute,
    });
    const { kernels, range } = optimizerKernels(method, layouts, NO_SETTINGS);
    const bytes = new Map([
      ...optimizerBuffers(method, layouts.parameters).map(({ name, bytes }) => [name, bytes] as const),
      [gradient, 4 * layouts.parameters.size],
      ...[statistics, nextStatistics, statisticsAverage].map((name) => [name, 4 * layouts.statistics.size] as const),
    ]);
    const memory = new Memory(device.device);
    const started: Program[] = [];
    try {
      const buffers = new NamedBuffers(memory, bytes);
      const flats = new Map<string, External>(
        [...buffers.entries()].map(([name, buffer]) => [name, { kind: "buffer", buffer }]),
      );
      const parts = new Map<string, External>([...places].map(([value, { flat, offset, size }]) => [
        value,
        { kind: "buffer", buffer: buffers.get(flat), offset, size },
      ]));
      const placed = [...places].filter(([value]) => plan.placements.has(value));
      for (const [value] of placed) parts.delete(value);
      const program = await Program.create(device, { ...plan, external: parts });
      started.push(program);
      const steps = kernels.map((kernel) => ({ name: kernel.label, operator: "Optimizer", kernel, macs: 0 }));
      const none = { form: plan.form, pitch: 4, pages: 1, int8Pages: 0, plainBytes: 16, placements: new Map() };
      const optimizer = await Program.create(device, { ...none, steps, external: flats });
      started.push(optimizer);
      const copies = placed.map(([value, { flat, offset, size }]): Copy & { into: boolean } => ({
        into: flat === parameters || flat === statistics,
        flat: buffers.get(flat),
        flatOffset: offset,
        plainOffset: plan.placements.get(value)!.offset,
        size,
      }));
      const session = new TrainingSession({
        plan,
        device,
        problem,
        method,
        layouts,
        tensors,
        program,
        optimizer,
        range,
        memory,
        buffers,
        copies: { before: copies.filter(({ into }) => into), after: copies.filter(({ into }) => !into) },
      });
      session.#writeInitial();
      return session;
    } catch (error) {
      for (const one of [...started, memory]) one.destroy();
      throw error;
    }
  }

  #writeInitial(): void {
    const { parameters: trained, statistics: running } = this.#parts.problem;
    const data = (list: readonly { name: string; initial: { data: ArrayLike<number> } }[]) =>
      new Map(list.map(({ name, initial }) => [name, initial.data] as const));
    const flatParameters = flatten(this.#parts.layouts.parameters, data(trained));
    const flatStatistics = flatten(this.#parts.layouts.statistics, data(running));
    for (const name of [parameters, average]) this.#parts.buffers.write(name, flatParameters);
    for (const name of [statistics, nextStatistics, statisticsAverage]) this.#parts.buffers.write(name, flatStatistics);
  }

  #reported() {
    return this.#parts.problem.report.map((name) => {
      const { offset } = this.plan.placements.get(outputValue(this.plan, name))!;
      return { name, offset, size: sizeOf(this.plan.types.get(name)!.shape) * 4, buffer: this.#parts.program.plain };
    });
  }

  /** Inputs of a step: those of the model and of the loss. */
  get inputs(): readonly { readonly name: string; readonly shape: Shape }[] {
    const own = new Set([
      ...this.#parts.layouts.parameters.offsets.keys(),
      ...this.#parts.layouts.statistics.offsets.keys(),
    ]);
    return this.plan.graph.inputs.filter(({ name }) => !own.has(name));
  }

  #check(): void {
    if (this.#destroyed) {
      throw new FeatherdetError("the training session was destroyed", { file: this.plan.graph.name });
    }
    if (this.#lost !== undefined) throw new FeatherdetError(`the device was lost: ${this.#lost}`);
  }

  #upload(inputs: Readonly<Record<string, Float32Array>>): void {
    for (const { name, shape } of this.inputs) {
      const data = inputs[name];
      if (data?.length !== sizeOf(shape)) {
        throw new FeatherdetError(
          `input "${name}" is [${shape}], given was ${data ? `an array of ${data.length}` : "nothing"}`,
          { file: this.plan.graph.name },
        );
      }
      const { offset } = this.plan.placements.get(name)!;
      this.device.device.queue.writeBuffer(this.#parts.program.plain, offset, data as BufferSource);
    }
  }

  #dispatch(encoder: GPUCommandEncoder, part: keyof OptimizerKernels["range"]): void {
    const [first, end] = this.#parts.range[part];
    if (first === end) return;
    const pass = encoder.beginComputePass();
    this.#parts.optimizer.encode(pass, first, end);
    pass.end();
  }

  /**
   * Adds the gradients of a batch to the sum; with settings, moves the parameters by the mean of what was summed and begins a new sum.
   * `lossScale` is what the loss was multiplied by, which the mean is divided by. Steps run in the order of the calls; the next one may
   * be started before this one has reported.
   *
   * Throws FeatherdetError for inputs that are missing or too long, for settings out of range, and for a lost device.
   */
  async step(
    inputs: Readonly<Record<string, Float32Array>>,
    update?: UpdateSettings,
    lossScale = 1,
  ): Promise<TrainingStep> {
    this.#check();
    this.#upload(inputs);
    const encoder = this.device.device.createCommandEncoder();
    for (const { flat, flatOffset, plainOffset, size } of this.#parts.copies.before) {
      encoder.copyBufferToBuffer(flat, flatOffset, this.#parts.program.plain, plainOffset, size);
    }
    const pass = encoder.beginComputePass();
    this.#parts.program.encode(pass);
    pass.end();
    for (const { flat, flatOffset, plainOffset, size } of this.#parts.copies.after) {
      encoder.copyBufferToBuffer(this.#parts.program.plain, plainOffset, flat, flatOffset, size);
    }
    if (this.#batches++ === 0) {
      encoder.copyBufferToBuffer(
        this.#parts.buffers.get(gradient),
        0,
        this.#parts.buffers.get(sum),
        0,
        this.#parts.buffers.get(sum).size,
      );
    } else this.#dispatch(encoder, "add");
    this.#dispatch(encoder, "take");
    if (update) {
      const settings = { ...update, factor: 1 / this.#batches / lossScale };
      const [first] = this.#parts.range.update;
      const { kernels } = optimizerKernels(this.#parts.method, this.#parts.layouts, settings);
      kernels.slice(first).forEach((kernel, i) => this.#parts.optimizer.setParameters(first + i, kernel.parameters));
      this.#dispatch(encoder, "update");
      this.#batches = 0;
      this.#updates++;
    }
    const reported = this.#reported();
    const stateBuffer = this.#parts.buffers.get(state);
    const read = this.#readback.record(encoder, [
      ...reported,
      { buffer: stateBuffer, offset: 0, size: stateBuffer.size },
    ]);
    this.device.device.queue.submit([encoder.finish()]);
    const bytes = await read();
    let at = 0;
    const values = Object.fromEntries(reported.map(({ name, size }) => {
      const data = new Float32Array(bytes.slice(at, at + size));
      at += size;
      return [name, data];
    }));
    if (!update) return { values, skipped: false };
    const { norm, nonFinite } = readOptimizerState(new Float32Array(bytes.slice(at)));
    return { values, gradientNorm: norm, skipped: nonFinite > 0 };
  }

  /** Updates that were made or skipped. */
  get updates(): number {
    return this.#updates;
  }

  /** The summed gradient, by parameters as they lie flat, and how many batches are in it. */
  async gradient(): Promise<{ readonly sum: Float32Array; readonly batches: number }> {
    this.#check();
    const batches = this.#batches;
    return { sum: (await this.#parts.buffers.read([sum])).get(sum)!, batches };
  }

  /** Adds what another session of the same problem has summed over some batches. */
  addGradient(other: Float32Array, batches: number): void {
    this.#check();
    const { size } = this.#parts.layouts.parameters;
    if (other.length !== size) {
      throw new FeatherdetError(`the gradient has ${other.length} elements, that of this model has ${size}`, {
        file: this.plan.graph.name,
      });
    }
    if (this.#batches === 0) this.#parts.buffers.write(sum, other);
    else {
      this.#parts.buffers.write(gradient, other);
      const encoder = this.device.device.createCommandEncoder();
      this.#dispatch(encoder, "add");
      this.device.device.queue.submit([encoder.finish()]);
    }
    this.#batches += batches;
  }

  /** Parameters and statistics by the names of the model's constants, as they are or averaged. */
  async trained(which: "current" | "average" = "current"): Promise<Map<string, Float32Array>> {
    this.#check();
    const [first, second] = which === "average" ? [average, statisticsAverage] : [parameters, statistics];
    const flat = await this.#parts.buffers.read([first, second]);
    return new Map([
      ...unflatten(this.#parts.layouts.parameters, flat.get(first)!, this.#parts.tensors.parameters),
      ...unflatten(this.#parts.layouts.statistics, flat.get(second)!, this.#parts.tensors.statistics),
    ]);
  }

  /** Gradients of the parameters of the batch that ran last, by name. */
  async gradients(): Promise<Map<string, Float32Array>> {
    this.#check();
    return unflatten(
      this.#parts.layouts.parameters,
      (await this.#parts.buffers.read([gradient])).get(gradient)!,
      this.#parts.tensors.parameters,
    );
  }

  /** Names of the buffers that a resumed run needs. */
  #kept(): string[] {
    const own = optimizerBuffers(this.#parts.method, this.#parts.layouts.parameters).filter(({ kept }) => kept);
    return [...own.map(({ name }) => name), statistics, statisticsAverage];
  }

  /** All that a resumed run needs. Throws FeatherdetError in the middle of a sum of gradients. */
  async state(): Promise<TrainerState> {
    this.#check();
    if (this.#batches > 0) {
      throw new FeatherdetError(
        `there are ${this.#batches} batches in the sum of gradients: update before taking the state`,
      );
    }
    const updates = this.#updates;
    return { updates, arrays: await this.#parts.buffers.read(this.#kept()) };
  }

  /** Goes on from a state. Throws FeatherdetError for that of another model or optimizer. */
  restore({ updates, arrays }: TrainerState): void {
    this.#check();
    const names = this.#kept();
    for (const name of names) {
      const given = arrays.get(name)?.length, wanted = this.#parts.buffers.length(name);
      if (given !== wanted) {
        throw new FeatherdetError(
          `the state is of another model or optimizer: "${name}" has ${
            given ?? "no"
          } elements, ${wanted} were expected`,
          { file: this.plan.graph.name },
        );
      }
    }
    for (const name of names) this.#parts.buffers.write(name, arrays.get(name)!);
    this.#updates = updates;
    this.#batches = 0;
  }

  /** Name of the first parameter, in the model's order, that holds a number that is not finite, or whose gradient does. */
  async findNonFinite(): Promise<string | undefined> {
    const isBroken = (data: Float32Array) => data.some((value) => !Number.isFinite(value));
    const [current, gradients] = [await this.trained("current"), await this.gradients()];
    for (const { name } of this.#parts.problem.parameters) {
      if (isBroken(current.get(name)!) || isBroken(gradients.get(name)!)) return name;
    }
    return this.#parts.problem.statistics.find(({ name }) => isBroken(current.get(name)!))?.name;
  }

  /** GPU time of every dispatch of forward, loss and backward, the median of `runs`, then of the update's. Needs `timestamp-query`. */
  async profile(runs = 5): Promise<StepTime[]> {
    if (!this.device.timestamps) {
      throw new FeatherdetError(`the adapter "${this.device.adapter.name}" has no timestamp queries`);
    }
    const times: number[][] = [];
    // Updates that are only timed must not move anything.
    const before = await this.#parts.buffers.read(this.#kept());
    for (let i = 0; i < runs; i++) {
      times.push([
        ...await PassTimer.steps(this.device.device, this.#parts.program),
        ...await PassTimer.steps(this.device.device, this.#parts.optimizer),
      ]);
    }
    for (const [name, data] of before) this.#parts.buffers.write(name, data);
    return [...this.plan.steps, ...this.#parts.optimizer.steps].map(({ name, operator, kernel, macs }, i) => {
      const sorted = times.map((run) => run[i]).sort((a, b) => a - b);
      return { name, operator, kernel: kernel.label, milliseconds: sorted[Math.floor(runs / 2)], macs };
    });
  }

  /** Bytes of GPU memory that the session holds. */
  get bytes(): number {
    const { memory, program, optimizer } = this.#parts;
    return memory.bytes + program.memory.bytes + optimizer.memory.bytes;
  }

  /** Frees everything on the device; the session cannot be used afterwards. */
  destroy(): void {
    this.#destroyed = true;
    const { memory, program, optimizer } = this.#parts;
    for (const one of [program, optimizer, memory]) one.destroy();
  }
}

/** A copy between a flat buffer and the plan's memory. */
interface Copy {
  readonly flat: GPUBuffer;
  readonly flatOffset: number;
  readonly plainOffset: number;
  readonly size: number;
}
