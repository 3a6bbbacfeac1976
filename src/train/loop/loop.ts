/**
 * The training loop: epochs, steps, validation, checkpoints, early stopping, until the run is done or told to stop.
 *
 * Files of a run in its store: `last.ckpt` (written after every validation, every few minutes, and at the end), `best.ckpt` and
 * `best.onnx` (whenever the validation is better than before), `log.jsonl`, `results.csv`.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { type Checkpoint, writeCheckpoint } from "./checkpoint.ts";
import { beginLog, log, rewindLog } from "./log.ts";
import {
  type BestEpoch,
  EMPTY_TALLY,
  type EpochRecord,
  isLost,
  meanLosses,
  NEW_RUN,
  nonFiniteLosses,
  type Position,
  type RunRecord,
  type Score,
  tallied,
} from "./record.ts";
import { writeResults } from "./results.ts";
import type { Schedule } from "./schedule.ts";
import { runSteps, type SettledStep } from "./steps.ts";
import type { TrainingStore } from "./store.ts";
import type { Trainer, TrainingBatch } from "./trainer.ts";

/** Parameters and statistics by the names of the model's constants. */
export type Weights = ReadonlyMap<string, Float32Array>;

/** Where batches come from. */
export interface BatchSource {
  /** Batches of a round over the pictures. */
  readonly stepsPerEpoch: number;
  /** The batches from a place on, epoch after epoch, without end; the same ones whenever it is asked for them. */
  read(start: { readonly epoch: number; readonly step: number }): AsyncIterable<TrainingBatch>;
}

/** A step, as `onStep` is told of it. */
export interface StepEvent extends SettledStep {
  /** From 0. */
  readonly epoch: number;
  /** Over the last steps. */
  readonly imagesPerSecond: number;
}

/** How to run. */
export interface LoopOptions {
  /** Settings of every step. */
  readonly schedule: Schedule;
  /** Where the files of the run go. */
  readonly store: TrainingStore;
  /** Options of the run as JSON, which checkpoints and the log keep. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Measures the averaged weights on pictures that are not trained on; it may throw once the signal is aborted. */
  readonly validate?: (weights: Weights, epoch: number) => Promise<Score>;
  /** Epochs between validations; the last epoch always has one. 1 by default. */
  readonly validateEvery?: number;
  /** Figure by which the best epoch is chosen; `map` by default. */
  readonly metric?: keyof Score;
  /** Number of epochs without a better one after which the run ends, 0 for never; 100 by default. */
  readonly patience?: number;
  /** The ONNX file of the model with these weights, which checkpoints hold; without it there is no `best.onnx`. */
  readonly exportModel?: (weights: Weights) => Uint8Array;
  /** Makes the file `best.onnx` if it differs from the exported model: for a model with rounded weights. */
  readonly exportBest?: (weights: Weights) => Uint8Array;
  /** Longest time between two checkpoints in seconds; 300 by default. */
  readonly saveEvery?: number;
  /** Steps in a row whose gradient or losses are not finite after which the run fails; 10 by default. */
  readonly lostLimit?: number;
  /** The checkpoint to continue from. */
  readonly resume?: Checkpoint;
  /** Stops the run after the running update, with a checkpoint. */
  readonly signal?: AbortSignal;
  /** Called after each step. */
  readonly onStep?: (event: StepEvent) => void;
  /** Called after each epoch and its validation. The run waits for the returned promise. */
  readonly onEpoch?: (epoch: EpochRecord, run: RunRecord) => void | Promise<void>;
}

/** How a run ended. */
export interface LoopResult {
  /** All epochs done; no better one for too long; stopped by the signal. */
  readonly reason: "finished" | "patience" | "interrupted";
  readonly run: RunRecord;
}

/** Names of the files. */
export const LAST_CHECKPOINT = "last.ckpt", BEST_CHECKPOINT = "best.ckpt", BEST_MODEL = "best.onnx";

/** Steps over which pictures a second are averaged. */
const SPEED_WINDOW = 10;

/** One run in progress. */
class Loop {
  readonly #trainer: Trainer;
  readonly #source: BatchSource;
  readonly #options: LoopOptions;
  #run: RunRecord;
  /** When this part of the run began, in milliseconds; `#before` are seconds of the parts before. */
  readonly #began = performance.now();
  readonly #before: number;
  #saved = performance.now();
  #savedAt: Position | undefined;
  #lost = 0;

  constructor(trainer: Trainer, source: BatchSource, options: LoopOptions) {
    this.#trainer = trainer;
    this.#source = source;
    this.#options = options;
    this.#run = options.resume?.run ?? NEW_RUN;
    this.#before = this.#run.seconds;
    if (options.resume) trainer.restore(options.resume.state);
  }

  async run(): Promise<LoopResult> {
    const { store, settings, resume } = this.#options;
    const { position } = this.#run;
    await (resume ? rewindLog(store, position) : beginLog(store));
    await writeResults(store, this.#run.epochs);
    const { batch, size, parameters } = this.#trainer;
    await log(store, { event: "start", ...(resume && { resumed: position }), batch, size, parameters, settings });
    const batches = this.#source.read(position)[Symbol.asyncIterator]();
    try {
      const reason = await this.#epochs(batches);
      const isOnly = reason !== "interrupted" && this.#run.best === undefined;
      if (isOnly || this.#run.position !== this.#savedAt) await this.#save(isOnly);
      const { best, seconds } = this.#run;
      await log(store, { event: "end", reason, seconds, best });
      return { reason, run: this.#run };
    } finally {
      await batches.return?.();
    }
  }

  async #epochs(batches: AsyncIterator<TrainingBatch>): Promise<LoopResult["reason"]> {
    const { schedule, signal } = this.#options;
    while (this.#run.position.epoch < schedule.options.epochs) {
      if (this.#isExhausted()) return "patience";
      const { epoch, step } = this.#run.position;
      // Weights rest where they are validated and saved: at their average, in which going to and fro is evened out.
      if (epoch === schedule.firstFrozen && step === 0) await this.#trainer.takeAverage();
      await this.#steps(batches);
      // Short of the epoch's end only the signal stops it.
      if (signal?.aborted) return "interrupted";
      if (!await this.#endEpoch()) return "interrupted";
    }
    return "finished";
  }

  #isExhausted(): boolean {
    const { patience = 100 } = this.#options;
    const { best, position } = this.#run;
    return patience > 0 && best !== undefined && position.step === 0 && position.epoch - 1 - best.epoch >= patience;
  }

  async #steps(batches: AsyncIterator<TrainingBatch>): Promise<void> {
    const { schedule, signal, saveEvery = 300 } = this.#options;
    const { stepsPerEpoch } = schedule.options;
    const isDue = () => performance.now() - this.#saved >= 1000 * saveEvery;
    while (this.#run.position.step < stepsPerEpoch && !signal?.aborted) {
      const { epoch, step: from, updates } = this.#run.position;
      const pause = () => signal?.aborted === true || isDue();
      const steps = runSteps({ trainer: this.#trainer, schedule, batches, epoch, from, updates, pause });
      const times = [performance.now()];
      for await (const settled of steps) await this.#settle(settled, times);
      if (isDue() && !signal?.aborted) await this.#save();
    }
  }

  async #settle(settled: SettledStep, times: number[]): Promise<void> {
    const { store, onStep } = this.#options;
    const { step, updates, settings, report, waited } = settled;
    const { epoch } = this.#run.position;
    times.push(performance.now());
    if (times.length > SPEED_WINDOW + 1) times.shift();
    const [before, now] = times.slice(-2);
    const imagesPerSecond = 1000 * this.#trainer.batch * (times.length - 1) / (now - times[0]);
    const tally = tallied(this.#run.tally, report, (now - before) / 1000);
    this.#run = { ...this.#run, tally, position: { epoch, step: step + 1, updates } };
    const { learningRates, momentum } = settings ?? {};
    await log(store, { event: "step", epoch, step, ...report, learningRates, momentum, imagesPerSecond, waited });
    onStep?.({ ...settled, epoch, imagesPerSecond });
    this.#lost = isLost(report) ? this.#lost + 1 : 0;
    const { lostLimit = 10 } = this.#options;
    if (this.#lost >= lostLimit) await this.#fail(nonFiniteLosses(report));
  }

  async #fail(losses: readonly string[]): Promise<never> {
    const { epoch, step } = this.#run.position;
    const layer = await this.#trainer.findNonFinite();
    const places = [
      ...layer === undefined ? [] : [`first in layer "${layer}"`],
      ...losses.length === 0 ? [] : [`in the losses ${losses.map((name) => `"${name}"`).join(", ")}`],
    ].join(" and ");
    const where = places && `, ${places}`;
    throw new FeatherdetError(
      `training stopped in epoch ${
        epoch + 1
      } at step ${step}: ${this.#lost} steps in a row gave numbers that are not finite` +
        `${where}; a lower learning rate may help, ${LAST_CHECKPOINT} is from before if there is one`,
    );
  }

  /** Closes an epoch; false if the validation was stopped. */
  async #endEpoch(): Promise<boolean> {
    const { schedule, store, validate, validateEvery = 1, signal, onEpoch } = this.#options;
    const { epochs, stepsPerEpoch } = schedule.options;
    const { position: { epoch, updates }, tally } = this.#run;
    const isDue = validateEvery > 0 && ((epoch + 1) % validateEvery === 0 || epoch + 1 === epochs);
    let score: Score | undefined;
    if (validate && isDue) {
      const weights = await this.#trainer.trained("average");
      try {
        score = await validate(weights, epoch);
      } catch (error) {
        if (signal?.aborted) return false;
        throw error;
      }
    }
    const record: EpochRecord = {
      epoch,
      losses: meanLosses(tally),
      learningRates: schedule.learningRates((epoch + 1) * stepsPerEpoch - 1),
      imagesPerSecond: this.#trainer.batch * stepsPerEpoch / tally.seconds,
      seconds: tally.seconds,
      skipped: tally.skipped,
      ...(score && { score }),
    };
    const best = this.#better(epoch, score);
    this.#run = {
      ...this.#run,
      position: { epoch: epoch + 1, step: 0, updates },
      tally: EMPTY_TALLY,
      epochs: [...this.#run.epochs, record],
      ...(best && { best }),
    };
    await log(store, { event: "epoch", ...record });
    await writeResults(store, this.#run.epochs);
    if (score) await this.#save(best !== undefined);
    await onEpoch?.(record, this.#run);
    return true;
  }

  /** The epoch, if it is better than the best before. */
  #better(epoch: number, score: Score | undefined): BestEpoch | undefined {
    const { metric = "map" } = this.#options;
    const { best } = this.#run;
    return score && (best === undefined || score[metric] > best[metric]) ? { epoch, ...score } : undefined;
  }

  async #save(isBest = false): Promise<void> {
    const { store, exportModel, exportBest, settings = {} } = this.#options;
    this.#run = { ...this.#run, seconds: this.#before + (performance.now() - this.#began) / 1000 };
    this.#saved = performance.now();
    const state = await this.#trainer.state();
    // A run cannot go on from these: the checkpoint from before stays.
    if (![...state.arrays.values()].every((data) => data.every(Number.isFinite))) return;
    const weights = await this.#trainer.trained("average");
    const model = exportModel?.(weights);
    const bytes = await writeCheckpoint({ state, run: this.#run, settings, model });
    if (isBest) {
      const best = exportBest?.(weights) ?? model;
      if (best) await store.write(BEST_MODEL, best);
      await store.write(BEST_CHECKPOINT, bytes);
    }
    await store.write(LAST_CHECKPOINT, bytes);
    this.#saved = performance.now();
    this.#savedAt = this.#run.position;
  }
}

/** Throws FeatherdetError for options out of range. */
function checkOptions(
  { schedule, validateEvery = 1, metric = "map", patience = 100, saveEvery = 300, lostLimit = 10, resume }: LoopOptions,
): void {
  for (
    const [name, value, least] of [["validateEvery", validateEvery, 0], ["patience", patience, 0], [
      "lostLimit",
      lostLimit,
      1,
    ]] as const
  ) {
    if (Number.isSafeInteger(value) && value >= least) continue;
    throw new FeatherdetError(`training: ${name} is ${value}, expected a whole number of at least ${least}`);
  }
  if (!(saveEvery >= 0)) {
    throw new FeatherdetError(`training: saveEvery is ${saveEvery}, expected a number of seconds`);
  }
  if (metric !== "map" && metric !== "map50") {
    throw new FeatherdetError(`training: there is no metric "${metric}", there are map and map50`);
  }
  const done = resume?.run.position.epoch ?? 0;
  if (done > schedule.options.epochs) {
    throw new FeatherdetError(
      `the checkpoint is of a run that has done ${done} epochs already, asked for are ${schedule.options.epochs}`,
    );
  }
}

/**
 * Trains until all epochs are done, no better epoch was found for too long, or the signal stops it. The trainer stays as it is
 * then; whoever made it destroys it. Where there is no validation, the best model is the last one.
 *
 * Throws FeatherdetError for options out of range and where numbers stop being finite, with the layer, and passes on what trainer, batches, validation and store
 * throw; the files of the store are whole whatever happens.
 */
export async function runTraining(trainer: Trainer, source: BatchSource, options: LoopOptions): Promise<LoopResult> {
  if (source.stepsPerEpoch !== options.schedule.options.stepsPerEpoch) {
    throw new FeatherdetError(
      `training: the schedule has ${options.schedule.options.stepsPerEpoch} steps an epoch, the batches ${source.stepsPerEpoch}`,
    );
  }
  checkOptions(options);
  return await new Loop(trainer, source, options).run();
}
