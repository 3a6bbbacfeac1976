/**
 * A detector over a data set, from picture files to mean average precision.
 *
 * @module
 */

import type { Dataset, DatasetImage } from "../data/dataset.ts";
import type { Detector, DetectorSettings } from "../detect/detector.ts";
import { classMap, unshownText } from "./classes.ts";
import { type CocoDetection, cocoDetections, type CocoResult, evaluateDetections } from "./coco.ts";
import { decodeAhead } from "./decode_ahead.ts";
import { type EvaluationJournal, evaluationRun } from "./journal.ts";
import { type EvaluationSpeed, SpeedMeter } from "./speed.ts";

/** Settings that COCO's figures are measured with. Pass them to `Detector.load`. */
export const COCO_SETTINGS: DetectorSettings = { confidence: 0.001, iou: 0.7, maxDetections: 300, multiLabel: true };

/** How to evaluate. */
export interface EvaluateOptions {
  /** Called after each picture with the number of pictures that are done, including those in the journal. */
  readonly onProgress?: (done: number, total: number, image: DatasetImage) => void;
  /** Keeps results while the evaluation runs. Pictures that it already holds are skipped. */
  readonly journal?: EvaluationJournal;
  /** Workers that decode pictures ahead of time; half of the processors by default, four at most, 0 for none. */
  readonly workers?: number;
  /** Ends the evaluation with its reason; the journal keeps what is done. */
  readonly signal?: AbortSignal;
}

/** What `evaluate` gives. */
export interface Evaluation extends CocoResult {
  /** All detections in COCO's results form, in the order of the data set's pictures. */
  readonly detections: readonly CocoDetection[];
  /**
   * How long it took, and where the time went. A few pictures on a software adapter are run by the kernels of first pictures (`start` of
   * `DetectorOptions`), which take longer than those that a benchmark measures.
   */
  readonly speed: EvaluationSpeed;
  /** What decided which boxes are detections. */
  readonly settings: DetectorSettings;
  /** Differences from COCO's protocol and classes that are not measured, a sentence each. */
  readonly warnings: readonly string[];
}

/** Sentences on settings with which the figures come out lower than the protocol means them. */
function settingsWarnings({ confidence, maxDetections, multiLabel }: DetectorSettings): string[] {
  const warnings: string[] = [];
  if (confidence > 0.01) {
    warnings.push(`detections below a confidence of ${confidence} are left out, COCO's figures count them from 0.001`);
  }
  if (maxDetections < 100) {
    warnings.push(
      `at most ${maxDetections} detections a picture are looked at, COCO's figures count 100 of each class`,
    );
  }
  if (!multiLabel) warnings.push("each box has one class only, COCO's figures are measured with several");
  return warnings;
}

/**
 * Runs a detector over a data set, several frames in flight, and measures it by COCO's protocol. Load the detector with `COCO_SETTINGS`.
 * Other settings are allowed, and `warnings` names them.
 *
 * Classes of the model and of the data set are matched by name; they are matched by number if both have the same number of classes and
 * share no name. Detections of classes that the data set does not have are left out.
 *
 * Throws FeatherdetError if the model lacks a class that a picture shows, if a picture cannot be read, or if the journal belongs to another
 * run.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { encodePng } from "../image/codec/encode.ts";
 * import { SYNTHETIC_CLASSES, syntheticPicture } from "../data/synthetic.ts";
 * import { Detector } from "../detect/detector.ts";
 * import { demoDetector } from "../models/demo_detector.ts";
 * import { COCO_SETTINGS, evaluate } from "./evaluate.ts";
 *
 * // A set of one picture; `openDataset("coco")` opens a large one.
 * const { image, objects } = syntheticPicture({ seed: 7, width: 320, height: 320 });
 * const boxes = objects.map(({ classId, box }, id) => ({ id, classId, box, area: 900, crowd: false }));
 * const picture = { id: 1, name: "1", width: 320, height: 320, boxes, load: async () => await image, bytes: () => encodePng(image) };
 * const classes = SYNTHETIC_CLASSES.map(({ label }) => label);
 * const dataset = { name: "one", classes, categoryIds: [1, 2, 3], images: [picture], warnings: [] };
 *
 * const detector = await Detector.load(demoDetector({ size: 320 }), COCO_SETTINGS);
 * const { map, map50, perClass, speed } = await evaluate(detector, dataset);
 * assert.ok(map50 > 0.5 && map <= map50);
 * assert.equal(perClass.length, 3);
 * assert.equal(speed.images, 1);
 * detector.destroy();
 * ```
 */
export async function evaluate(
  detector: Detector,
  dataset: Dataset,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  const { journal, onProgress, signal, workers } = options;
  const { images, classes, categoryIds } = dataset;
  const shown = new Set(images.flatMap(({ boxes }) => boxes.map(({ classId }) => classId)));
  const classOf = classMap(detector.labels, classes, shown);
  const unshown = unshownText(classOf, classes);
  const kept = await journal?.open(await evaluationRun(detector, dataset)) ?? [];
  const found = new Map(kept.map(({ imageId, detections }) => [imageId, detections]));
  const rest = images.filter(({ id }) => !found.has(id));
  // One kind of kernels runs all pictures, also of a run that was interrupted: last digits depend on it.
  if (rest.length > 0) await detector.ready(images.length);
  const meter = new SpeedMeter();
  async function* pictures() {
    for await (const { image, milliseconds } of decodeAhead(rest, { workers, signal })) {
      meter.decoded(milliseconds);
      yield image;
    }
  }
  let done = images.length - rest.length;
  let at = 0;
  for await (const objects of detector.stream(pictures(), { observe: (stages) => meter.frame(stages), signal })) {
    const started = performance.now();
    const image = rest[at++];
    const detections = cocoDetections(image.id, objects, classOf, categoryIds);
    await journal?.append({ imageId: image.id, detections });
    found.set(image.id, detections);
    meter.recorded(performance.now() - started);
    onProgress?.(++done, images.length, image);
  }
  const speed = meter.result();
  const detections = images.flatMap(({ id }) => found.get(id)!);
  const { settings } = detector;
  return {
    ...evaluateDetections(dataset, detections),
    detections,
    speed,
    settings,
    warnings: [...settingsWarnings(settings), ...(unshown === undefined ? [] : [unshown])],
  };
}
