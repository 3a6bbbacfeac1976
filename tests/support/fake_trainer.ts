/**
 * A trainer without a device: linear regression on the pictures' means, by the rules of the contract, slow where it is told to be.
 *
 * @module
 */

import type { StepReport, Trainer, TrainerState, TrainingBatch, UpdateSettings } from "../../src/train/loop/trainer.ts";

/** What is odd about it. */
export interface FakeOptions {
  /** Steps (counted from 0, over its life) whose gradient is not finite. */
  readonly lost?: (step: number) => boolean;
  /** What `findNonFinite` says. */
  readonly layer?: string;
  /** Waited for before a step reports. */
  readonly delay?: () => Promise<void>;
  /** What it calls its loss and in which weights it tells it; those of a detector by default. */
  readonly losses?: (loss: number, epoch: number) => Pick<StepReport, "losses" | "lossWeights">;
}

const BATCH = 4, FEATURES = 3;

/** Three weights and one bias fitted to the left edges of the first boxes; SGD with momentum in f32, moving averages. */
export class FakeTrainer implements Trainer {
  readonly batch = BATCH;
  readonly size = [1, 1] as const;
  readonly boxes = 1;
  readonly parameters = FEATURES + 1;
  /** Settings of all updates, in order. */
  readonly settings: UpdateSettings[] = [];
  /** Batches that were summed in each update. */
  readonly summed: number[] = [];
  /** Most steps that had not reported at one time. */
  mostInFlight = 0;
  destroyed = false;
  #inFlight = 0;
  #steps = 0;
  #updates = 0;
  #batches = 0;
  #values = new Float32Array(FEATURES + 1);
  #moments = new Float32Array(FEATURES + 1);
  #averages = new Float32Array(FEATURES + 1);
  #sum = new Float32Array(FEATURES + 1);

  constructor(private readonly options: FakeOptions = {}) {}

  async step({ images, boxes }: TrainingBatch, update?: UpdateSettings, epoch = 0): Promise<StepReport> {
    const lost = this.options.lost?.(this.#steps++) ?? false;
    let loss = 0;
    for (let i = 0; i < BATCH; i++) {
      const x = [...images.subarray(i * FEATURES, (i + 1) * FEATURES), 1];
      const error = x.reduce((sum, one, k) => sum + one * this.#values[k], 0) - boxes[5 * i + 1];
      loss += error * error / BATCH;
      x.forEach((one, k) => this.#sum[k] += lost ? NaN : 2 * error * one / BATCH);
    }
    this.#batches++;
    if (update) this.#update(update);
    this.mostInFlight = Math.max(this.mostInFlight, ++this.#inFlight);
    await this.options.delay?.();
    this.#inFlight--;
    return {
      ...this.options.losses?.(loss, epoch) ?? { losses: { box: loss, classes: 2 * loss, distribution: 0.5 } },
      positives: BATCH,
      gradientNorm: update && 1,
      skipped: lost,
    };
  }

  #update(settings: UpdateSettings): void {
    this.settings.push(settings);
    this.summed.push(this.#batches);
    const { learningRates, momentum, averageDecay } = settings;
    if (this.#sum.every(Number.isFinite)) {
      this.#updates++;
      for (let k = 0; k <= FEATURES; k++) {
        this.#moments[k] = momentum * this.#moments[k] + this.#sum[k] / this.#batches;
        this.#values[k] -= (k < FEATURES ? learningRates.weight : learningRates.bias) * this.#moments[k];
        this.#averages[k] += (1 - averageDecay) * (this.#values[k] - this.#averages[k]);
      }
    }
    this.#sum.fill(0);
    this.#batches = 0;
  }

  gradient() {
    return Promise.resolve({ sum: this.#sum.slice(), batches: this.#batches });
  }

  addGradient(sum: Float32Array, batches: number): void {
    sum.forEach((value, k) => this.#sum[k] += value);
    this.#batches += batches;
  }

  trained(which: "current" | "average") {
    return Promise.resolve(new Map([["w", (which === "current" ? this.#values : this.#averages).slice()]]));
  }

  state(): Promise<TrainerState> {
    if (this.#inFlight > 0) throw new Error("asked for its state while steps are in flight");
    if (this.#batches > 0) throw new Error("asked for its state in the middle of an update");
    const arrays = { values: this.#values, moments: this.#moments, averages: this.#averages };
    return Promise.resolve({
      updates: this.#updates,
      arrays: new Map(Object.entries(arrays).map(([name, data]) => [name, data.slice()])),
    });
  }

  restore({ updates, arrays }: TrainerState): void {
    this.#updates = updates;
    this.#values.set(arrays.get("values")!);
    this.#moments.set(arrays.get("moments")!);
    this.#averages.set(arrays.get("averages")!);
  }

  takeAverage(): Promise<void> {
    if (this.#inFlight > 0) throw new Error("asked for its average while steps are in flight");
    this.#values.set(this.#averages);
    return Promise.resolve();
  }

  findNonFinite() {
    return Promise.resolve(this.options.layer);
  }

  destroy(): void {
    this.destroyed = true;
  }
}
