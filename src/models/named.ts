/**
 * Models by name: what can be built without a file.
 *
 * @module
 */

import type { Graph } from "../graph/graph.ts";
import type { BackboneName } from "./backbones/features.ts";
import { classifier, CLASSIFIER_NAMES } from "./classifier.ts";
import { demoDetector } from "./demo_detector.ts";
import { yolo11, YOLO11_SCALES, type Yolo11Scale } from "./yolo11.ts";
import { LITE_PREFIX, yolo11Lite } from "./yolo11_lite.ts";
import { yolov5, YOLOV5_SCALES, type Yolov5Scale } from "./yolov5.ts";
import { yolov5u, yolov8, YOLOV8_SCALES, type Yolov8Scale } from "./yolov8.ts";

/** What every named model can be built for; each has defaults of its own. */
export interface NamedOptions {
  /** Side of the square input in pixels. */
  readonly size?: number;
  /** Pictures a run. */
  readonly batch?: number;
}

/** Builds a named model. */
export type NamedBuilder = (options?: NamedOptions) => Graph;

type NamedTable = Readonly<Record<string, NamedBuilder>>;

/** One entry for each variant, under the name that it is given. */
function table<V extends string>(
  variants: readonly V[],
  name: (variant: V) => string,
  build: (variant: V, options?: NamedOptions) => Graph,
): NamedTable {
  return Object.fromEntries(variants.map((variant) => [name(variant), (options) => build(variant, options)]));
}

/** YOLO11 in its published sizes. */
const YOLO11_NAMES = Object.keys(YOLO11_SCALES) as Yolo11Scale[];

/** Backbones of the lite models that have a name: the light ones, and YOLO11n's to compare with. */
const LITE_BACKBONES: readonly BackboneName[] = [...CLASSIFIER_NAMES, "yolo11n"];

/** The detectors of the family by name. */
export const DETECTORS: NamedTable = {
  ...table(YOLO11_NAMES, (scale) => `yolo11${scale}`, (scale, options) => yolo11({ scale, ...options })),
  ...table(
    LITE_BACKBONES,
    (name) => `${LITE_PREFIX}${name}`,
    (backbone, options) => yolo11Lite({ backbone, ...options }),
  ),
};

const YOLOV8_NAMES = Object.keys(YOLOV8_SCALES) as Yolov8Scale[];
const YOLOV5_NAMES = Object.keys(YOLOV5_SCALES) as Yolov5Scale[];

/** Detectors whose times on devices are published: other families, built to be counted, and YOLO11. */
export const YARDSTICKS: NamedTable = {
  ...table(YOLOV5_NAMES, (scale) => `yolov5${scale}`, (scale, options) => yolov5({ scale, ...options })),
  ...table(YOLOV5_NAMES, (scale) => `yolov5${scale}u`, (scale, options) => yolov5u({ scale, ...options })),
  ...table(YOLOV8_NAMES, (scale) => `yolov8${scale}`, (scale, options) => yolov8({ scale, ...options })),
  ...table(YOLO11_NAMES, (scale) => `yolo11${scale}`, (scale, options) => yolo11({ scale, ...options })),
};

/** Detectors that are built to be trained, by name. */
export const TRAINABLE: NamedTable = { ...DETECTORS, ...YARDSTICKS };

/** Name -> builder. Weights are random, but for those of the demo detector, which are constructed. */
export const NAMED_MODELS: NamedTable = {
  demo: demoDetector,
  ...TRAINABLE,
  ...table(CLASSIFIER_NAMES, (name) => name, (backbone, options) => classifier({ backbone, ...options })),
};
