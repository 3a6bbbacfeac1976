/**
 * What training asks of an engine: somebody who holds a model's parameters, makes steps with them, and tells and takes their state.
 * The loop is handed one and never touches a device itself.
 *
 * @module
 */

import type { ParameterGroup } from "../autodiff/training_graph.ts";
import type { Losses } from "../losses/named_loss.ts";

/** Pictures with the boxes on them. */
export interface TrainingBatch {
  /** `[batch, 3, height, width]`, row-major: red, green, blue in 0..1. */
  readonly images: Float32Array;
  /**
   * `[batch, boxes, 5]`: class, left, top, right, bottom in pixels of the input. Rows that hold no box have class -1; they come
   * after those that do.
   */
  readonly boxes: Float32Array;
  /** What else the step is fed, by the names of its inputs: what a teacher says of the pictures. */
  readonly fed?: Readonly<Record<string, Float32Array>>;
  /** Factors of losses in this step alone, by name; 1 for those that are not named. */
  readonly factors?: Readonly<Record<string, number>>;
  /** True where running statistics stay as they are: the step trains a part of the network, whose maps are others. */
  readonly keepsStatistics?: boolean;
}

/** How the parameters move. */
export interface UpdateSettings {
  /** Learning rate of each group of parameters. */
  readonly learningRates: Readonly<Record<ParameterGroup, number>>;
  /** Momentum of SGD, first beta of AdamW. */
  readonly momentum: number;
  /** Decay of the group `weight`, 0 for none. */
  readonly weightDecay: number;
  /** Share that the moving average of the parameters keeps of itself, 0..1. */
  readonly averageDecay: number;
  /** Largest norm of the gradient; a longer one is shortened to it. */
  readonly clipNorm: number;
}

/** What a step reports. */
export interface StepReport {
  /** Losses of the batch by name, weighted as they enter the sum, those of a detector divided by the batch; all steps tell the same. */
  readonly losses: Losses;
  /** Weights of losses that state one, which the losses are already multiplied by; undefined if none does. */
  readonly lossWeights?: Readonly<Record<string, number>>;
  /** Anchor points that were assigned to a box; undefined if nothing is compared with boxes. */
  readonly positives?: number;
  /** Norm of the gradient before clipping; undefined if nothing was updated. */
  readonly gradientNorm?: number;
  /** Whether the gradient held a number that is not finite, so that no parameter moved. */
  readonly skipped: boolean;
  /** Values that whoever made the trainer wanted to be told of, by name; undefined where there are none. */
  readonly values?: Readonly<Record<string, Float32Array>>;
}

/** Everything that a resumed run needs, by name; flat arrays whose order only the trainer knows. */
export interface TrainerState {
  /** Updates that were made. */
  readonly updates: number;
  /** Parameters, moments, averages, statistics, counters. */
  readonly arrays: ReadonlyMap<string, Float32Array>;
}

/** A model in training. */
export interface Trainer {
  /** Pictures of a batch. */
  readonly batch: number;
  /** Height and width of the input. */
  readonly size: readonly [height: number, width: number];
  /** Rows for boxes of each picture. */
  readonly boxes: number;
  /** Number of parameters. */
  readonly parameters: number;
  /**
   * Adds the gradient of a batch to the sum, then, where settings are given, moves the parameters by the mean of what was summed and
   * begins a new sum. Steps are carried out in the order of the calls; the next may be asked for before this one has reported.
   * `epoch` are the epochs that are done, with fractions, from which weights of losses that change over a run follow.
   */
  step(batch: TrainingBatch, update?: UpdateSettings, epoch?: number): Promise<StepReport>;
  /** The summed gradient, flat, and how many batches are in it. */
  gradient(): Promise<{ readonly sum: Float32Array; readonly batches: number }>;
  /** Adds what another trainer of the same model has summed, so that a batch can be spread over devices. */
  addGradient(sum: Float32Array, batches: number): void;
  /** Parameters and statistics by the names of the model's constants, as they are or averaged; `withWeights` puts them into a model. */
  trained(which: "current" | "average"): Promise<ReadonlyMap<string, Float32Array>>;
  /** Parameters and statistics become their averages. */
  takeAverage(): Promise<void>;
  /** Everything that a resumed run needs. */
  state(): Promise<TrainerState>;
  /** Continues from a state. Throws FeatherdetError for the state of another model or optimizer. */
  restore(state: TrainerState): void;
  /** Name of the first layer (in the model's order) whose parameters, statistics or gradients hold numbers that are not finite. */
  findNonFinite(): Promise<string | undefined>;
  /** Frees everything on the device. */
  destroy(): void;
}
