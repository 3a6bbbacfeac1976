/**
 * How long a candidate will take: what its verbs compute, at a pace that follows from those that are done.
 *
 * @module
 */

import type { RecipeStep } from "../../report/table/mod.ts";

/** What the time of a step depends on. */
export interface Work {
  /** Pictures that are trained on, and pictures that epochs are judged by. */
  readonly trained: number;
  readonly validated: number;
  /** GFLOPs of the original and of the candidate, each at the input size of its run. */
  readonly original: number;
  readonly candidate: number;
}

/** Seconds of a picture and GFLOP in training (forward, backward, update): what a first run on two cores took, and an eighth part of it on hardware. */
const SOFTWARE_PACE = 0.3, HARDWARE_PACE = 0.02;

/** A forward pass alone takes a third of a training step. */
const FORWARD = 1 / 3;

/** Pictures that a cut looks at, with gradients and to fit, and those that a calibration looks at. */
const LOOKED_AT = 64, CALIBRATED = 256;

/** Parts that are scored each time before layers go whole: all thirty of YOLO11n once, and about ten of them again. */
const PARTS_SCORED = 40;

/** Seconds that a verb needs besides pictures: reading, compiling. */
const START = 15;

/** The pace to begin with. */
export const firstPace = (software: boolean): number => software ? SOFTWARE_PACE : HARDWARE_PACE;

const numberOf = (value: unknown): number => typeof value === "number" ? value : 0;

/** Seconds that a step will take. */
export function stepSeconds({ verb, options }: RecipeStep, work: Work, pace: number): number {
  const { trained, validated, original, candidate } = work;
  const epochs = verb === "train" ? numberOf(options.epochs) : numberOf(options.lastEpochs ?? options.epochs);
  const every = numberOf(options.valEvery) || 1;
  const perStep = candidate + (options.teacher === undefined ? 0 : FORWARD * original);
  const training = epochs * trained * perStep + Math.ceil(epochs / every) * validated * candidate * FORWARD;
  const cuts = verb === "prune" ? numberOf(options.rounds) || 1 : 0;
  // A cut asks for gradients, statistics and a fit, each on the same few pictures, and is judged once.
  const cutting = cuts * (Math.min(LOOKED_AT, trained) * original * 2 + validated * original * FORWARD);
  const scoring = options.layers === undefined
    ? 0
    : cuts * PARTS_SCORED * Math.min(LOOKED_AT, trained) * original * FORWARD;
  const calibrating = verb === "quantize" ? Math.min(CALIBRATED, trained) * candidate * 2 * FORWARD : 0;
  return START + pace * (training + cutting + scoring + calibrating);
}

/** The pace that follows from what models were to take and took; what took several calls tells nothing. */
export function learnedPace(
  pace: number,
  models: readonly { readonly expected: number; readonly seconds: number | null }[],
): number {
  const timed = models.filter(({ seconds }) => seconds !== null);
  const expected = timed.reduce((sum, one) => sum + one.expected, 0);
  return expected > 0 ? pace * timed.reduce((sum, one) => sum + one.seconds!, 0) / expected : pace;
}
