/**
 * What the training of a detector is asked for, and what it gives.
 *
 * @module
 */

import type { AugmentOptions, DatasetBatch } from "../data/augment/mod.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Evaluation } from "../eval/evaluate.ts";
import type { Graph } from "../graph/mod.ts";
import type { Tuning } from "../plan/tuning.ts";
import type { Checkpoint } from "../train/loop/checkpoint.ts";
import type { LoopOptions } from "../train/loop/loop.ts";
import type { EpochRecord, RunRecord, Score } from "../train/loop/record.ts";
import type { Optimizer, ScheduleOptions } from "../train/loop/schedule.ts";
import type { TrainingStore } from "../train/loop/store.ts";
import type { Trainer } from "../train/loop/trainer.ts";
import type { TrainingVariant } from "../train/mod.ts";
import type { TrainerOptions } from "./detection_trainer.ts";
import type { KeptOptions } from "./distill/kept_views.ts";
import type { QuantizedTrainingOptions } from "./quantized_training.ts";
import type { ChosenTraining } from "./training_memory.ts";

/** How a detector is trained. Defaults are the published ones of YOLO11 unless said otherwise. */
export interface TrainOptions
  extends
    Partial<Omit<ScheduleOptions, "optimizer" | "stepsPerEpoch">>,
    Pick<LoopOptions, "validateEvery" | "metric" | "patience" | "saveEvery" | "signal" | "onStep" | "onEpoch">,
    Pick<TrainerOptions, "boxLoss" | "precision" | "recompute" | "start" | "labels">,
    Partial<QuantizedTrainingOptions> {
  /**
   * Whether BatchNormalization is folded into the convolutions before the training: layers then normalise by the statistics that the model
   * has, not by those of each batch, which say little where a batch has few pictures. For models that have learned already. False by default.
   */
  readonly fixedNorm?: boolean;
  /** Passes over the pictures; 40 by default (our choice). */
  readonly epochs?: number;
  /** Pictures of a step; 8 by default. */
  readonly batch?: number;
  /** `auto`, the default: AdamW for runs of up to 10,000 updates, SGD for longer ones. */
  readonly optimizer?: Optimizer | "auto";
  /** Pictures that are not trained on, to choose the best epoch. Without them the last epoch is the best. */
  readonly validation?: Dataset;
  /** Augmentation of pictures; by default the usual one of YOLO detectors, `false` for none. */
  readonly augment?: AugmentOptions | false;
  /** Epochs at the end without mosaics; 10 by default, but at most a quarter of the run. */
  readonly closeMosaic?: number;
  /** Fixed views of each picture, which come again and again (see `TrainingBatchesOptions`); by default every epoch has others. */
  readonly views?: number;
  /** How what a teacher that is `apart` says of the fixed views is kept. */
  readonly kept?: KeptOptions;
  /** Equal seeds give equal runs on one adapter; 0 by default. */
  readonly seed?: number;
  /** Workers that make batches; half of the processors by default, 0 for none. */
  readonly workers?: number;
  /** Where checkpoints, model and log go; in memory by default. */
  readonly store?: TrainingStore;
  /** A checkpoint to continue from. The model and every option that decides on the result must be those of the run. */
  readonly resume?: Checkpoint;
  /** Notes on the origin of the run that checkpoints and log keep, as JSON. */
  readonly notes?: Readonly<Record<string, unknown>>;
  /**
   * Further training variants, behind rounding: losses that regularise, parts that teach. Each has its own losses by name, and its
   * settings are those of the run.
   */
  readonly variants?: readonly TrainingVariant[];
  /** What `tune` found on this adapter. */
  readonly tuning?: Tuning;
  /**
   * Most bytes of device memory, of the step and of the validation's detector together. Activated maps are computed twice, batches made
   * smaller (and accumulated, so that an update has as many pictures), at last f16 taken, where it has to be. `onFitted` is told.
   */
  readonly memoryLimit?: number;
  /** Told how the run fits into `memoryLimit`, before it begins. */
  readonly onFitted?: (chosen: ChosenTraining) => void;
  /** Called with each batch before it is trained on. The run waits for the returned promise. */
  readonly onBatch?: (batch: DatasetBatch) => void | Promise<void>;
  /** Called after an epoch that is the best so far, with what its validation found. The run waits for the returned promise. */
  readonly onBest?: (evaluation: Evaluation, epoch: EpochRecord) => void | Promise<void>;
  /** Called after each validated picture. */
  readonly onValidated?: (done: number, total: number) => void;
  /** Makes the trainer; on the device by default. */
  readonly createTrainer?: (model: Graph, options: TrainerOptions) => Promise<Trainer>;
}

/** What training gave. */
export interface TrainResult {
  /** Figures of the best epoch on the validation pictures; undefined if there are none. */
  readonly score?: Score;
  /** Best epoch, counted from 1; the last one without a validation. */
  readonly bestEpoch: number;
  /** Epochs that were done, including those before a resume. */
  readonly epochs: number;
  /** Time that they took, including validation. */
  readonly seconds: number;
  /** Why it ended: all epochs are done, no epoch was better for too long, or the signal stopped it. */
  readonly reason: "finished" | "patience" | "interrupted";
  /** The model with its averaged weights of the best epoch, at batch 1; with those of the end where there was no validation, or the
   * store has no longer what a run that was resumed had found. */
  readonly model: Graph;
  /** All epochs. */
  readonly run: RunRecord;
  /** What was corrected while the data set was read, and boxes that found no row in a batch, a sentence each. */
  readonly warnings: readonly string[];
}
