/**
 * Shows the progress of a training run: a bar for the steps of an epoch, one for its validation, and a line for each epoch.
 *
 * @module
 */

import type { StepEvent } from "../train/loop/loop.ts";
import type { EpochRecord, Losses } from "../train/loop/record.ts";
import type { Output } from "./output.ts";
import { type Progress, progressBar } from "./progress.ts";

/** Losses below this are shown by their power of ten. */
const LEAST_FIXED = 0.0005;

/** Each loss by its name, in the order of declaration. */
function lossText(losses: Losses): string {
  const number = (loss: number) => loss !== 0 && Math.abs(loss) < LEAST_FIXED ? loss.toExponential(1) : loss.toFixed(3);
  return Object.entries(losses).map(([name, loss]) => `${name} ${number(loss)}`).join("  ");
}

/** A speed as people read it. */
function speedText(imagesPerSecond: number): string {
  return `${imagesPerSecond.toFixed(imagesPerSecond < 10 ? 2 : 1)} images/s`;
}

/** Which epoch, counted from 1, and of how many where that is known. */
const epochName = (epoch: number, epochs: number | undefined) =>
  `epoch ${epoch + 1}${epochs === undefined ? "" : `/${epochs}`}`;

/** One line for an epoch. */
export function epochText(
  { epoch, losses, learningRates, imagesPerSecond, skipped, score }: EpochRecord,
  epochs?: number,
): string {
  return [
    epochName(epoch, epochs),
    lossText(losses),
    `rate ${learningRates.weight.toPrecision(3)}`,
    speedText(imagesPerSecond),
    ...skipped > 0 ? [`${skipped} steps without finite numbers`] : [],
    ...score ? [`mAP50 ${score.map50.toFixed(3)}  mAP50-95 ${score.map.toFixed(3)}`] : [],
  ].join("  ");
}

/** Shows one run. */
export class TrainProgress {
  #bar: Progress | undefined;
  /** What the bar is of. */
  #shown = "";

  constructor(
    private readonly output: Output,
    private readonly epochs?: number,
    private readonly stepsPerEpoch = 0,
  ) {}

  #show(what: string, total: number, unit: string): Progress {
    if (this.#shown !== what) {
      this.stop();
      this.#bar = progressBar(total, unit);
      this.#shown = what;
    }
    return this.#bar!;
  }

  /** A step has reported. */
  step({ epoch, report, imagesPerSecond }: StepEvent): void {
    const bar = this.#show(`epoch ${epoch}`, this.stepsPerEpoch, "steps");
    bar.step(`${epochName(epoch, this.epochs)}  ${lossText(report.losses)}  ${speedText(imagesPerSecond)}`);
  }

  /** A teacher has looked at a batch. */
  taught(total: number): void {
    this.#show("teacher", total, "batches").step("teacher");
  }

  /** A picture was validated. */
  validated(total: number): void {
    this.#show("validation", total, "images").step("validation");
  }

  /** An epoch is over. */
  epoch(record: EpochRecord): void {
    this.stop();
    this.output.note(epochText(record, this.epochs));
  }

  /** Takes the bar off. */
  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
    this.#shown = "";
  }
}
