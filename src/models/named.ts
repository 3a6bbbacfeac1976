/**
 * Models by name: what can be built without a file.
 *
 * @module
 */

import type { Graph } from "../graph/graph.ts";
import { demoDetector } from "./demo_detector.ts";
import { yolo11, YOLO11_SCALES, type Yolo11Scale } from "./yolo11.ts";

/** What every named model can be built for; each has defaults of its own. */
export interface NamedOptions {
  /** Side of the square input in pixels. */
  readonly size?: number;
  /** Pictures a run. */
  readonly batch?: number;
}

/** Name -> builder. Weights are random, but for those of the demo detector, which are constructed. */
export const NAMED_MODELS: Readonly<Record<string, (options?: NamedOptions) => Graph>> = {
  demo: demoDetector,
  ...Object.fromEntries(
    (Object.keys(YOLO11_SCALES) as Yolo11Scale[]).map((scale) => [
      `yolo11${scale}`,
      (options?: NamedOptions) => yolo11({ scale, ...options }),
    ]),
  ),
};
