/**
 * A detector in training on a device: the Trainer of the training loop.
 *
 * @module
 */

import { FeatherdetError, type Graph } from "../graph/mod.ts";
import { type DetectionLossOptions, withDetectionLoss } from "../train/losses/detection_loss.ts";
import { LossScale } from "../train/losses/loss_scale.ts";
import { trainingGraph, type TrainingOptions } from "../train/mod.ts";
import type { StepReport, Trainer, TrainerState, TrainingBatch, UpdateSettings } from "../train/loop/trainer.ts";
import { TrainingSession, type TrainingSessionOptions } from "../engine/training_session.ts";

/** How a detector is trained. */
export interface TrainerOptions
  extends TrainingSessionOptions, Omit<TrainingOptions, "outputs">, DetectionLossOptions {}

/** Name of the scale in a trainer's state. */
const SCALE = "train/loss_scale";

/** Names of what a step is fed and reports. */
interface StepNames {
  readonly images: string;
  readonly boxes: string;
  readonly scale: string;
  readonly losses: string;
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
    parameters: number,
    precision: "f32" | "f16",
  ) {
    this.#session = session;
    this.#names = names;
    this.parameters = parameters;
    const shapeOf = (name: string) => session.inputs.find((input) => input.name === name)!.shape;
    const [batch, , height, width] = shapeOf(names.images);
    [this.batch, this.size, this.boxes] = [batch, [height, width], shapeOf(names.boxes)[1]];
    this.#scale = new LossScale(precision);
  }

  /** The session behind it, for profiles. */
  get session(): TrainingSession {
    return this.#session;
  }

  async step({ images, boxes }: TrainingBatch, update?: UpdateSettings): Promise<StepReport> {
    const { losses: report } = this.#names;
    const scale = this.#summedScale ?? this.#scale.next();
    const inputs = {
      [this.#names.images]: images,
      [this.#names.boxes]: boxes,
      [this.#names.scale]: Float32Array.of(scale),
    };
    this.#summedScale = update ? undefined : scale;
    const begun = update && this.#scale.begin();
    try {
      const { values, gradientNorm, skipped } = await this.#session.step(inputs, update, scale);
      begun?.reported(skipped);
      const [box, classes, distribution, positives] = values[report];
      return { losses: { box, classes, distribution }, positives, gradientNorm, skipped };
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

  findNonFinite(): Promise<string | undefined> {
    return this.#session.findNonFinite();
  }

  destroy(): void {
    this.#session.destroy();
  }
}

/**
 * Prepares a detector for training on a device. A step has the model's batch and input size, so build the model with the batch that you
 * want to train with. BatchNormalization must not be folded.
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
 * assert.ok(losses.box > 0 && positives > 0);
 * trainer.destroy();
 * ```
 *
 * Throws FeatherdetError for a model without a YOLO11 head or without BatchNormalization to train, if there is no adapter, and if memory
 * does not suffice.
 */
export async function createTrainer(model: Graph, options: TrainerOptions): Promise<DetectionTrainer> {
  const { graph, seeds, losses, inputs } = withDetectionLoss(model, options);
  const training = trainingGraph(graph, { ...options, outputs: [losses] });
  const session = await TrainingSession.create({ ...training, seeds, report: [losses] }, options);
  const count = training.parameters.reduce((sum, { initial }) => sum + initial.data.length, 0);
  const names = { images: model.inputs[0].name, boxes: inputs.boxes, scale: inputs.scale, losses };
  return new DetectionTrainer(session, names, count, options.precision ?? "f32");
}
