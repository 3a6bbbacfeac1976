/**
 * Options of every verb that loads a detector, and the loading itself.
 *
 * @module
 */

import { Option } from "npm:@commander-js/extra-typings@15.1.0";
import { Detector, type Tiles } from "../detect/detector.ts";
import { openSharedDevice } from "../gpu/device.ts";
import { chooseEngine } from "../engine/choose_engine.ts";
import type { EngineName, Precision } from "../engine/session.ts";
import { PRECISIONS } from "../engine/setup.ts";
import { byteCount, firstPixel, inputSize, integerIn, numberIn, tiles } from "./arguments.ts";
import { BOXES_OPTIONS, HEAD_FORMS, type HeadFormName, type HeadOptions } from "../detect/heads/form.ts";
import { INPUT_CHANNELS, INPUT_RANGES, type InputOptions } from "../detect/picture_input.ts";
import { loadModel, modelSource } from "../host/models.ts";
import { selfTuningOn, tuningFor } from "../host/tuning_store.ts";
import type { Output } from "./output.ts";
import { deviceVerb } from "./verb.ts";

/** What help says of the precision that computes in halves. */
const FAST = "f16-fast computes products in f16 too";

/** `--precision`. */
export function precisionOption() {
  return new Option("--precision <type>", "element type of weights and activations")
    .choices(["f32", "f16"] as const).default("f32" as const);
}

/** `--precision` of a verb that runs networks of floats. */
export function floatPrecisionOption() {
  return new Option("--precision <type>", `element type of weights and activations; ${FAST}`)
    .choices(["f32", "f16", "f16-fast"] as const).default("f32" as const);
}

/** `--engine`. */
export function engineOption() {
  return new Option(
    "--engine <name>",
    "webgpu: shaders on an adapter; cpu: onnxruntime, which is downloaded once; auto: cpu where no adapter is hardware",
  ).choices(["webgpu", "cpu", "auto"] as const).default("webgpu" as const);
}

/** `--precision` of a verb that runs a detector, which may be quantized. */
export function detectorPrecisionOption() {
  return new Option(
    "--precision <type>",
    `element type of weights and activations; ${FAST}; int8 for a quantized model`,
  )
    .choices(PRECISIONS).default("f32" as const);
}

/** `--precision` of a verb that may choose it to fit into a limit of memory. */
export function chosenPrecisionOption() {
  return new Option(
    "--precision <type>",
    `element type of weights and activations; ${FAST}; int8 for a quantized model; f32 by default, and f16 where --memory-limit leaves no other way`,
  ).choices(PRECISIONS);
}

/** `--memory-limit`. */
export function memoryLimitOption() {
  return new Option(
    "--memory-limit <bytes>",
    "most device memory, such as 128MB: what runs together, storage and at last precision are chosen to fit",
  ).argParser(byteCount);
}

/** `--tiles`. */
export function tilesOption() {
  return new Option(
    "--tiles <side>",
    "cut pictures into overlapping tiles for small objects: auto for those much larger than the network's input, or a tile's side in pixels",
  ).argParser(tiles);
}

/** `--strict` of a verb that reads a data set. */
export function strictOption() {
  return new Option("--strict", "refuse what is otherwise put right or left out with a warning: damage, odd labels");
}

/** `--max-pixels` of a verb that reads pictures. */
export function maxPixelsOption() {
  return new Option("--max-pixels <number>", "refuse pictures of more pixels; 100,000,000 by default")
    .argParser(integerIn(1, 2 ** 31 - 1));
}

/** `--no-plots` of a verb that draws what it measures. */
export function noPlotsOption() {
  return new Option("--no-plots", "no pictures of labels, batches, curves and what is found");
}

/** `--first-pixel` of a verb that reads a data set. */
export function firstPixelOption() {
  return new Option(
    "--first-pixel <number>",
    "of boxes in Pascal VOC's form: 1 as in VOC itself, 0 where tools write edges; by default what the boxes show",
  ).argParser(firstPixel);
}

/** `--head`. */
export function headOption() {
  return new Option("--head <form>", "how the model's output is read, where nothing in the file says it")
    .choices(Object.keys(HEAD_FORMS) as HeadFormName[]);
}

/** `--boxes`. */
export function boxesOption() {
  return new Option("--boxes <kind>", "centre and size or two corners, in pixels or (normalised) in parts of the input")
    .choices(BOXES_OPTIONS);
}

/** `--input-range`. */
export function inputRangeOption() {
  return new Option("--input-range <range>", "levels that the network was trained on; by default what the file shows")
    .choices(INPUT_RANGES);
}

/** `--input-channels`. */
export function inputChannelsOption() {
  return new Option("--input-channels <order>", "order of the channels that the network was trained on")
    .choices(INPUT_CHANNELS).default("rgb" as const);
}

/** A device verb with the options of a detector; `--model` is added by the verb, which knows its default. */
export function detectorVerb(name: string, summary: string, example: string) {
  return deviceVerb(name, summary, example)
    .option("--size <pixels>", "side of the network's input; the model's own by default", inputSize)
    .addOption(chosenPrecisionOption())
    .addOption(engineOption())
    .addOption(memoryLimitOption())
    .addOption(tilesOption())
    .option("--confidence <score>", "least score of a detection", numberIn(0, 1), 0.25)
    .option("--no-tune", "on a GPU, measure no kernels beside the frames (what is measured is kept for the next run)")
    .option("--iou <overlap>", "boxes of a class that overlap more are one object", numberIn(0, 1), 0.7)
    .addOption(headOption())
    .addOption(boxesOption())
    .addOption(inputRangeOption())
    .addOption(inputChannelsOption());
}

/** What `detectorVerb` parses. */
export interface DetectorSettings extends HeadOptions, InputOptions {
  readonly size?: number;
  /** Undefined where nobody asked for one. */
  readonly precision?: Precision;
  readonly engine: EngineName | "auto";
  readonly confidence: number;
  readonly iou: number;
  /** Several classes for one box. */
  readonly multiLabel?: boolean;
  readonly memoryLimit?: number;
  readonly tiles?: Tiles;
  /** Whether kernels may be measured beside the frames; false unless given. */
  readonly tune?: boolean;
}

/**
 * Loads a detector by a model's file, URL or name, and says what is doubtful about it; `load` is the time that took, in milliseconds.
 */
export async function loadDetector(
  model: string,
  { size, precision, engine: wanted, confidence, iou, multiLabel, memoryLimit, tiles, tune, ...meaning }:
    DetectorSettings,
  output: Output,
): Promise<{ detector: Detector; load: number }> {
  const started = performance.now();
  const graph = await loadModel(model, { size, batch: 1 });
  const told = new Set<string>();
  const onWarning = (warning: string) => {
    told.add(warning);
    output.note(`warning: ${warning}`);
  };
  const engine = await chooseEngine({ engine: wanted, precision, memoryLimit, onWarning });
  output.note(
    engine === "cpu"
      ? `preparing ${model} for the CPU`
      : `preparing ${model}: the first run on an adapter compiles its shaders, which takes longest`,
  );
  const device = engine === "cpu" ? undefined : await openSharedDevice();
  const tuning = device && tuningFor(device, { precision: precision ?? "f32" });
  const selfTuning = tune && device ? selfTuningOn(device, onWarning) : undefined;
  const { head, boxes, inputRange, inputChannels } = meaning;
  const detector = await Detector.load(graph, {
    ...{
      precision,
      engine,
      confidence,
      iou,
      multiLabel,
      tuning,
      selfTuning,
      tiles,
      memoryLimit,
      file: modelSource(model),
    },
    ...{ head, boxes, inputRange, inputChannels, onWarning },
  });
  if (memoryLimit !== undefined) output.note(`memory: ${detector.memoryText}`);
  for (const warning of detector.warnings) if (!told.has(warning)) onWarning(warning);
  return { detector, load: performance.now() - started };
}
