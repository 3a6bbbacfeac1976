/**
 * A TrainingSession holds a model's parameters on a device and makes steps with them: forward, backward and update in one submission.
 *
 * @module
 */

import type { Device } from "../gpu/device.ts";
import { FeatherdetError, type Shape, sizeOf } from "../graph/mod.ts";
import { OPTIMIZER_VALUES } from "../kernels/train/optimizer.ts";
import type { Plan } from "../plan/plan.ts";
import { DeviceGuard } from "./device_guard.ts";
import { type DispatchTime, profilePrograms } from "./profile.ts";
import type { TrainerState, UpdateSettings } from "../train/loop/trainer.ts";
import type { Losses } from "../train/losses/named_loss.ts";
import type { TrainingProblem } from "./training/plan.ts";
import { makeParts, type TrainingParts, type TrainingSessionOptions } from "./training/parts.ts";
import { Ledger } from "./training/ledger.ts";
import { StepReport } from "./training/step_report.ts";
export type { TrainingProblem } from "./training/plan.ts";
export type { TrainingSessionOptions } from "./training/parts.ts";

/** Where a step is in a run. */
export interface StepPlace {
  /** Epochs that are done, with fractions: weights of losses that change over a run follow from it. 0 by default. */
  readonly epoch?: number;
  /**
   * A factor on all gradients on their way, for storage in f16, by which the mean is divided again; 1 by default. The session multiplies
   * the weights of losses by it; seeds that no loss scales hold it already.
   */
  readonly lossScale?: number;
  /** Factors of losses in this step alone, by name; 1 for those that are not named. Losses that share an input share theirs. */
  readonly factors?: Readonly<Record<string, number>>;
  /** True where running statistics stay as they are; false by default. */
  readonly keepsStatistics?: boolean;
}

/** What a step reports. */
export interface TrainingStep {
  /** The problem's losses by name, times their weights. */
  readonly losses: Losses;
  /** The weights in this step, of losses that state one; undefined if none does. */
  readonly lossWeights?: Readonly<Record<string, number>>;
  /** The values that hold losses and those of the problem's `report`, by name. */
  readonly values: Readonly<Record<string, Float32Array>>;
  /** Norm of the mean gradient before it was clipped; undefined if nothing was updated. */
  readonly gradientNorm?: number;
  /** Whether the gradient held numbers that are not finite, so that the parameters did not move. */
  readonly skipped: boolean;
}

const { gradient, sum, state } = OPTIMIZER_VALUES;

/**
 * A model in training on a device. Parameters, gradients, moments and running statistics are flat buffers; a step uploads its inputs,
 * runs forward, loss and backward as one plan, updates, and reads back a few numbers.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { ModelBuilder } from "../models/builder.ts";
 * import { buildTrainingGraph } from "../train/mod.ts";
 * import { TrainingSession } from "./training_session.ts";
 * const b = new ModelBuilder();
 * const y = b.conv("conv", b.input("x", [2, 3, 8, 8]), { out: 4, kernel: 3 });
 * const squares = b.node("Mul", "squares", [y, y], {});
 * const loss = b.node("ReduceMean", "loss", [squares], { axes: [0, 1, 2, 3], keepDims: false });
 * const problem = { ...buildTrainingGraph(b.graph("net", [loss])), losses: [{ name: "squares", value: loss }] };
 * const session = await TrainingSession.create(problem);
 * const settings = {
 *   learningRates: { weight: 0.1, bias: 0.1, norm: 0.1 }, momentum: 0.9, weightDecay: 0, averageDecay: 0.9, clipNorm: 10,
 * };
 * const x = new Float32Array(2 * 3 * 8 * 8).fill(0.5);
 * const losses: number[] = [];
 * for (let i = 0; i < 5; i++) losses.push((await session.step({ x }, settings)).losses.squares);
 * assert.ok(losses[4] < losses[0]);
 * session.destroy();
 * ```
 */
export class TrainingSession {
  /** The plan of forward, loss and backward. */
  readonly plan: Plan;
  /** Where it runs. */
  readonly device: Device;
  readonly #parts: TrainingParts;
  readonly #report: StepReport;
  readonly #ledger: Ledger;
  readonly #guard: DeviceGuard;

  private constructor(parts: TrainingParts, report: readonly string[] = []) {
    this.plan = parts.plan;
    this.device = parts.device;
    this.#parts = parts;
    const { program, values } = parts;
    const memory = { plain: program.plain, state: values.buffers.get(state) };
    const names = [...new Set([...parts.losses.values, ...report])];
    this.#report = new StepReport(program.memory, parts.plan, names, memory);
    this.#guard = new DeviceGuard(parts.device, "training session", parts.plan.graph.name);
    this.#ledger = new Ledger(parts.device.device, parts.plan.graph.name);
  }

  /**
   * Makes the gradient graph, plans it, uploads parameters and compiles kernels.
   *
   * Throws FeatherdetError if there is no adapter, if no gradient goes through an operator or it has no kernel, if losses are not
   * what `NamedLoss` says, and if memory does not suffice.
   */
  static async create(problem: TrainingProblem, options: TrainingSessionOptions = {}): Promise<TrainingSession> {
    return new TrainingSession(await makeParts(problem, options), problem.report);
  }

  /** Inputs of a step: those of the model and of operators of losses. The session itself feeds the weights of losses. */
  get inputs(): readonly { readonly name: string; readonly shape: Shape }[] {
    const { losses } = this.#parts;
    return this.#fed().filter(({ name }) => !losses.inputs.has(name));
  }

  /** Inputs that every step uploads: all but parameters and statistics. */
  #fed() {
    const { parameters, statistics } = this.#parts.layouts;
    const own = new Set([...parameters.offsets.keys(), ...statistics.offsets.keys()]);
    return this.plan.graph.inputs.filter(({ name }) => !own.has(name));
  }

  #upload(inputs: Readonly<Record<string, Float32Array>>): void {
    for (const { name, shape } of this.#fed()) {
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

  /**
   * Adds the gradients of a batch to the sum; with settings, moves the parameters by the mean of what was summed and begins a new sum.
   * Steps run in the order of the calls; the next one may be started before this one has reported.
   *
   * Throws FeatherdetError for inputs that are missing or too long, for settings out of range, for a lost device, and for whatever else
   * keeps the device from making the step. Such a step has not happened, if no other was started behind it; otherwise, and where its
   * inputs did not arrive whole, the session refuses everything until a state is restored.
   */
  async step(
    inputs: Readonly<Record<string, Float32Array>>,
    update?: UpdateSettings,
    { epoch = 0, lossScale = 1, factors, keepsStatistics = false }: StepPlace = {},
  ): Promise<TrainingStep> {
    this.#check();
    const { program, optimizer, copies, losses } = this.#parts;
    const { batches } = this.#ledger;
    const arrival = this.#report.submit((encoder) => {
      if (update) optimizer.set({ ...update, factor: 1 / (batches + 1) / lossScale });
      this.#upload({ ...inputs, ...losses.feeds(epoch, lossScale, factors) });
      copies.encodeBefore(encoder, program.plain);
      const pass = encoder.beginComputePass();
      program.encode(pass);
      pass.end();
      copies.encodeAfter(encoder, program.plain);
      this.#addToSum(encoder);
      if (!keepsStatistics) optimizer.encode(encoder, "take");
      if (update) optimizer.encode(encoder, "update");
    }, (hasRun) => this.#ledger.undo(counted, hasRun));
    const counted = this.#ledger.count(update !== undefined);
    const { values, state: { norm, nonFinite } } = await this.#arrival(arrival);
    const lossWeights = losses.weights(epoch);
    const told = { losses: losses.read(values, epoch), ...(lossWeights && { lossWeights }), values };
    return update ? { ...told, gradientNorm: norm, skipped: nonFinite > 0 } : { ...told, skipped: false };
  }

  /** Throws FeatherdetError where nothing more can be done. */
  #check(): void {
    this.#guard.check();
    this.#ledger.check();
  }

  /** Waits for numbers, and for what the device says of earlier writes. */
  async #arrival<Result>(pending: Promise<Result>): Promise<Result> {
    const result = await this.#guard.arrival(pending);
    await this.#ledger.heard();
    return result;
  }

  /** Adds the gradient of one batch to the sum, or begins a new one with it, whatever the old one held. */
  #addToSum(encoder: GPUCommandEncoder): void {
    const { values: { buffers }, optimizer } = this.#parts;
    if (this.#ledger.batches > 0) optimizer.encode(encoder, "add");
    else encoder.copyBufferToBuffer(buffers.get(gradient), 0, buffers.get(sum), 0, buffers.get(sum).size);
  }

  /** Updates that were made or skipped. */
  get updates(): number {
    return this.#ledger.updates;
  }

  /** The summed gradient, by parameters as they lie flat, and how many batches are in it. */
  async gradient(): Promise<{ readonly sum: Float32Array; readonly batches: number }> {
    this.#check();
    const { batches } = this.#ledger;
    return { sum: (await this.#arrival(this.#parts.values.buffers.read([sum]))).get(sum)!, batches };
  }

  /** Adds what another session of the same problem has summed over some batches. */
  addGradient(other: Float32Array, batches: number): void {
    this.#check();
    const { layouts: { parameters: { size } }, values: { buffers }, optimizer } = this.#parts;
    if (other.length !== size) {
      throw new FeatherdetError(`the gradient has ${other.length} elements, that of this model has ${size}`, {
        file: this.plan.graph.name,
      });
    }
    this.#ledger.write("a gradient", () => {
      if (this.#ledger.batches === 0) {
        buffers.write(sum, other);
        return;
      }
      buffers.write(gradient, other);
      const encoder = this.device.device.createCommandEncoder();
      optimizer.encode(encoder, "add");
      this.device.device.queue.submit([encoder.finish()]);
    });
    this.#ledger.add(batches);
  }

  /** Parameters and statistics by the names of the model's constants, as they are or averaged. */
  async trained(which: "current" | "average" = "current"): Promise<Map<string, Float32Array>> {
    this.#check();
    return await this.#arrival(this.#parts.values.trained(which));
  }

  /** Gradients of the parameters of the batch that ran last, by name. */
  async gradients(): Promise<Map<string, Float32Array>> {
    this.#check();
    return await this.#arrival(this.#parts.values.gradients());
  }

  /** Everything that a resumed run needs. Throws FeatherdetError in the middle of a sum of gradients. */
  async state(): Promise<TrainerState> {
    this.#check();
    const { batches, updates } = this.#ledger;
    if (batches > 0) {
      throw new FeatherdetError(
        `there are ${batches} batches in the sum of gradients: update before taking the state`,
      );
    }
    return { updates, arrays: await this.#arrival(this.#parts.values.state()) };
  }

  /** Continues from a state, also behind a failed step. Throws FeatherdetError for the state of another model or optimizer. */
  restore({ updates, arrays }: TrainerState): void {
    this.#guard.check();
    this.#ledger.replace(updates, () => this.#parts.values.restore(arrays));
  }

  /** Parameters and statistics become their averages; moments stay. */
  async takeAverage(): Promise<void> {
    this.#check();
    try {
      await this.#arrival(this.#parts.values.takeAverage());
    } catch (error) {
      this.#ledger.doubt("the averages did not arrive on the device");
      throw error;
    }
  }

  /** Name of the first parameter, in the model's order, that holds a number that is not finite, or whose gradient does. */
  async findNonFinite(): Promise<string | undefined> {
    this.#check();
    return await this.#arrival(this.#parts.values.findNonFinite());
  }

  /** GPU time of every dispatch of forward, loss and backward, the median of `runs`, then of the update's. Needs `timestamp-query`. */
  async profile(runs = 5): Promise<DispatchTime[]> {
    const { values, program, optimizer } = this.#parts;
    // Updates that are only timed must not move anything.
    this.#check();
    const before = await this.#arrival(values.state());
    try {
      return await this.#guard.arrival(profilePrograms(this.device, [program, optimizer.program], runs));
    } finally {
      if (!this.#guard.isDestroyed) this.#ledger.write("a state", () => values.restore(before));
    }
  }

  /** Bytes of GPU memory that the session holds. */
  get bytes(): number {
    const { memory, program, optimizer } = this.#parts;
    return memory.bytes + program.memory.bytes + optimizer.program.memory.bytes;
  }

  /** Frees everything on the device; the session cannot be used afterwards. */
  destroy(): void {
    this.#guard.destroy();
    const { memory, program, optimizer } = this.#parts;
    for (const one of [program, optimizer.program, memory]) one.destroy();
  }
}
