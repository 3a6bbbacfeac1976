/**
 * Options of every verb that loads a detector, and the loading itself.
 *
 * @module
 */

import { Option } from "npm:@commander-js/extra-typings@15.1.0";
import { Detector } from "../detect/detector.ts";
import { openSharedDevice } from "../gpu/device.ts";
import type { Precision } from "../engine/session.ts";
import { inputSize, numberIn } from "./arguments.ts";
import { loadModel } from "../host/models.ts";
import { tuningFor } from "../host/tuning_store.ts";
import { deviceVerb } from "./verb.ts";

/** `--precision`. */
export function precisionOption() {
  return new Option("--precision <type>", "element type of weights and activations")
    .choices(["f32", "f16"] as const).default("f32" as const);
}

/** `--precision` of a verb that runs a detector, which may be quantized. */
export function detectorPrecisionOption() {
  return new Option("--precision <type>", "element type of weights and activations; int8 for a quantized model")
    .choices(["f32", "f16", "int8"] as const).default("f32" as const);
}

/** `--strict` of a verb that reads a data set. */
export function strictOption() {
  return new Option("--strict", "refuse what is otherwise put right or left out with a warning: damage, odd labels");
}

/** A device verb with the options of a detector; `--model` is added by the verb, which knows its default. */
export function detectorVerb(name: string, summary: string, example: string) {
  return deviceVerb(name, summary, example)
    .option("--size <pixels>", "side of the network's input; the model's own by default", inputSize)
    .addOption(detectorPrecisionOption())
    .option("--confidence <score>", "least score of a detection", numberIn(0, 1), 0.25)
    .option("--iou <overlap>", "boxes of a class that overlap more are one object", numberIn(0, 1), 0.7);
}

/** What `detectorVerb` parses. */
export interface DetectorSettings {
  readonly size?: number;
  readonly precision: Precision;
  readonly confidence: number;
  readonly iou: number;
  /** Several classes for one box. */
  readonly multiLabel?: boolean;
}

/** Loads a detector by a model's file, URL or name; `load` is the time that took, in milliseconds. */
export async function loadDetector(
  model: string,
  { size, precision, confidence, iou, multiLabel }: DetectorSettings,
): Promise<{ detector: Detector; load: number }> {
  const started = performance.now();
  const graph = await loadModel(model, { size, batch: 1 });
  const device = await openSharedDevice();
  const tuning = tuningFor(device, { precision });
  const detector = await Detector.load(graph, { precision, confidence, iou, multiLabel, tuning });
  return { detector, load: performance.now() - started };
}
