/**
 * Learning rates, momentum and the other settings of every step, as functions of the step alone, so that a resumed run needs no memory
 * of them.
 *
 * The numbers are those with which YOLO11 is trained: warm-up, decay of the learning rate to a share of itself, weight decay for a
 * nominal batch of 64, moving average of the weights. What is ours: the warm-up takes at most a fifth of the run, and the last pictures
 * of an epoch are an update of their own where they fill none, so that epochs are alike and can be resumed after.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import type { UpdateSettings } from "./trainer.ts";

/** What moves the parameters: SGD with Nesterov momentum, or AdamW (Loshchilov and Hutter 2019). */
export type Optimizer = "sgd" | "adamw";

/** From what to what learning rates fall. */
export type DecayUnit = "epoch" | "step";

/** Pictures of an update for which the published weight decay is stated. */
const NOMINAL_BATCH = 64;

/** Least steps of the published warm-up, and the largest share of the run that it may take here. */
const LEAST_WARMUP = 100, LARGEST_WARMUP_SHARE = 1 / 5;

/** Momentum at the first step of SGD, and the learning rate with which its biases begin. */
const FIRST_MOMENTUM = 0.8, FIRST_BIAS_RATE = 0.1;

/** Decay of the moving average late in a run, and the updates in which it gets 63 % of the way there. */
const AVERAGE_DECAY = 0.9999, AVERAGE_RAMP = 2000;

/** Runs of more updates than this are trained with SGD where nobody says. */
const SGD_UPDATES = 10_000;

/** How the steps of a run are set. */
export interface ScheduleOptions {
  /** What moves the parameters. */
  readonly optimizer: Optimizer;
  /** Passes over the pictures. */
  readonly epochs: number;
  /** Batches of a pass over the pictures. */
  readonly stepsPerEpoch: number;
  /** Pictures of a batch. */
  readonly batch: number;
  /** Batches of an update; 1 by default. */
  readonly accumulate?: number;
  /** Learning rate after the warm-up; by default that of `defaultRates`. */
  readonly learningRate: number;
  /** Share of it at the end of the run; 0.01 by default. */
  readonly finalFactor?: number;
  /** Momentum of SGD or first beta of AdamW, after the warm-up; 0.937 or 0.9 by default. */
  readonly momentum?: number;
  /** Decay of weights at a nominal update of 64 pictures, scaled with what an update has here; 0.0005 by default. */
  readonly weightDecay?: number;
  /** Epochs of the warm-up, 0 for none; 3 by default. */
  readonly warmupEpochs?: number;
  /** Learning rates follow half a period of the cosine instead of a line. False by default. */
  readonly cosine?: boolean;
  /**
   * When learning rates fall: from epoch to epoch, as published and by default, or from step to step, so that a run of few epochs ends at
   * its least rate too.
   */
  readonly decayBy?: DecayUnit;
  /** Largest norm of the gradient; 10 by default. */
  readonly clipNorm?: number;
  /**
   * Epochs at the end in which the group `weight` does not move any more: biases and BatchNormalization get used to weights that, rounded,
   * would go to and fro between two numbers until the end. 0 by default.
   */
  readonly freezeEpochs?: number;
}

/** Published learning rate and momentum: 0.01 and 0.937 for SGD, 0.002 * 5 / (4 + classes) and 0.9 for AdamW. */
export function defaultRates(optimizer: Optimizer, classes: number): { learningRate: number; momentum: number } {
  if (optimizer === "sgd") return { learningRate: 0.01, momentum: 0.937 };
  return { learningRate: Number((0.002 * 5 / (4 + classes)).toFixed(6)), momentum: 0.9 };
}

/** The published choice where nobody says: AdamW for short runs, SGD for those of more than 10,000 updates. */
export function chooseOptimizer(updates: number): Optimizer {
  return updates > SGD_UPDATES ? "sgd" : "adamw";
}

/** Factor on the learning rate after `epoch` of the epochs, whole ones or parts: from 1 down to `finalFactor`. */
export function rateFactor(epoch: number, epochs: number, finalFactor: number, cosine: boolean): number {
  const done = Math.min(epoch / epochs, 1);
  const left = cosine ? (1 + Math.cos(Math.PI * done)) / 2 : 1 - done;
  return finalFactor + (1 - finalFactor) * left;
}

/** Steps of the warm-up: the asked epochs or 100 steps, whichever is more, but at most a fifth of the run. */
export function warmupSteps(warmupEpochs: number, stepsPerEpoch: number, epochs: number): number {
  if (warmupEpochs === 0) return 0;
  const published = Math.max(Math.round(warmupEpochs * stepsPerEpoch), LEAST_WARMUP);
  return Math.min(published, Math.floor(LARGEST_WARMUP_SHARE * epochs * stepsPerEpoch));
}

/** Share that the moving average of the weights keeps of itself at an update, counted from 1. */
export function averageDecay(update: number): number {
  return AVERAGE_DECAY * (1 - Math.exp(-update / AVERAGE_RAMP));
}

function checkNumber(name: string, value: number, low: number, high: number, isWhole = false): void {
  if (!(value >= low && value <= high) || (isWhole && !Number.isInteger(value))) {
    const range = high === Infinity ? `at least ${low}` : `${low} to ${high}`;
    throw new FeatherdetError(
      `training: ${name} is ${value}, expected a ${isWhole ? "whole number" : "number"} of ${range}`,
    );
  }
}

/** The settings of every step of a run. */
export class Schedule {
  /** The options with their defaults. */
  readonly options: Required<ScheduleOptions>;
  /** Steps of the warm-up. */
  readonly warmup: number;

  /** Throws FeatherdetError for numbers outside of their ranges, and for an unknown optimizer. */
  constructor(options: ScheduleOptions) {
    const {
      accumulate = 1,
      finalFactor = 0.01,
      momentum = defaultRates(options.optimizer, 1).momentum,
      weightDecay = 0.0005,
      warmupEpochs = 3,
      cosine = false,
      decayBy = "epoch",
      clipNorm = 10,
      freezeEpochs = 0,
    } = options;
    const { optimizer, epochs, stepsPerEpoch, batch, learningRate } = options;
    // Named one by one: what else an object of options holds is none of the schedule's.
    const full = {
      ...{ optimizer, epochs, stepsPerEpoch, batch, accumulate, learningRate, finalFactor, momentum, weightDecay },
      ...{ warmupEpochs, cosine, decayBy, clipNorm, freezeEpochs },
    };
    if (optimizer !== "sgd" && optimizer !== "adamw") {
      throw new FeatherdetError(`training: there is no optimizer "${optimizer}", there are sgd and adamw`);
    }
    if (decayBy !== "epoch" && decayBy !== "step") {
      throw new FeatherdetError(`training: learning rates fall by epoch or by step, not by "${decayBy}"`);
    }
    checkNumber("the number of epochs", full.epochs, 1, Infinity, true);
    checkNumber("the number of steps of an epoch", full.stepsPerEpoch, 1, Infinity, true);
    checkNumber("the batch", full.batch, 1, Infinity, true);
    checkNumber("the number of batches of an update", accumulate, 1, Infinity, true);
    checkNumber("the learning rate", full.learningRate, 0, 1e6);
    checkNumber("the final factor", finalFactor, 0, 1);
    checkNumber("the momentum", momentum, 0, 1);
    checkNumber("the weight decay", weightDecay, 0, 1e6);
    checkNumber("the number of epochs of the warm-up", warmupEpochs, 0, 1e6);
    checkNumber("the largest norm of the gradient", clipNorm, Number.MIN_VALUE, Infinity);
    checkNumber("the number of epochs with frozen weights", freezeEpochs, 0, full.epochs - 1, true);
    this.options = full;
    this.warmup = warmupSteps(warmupEpochs, full.stepsPerEpoch, full.epochs);
  }

  /** The first epoch in which weights are frozen; the number of epochs where there is none. */
  get firstFrozen(): number {
    return this.options.epochs - this.options.freezeEpochs;
  }

  /** Batches of the update that begins at a step of the run: 1 at first, all of them after the warm-up. */
  accumulation(step: number): number {
    const { accumulate } = this.options;
    if (step >= this.warmup) return accumulate;
    return Math.max(1, Math.round(1 + (accumulate - 1) * (step / this.warmup)));
  }

  /** Learning rates of the groups at a step of the run, counted from 0. */
  learningRates(step: number): UpdateSettings["learningRates"] {
    const { optimizer, epochs, stepsPerEpoch, learningRate, finalFactor, cosine, decayBy } = this.options;
    const epoch = Math.floor(step / stepsPerEpoch);
    const done = decayBy === "step" ? step / stepsPerEpoch : epoch;
    const rate = learningRate * rateFactor(done, epochs, finalFactor, cosine);
    const moves = epoch >= this.firstFrozen ? 0 : 1;
    if (step >= this.warmup) return { weight: moves * rate, norm: rate, bias: rate };
    const warm = step / this.warmup;
    // Adam's steps are as long as its rate whatever the gradient, so its biases may not begin with a large one.
    const first = optimizer === "sgd" ? FIRST_BIAS_RATE : 0;
    return { weight: moves * rate * warm, norm: rate * warm, bias: first + (rate - first) * warm };
  }

  /** Momentum at a step of the run: SGD's rises in the warm-up, AdamW's betas stay. */
  momentum(step: number): number {
    const { optimizer, momentum } = this.options;
    if (optimizer === "adamw" || step >= this.warmup) return momentum;
    return FIRST_MOMENTUM + (momentum - FIRST_MOMENTUM) * (step / this.warmup);
  }

  /** Decay of weights for the pictures that an update has here. */
  get weightDecay(): number {
    const { weightDecay, batch, accumulate } = this.options;
    return weightDecay * batch * accumulate / NOMINAL_BATCH;
  }

  /** For each step of an epoch whether the parameters move after it; they do after the last one. */
  updates(epoch: number): boolean[] {
    const { stepsPerEpoch } = this.options;
    const flags = new Array<boolean>(stepsPerEpoch).fill(false);
    for (let at = 0; at < stepsPerEpoch;) {
      at = Math.min(at + this.accumulation(epoch * stepsPerEpoch + at), stepsPerEpoch);
      flags[at - 1] = true;
    }
    return flags;
  }

  /** Settings of the update after a step of the run; `update` counts updates from 1. */
  settings(step: number, update: number): UpdateSettings {
    return {
      learningRates: this.learningRates(step),
      momentum: this.momentum(step),
      weightDecay: this.weightDecay,
      averageDecay: averageDecay(update),
      clipNorm: this.options.clipNorm,
    };
  }
}
