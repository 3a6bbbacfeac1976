/**
 * A detector in training on a device: the Trainer of the training loop.
 *
 * @module
 */

import { FeatherdetError, type Graph } from "../graph/mod.ts";
import { ASSIGNED_ANCHORS } from "../train/losses/detection_loss.ts";
import { LossScale } from "../train/losses/loss_scale.ts";
import type { StepReport, Trainer, TrainerState, TrainingBatch, UpdateSettings } from "../train/loop/trainer.ts";
import { TrainingSession, type TrainingSessionOptions } from "../engine/training_session.ts";
import { detectorProblem, type DetectorProblemOptions } from "./detector_problem.ts";

/** How a detector is trained. */
export interface TrainerOptions extends TrainingSessionOptions, DetectorProblemOptions {
  /** Values of the trained graph that every step tells (`StepReport.values`). */
  readonly report?: readonly string[];
}

/** Name of the scale in a trainer's state. */
const SCALE = "train/loss_scale";

/** Names of what a step is fed and reports; those of the labels are missing where there are none. */
interface StepNames {
  readonly images: string;
  readonly boxes?: string;
  readonly labelLosses?: string;
  readonly report: readonly string[];
  readonly losses: readonly string[];
}

/** Facts of a trainer that its session does not know. */
interface TrainerFacts {
  /** Rows for boxes of each picture. */
  readonly boxes: number;
  /** Number of parameters. */
  readonly parameters: number;
  /** How activations and gradients are stored. */
  readonly precision: "f32" | "f16";
}

/** A Trainer over a TrainingSession; made by `createTrainer`. */
export class DetectionTrainer implements Trainer {
  readonly batch: number;
  readonly size: readonly [number, number];
  readonly boxes: number;
  readonly parameters: number;
  readonly #session: TrainingSession;
  readonly #names: StepNames;
  readonly #scale: LossScale;
  /** Scale of the batches that are in the sum of gradients. */
  #summedScale: number | undefined;

  /** Call `createTrainer` instead. */
  constructor(
    session: TrainingSession,
    names: StepNames,
    { boxes, parameters, precision }: TrainerFacts,
  ) {
    this.#session = session;
    this.#names = names;
    const { shape: [batch, , height, width] } = session.inputs.find(({ name }) => name === names.images)!;
    [this.batch, this.size, this.boxes, this.parameters] = [batch, [height, width], boxes, parameters];
    this.#scale = new LossScale(precision);
  }

  /** Names of the losses of every step. */
  get losses(): readonly string[] {
    return this.#names.losses;
  }

  /** The session behind it, for profiles. */
  get session(): TrainingSession {
    return this.#session;
  }

  async step(batch: TrainingBatch, update?: UpdateSettings, epoch = 0): Promise<StepReport> {
    const { images, boxes, fed, factors, keepsStatistics } = batch, { labelLosses, report } = this.#names;
    const scale = this.#summedScale ?? this.#scale.next();
    const inputs = {
      [this.#names.images]: images,
      ...this.#names.boxes !== undefined && { [this.#names.boxes]: boxes },
      ...fed,
    };
    this.#summedScale = update ? undefined : scale;
    const begun = update && this.#scale.begin();
    try {
      const { values, ...told } = await this.#session.step(inputs, update, {
        ...{ lossScale: scale, epoch, factors, keepsStatistics },
      });
      begun?.reported(told.skipped);
      const { losses, lossWeights, gradientNorm, skipped } = told;
      return {
        losses,
        ...(lossWeights && { lossWeights }),
        ...(labelLosses !== undefined && { positives: values[labelLosses][ASSIGNED_ANCHORS] }),
        ...{ gradientNorm, skipped },
        ...(report.length > 0 && { values: Object.fromEntries(report.map((name) => [name, values[name]])) }),
      };
    } catch (error) {
      begun?.failed();
      throw error;
    }
  }

  async gradient(): Promise<{ readonly sum: Float32Array; readonly batches: number }> {
    const { sum, batches } = await this.#session.gradient();
    const scale = this.#summedScale ?? 1;
    return { sum: scale === 1 ? sum : sum.map((value) => value / scale), batches };
  }

  addGradient(sum: Float32Array, batches: number): void {
    const scale = this.#summedScale ??= this.#scale.next();
    this.#session.addGradient(scale === 1 ? sum : sum.map((value) => value * scale), batches);
  }

  trained(which: "current" | "average"): Promise<ReadonlyMap<string, Float32Array>> {
    return this.#session.trained(which);
  }

  async state(): Promise<TrainerState> {
    const { updates, arrays } = await this.#session.state();
    return { updates, arrays: new Map([...arrays, [SCALE, this.#scale.state]]) };
  }

  restore(state: TrainerState): void {
    const scale = state.arrays.get(SCALE);
    if (scale === undefined) throw new FeatherdetError(`the state is of another trainer: it has no "${SCALE}"`);
    this.#session.restore(state);
    this.#scale.restore(scale);
    this.#summedScale = undefined;
  }

  takeAverage(): Promise<void> {
    return this.#session.takeAverage();
  }

  findNonFinite(): Promise<string | undefined> {
    return this.#session.findNonFinite();
  }

  destroy(): void {
    this.#session.destroy();
  }
}

/**
 * Prepares a detector for training on a device, as a variant if one is given. A step has the model's batch and input size, so build the
 * model with the batch that you want to train with. BatchNormalization must not be folded.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { createTrainer } from "./detection_trainer.ts";
 * import { yolo11 } from "../models/yolo11.ts";
 * const model = yolo11({ width: 0.0625, size: 64, batch: 2, classes: 3 });
 * const trainer = await createTrainer(model, { boxes: 4 });
 * const images = new Float32Array(2 * 3 * 64 * 64).fill(0.5);
 * const boxes = new Float32Array(2 * 4 * 5).fill(-1);
 * boxes.set([1, 10, 12, 40, 44]); // class 1, left, top, right, bottom on the first picture
 * const { losses, positives } = await trainer.step({ images, boxes }, {
 *   learningRates: { weight: 0.01, bias: 0.01, norm: 0.01 }, momentum: 0.9, weightDecay: 5e-4, averageDecay: 0.9, clipNorm: 10,
 * });
 * assert.ok(losses.box > 0 && positives! > 0);
 * trainer.destroy();
 * ```
 *
 * Throws FeatherdetError for a model without a head that is trained or without BatchNormalization to train, if there is no adapter, and if memory
 * does not suffice.
 */
export async function createTrainer(model: Graph, options: TrainerOptions): Promise<DetectionTrainer> {
  const { report = [] } = options, { problem, images, label } = detectorProblem(model, options);
  const session = await TrainingSession.create({ ...problem, report }, options);
  const parameters = problem.parameters.reduce((sum, { initial }) => sum + initial.data.length, 0);
  const losses = problem.losses?.map(({ name }) => name) ?? [];
  const names = { images, report, losses, ...(label && { boxes: label.inputs.boxes, labelLosses: label.losses }) };
  const { boxes, precision = "f32" } = options;
  return new DetectionTrainer(session, names, { boxes, parameters, precision });
}
