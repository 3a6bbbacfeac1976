/**
 * A small detector whose weights are constructed, not trained: it finds the objects of `data/synthetic.ts`.
 *
 * It exists so that the complete path (letterbox, network, DFL decode, NMS, drawing) can run and be checked without any
 * download. Colour-opponent filters make a mask per class; halving them gives a pyramid of strides 8, 16 and 32; on each level
 * wide filters measure how far the colour reaches in four directions, from which the boxes and the class scores follow by
 * piecewise linear arithmetic in layers of YOLO11's head. It knows nothing of real pictures.
 *
 * @module
 */

import { GraphEditor } from "../graph/editor.ts";
import { FeatherdetError } from "../graph/error.ts";
import type { Graph } from "../graph/graph.ts";
import { appendBoxBranch, appendClassBranch, type SizeRange } from "./demo_head.ts";
import { appendFeatures, appendHalving, appendMasks, DEMO_CLASSES } from "./demo_features.ts";
import { appendDflTail, type HeadLevel } from "./dfl_tail.ts";

/** Strides of the levels and the sizes (width plus height, in cells) each answers for; neighbours overlap a little. */
const LEVELS: readonly { stride: number; range: SizeRange }[] = [
  { stride: 8, range: { least: 5, most: 18 } },
  { stride: 16, range: { least: 8.5, most: 18 } },
  { stride: 32, range: { least: 8.5, most: 27 } },
];

/** What to build. */
export interface DemoDetectorOptions {
  /** Side of the square input in pixels, a multiple of 32; 640 by default. */
  readonly size?: number;
  /** Pictures a run; 1 by default. */
  readonly batch?: number;
}

/**
 * Builds the demo detector: `images [batch, 3, size, size]` (red, green, blue in 0..1) to `output0 [batch, 7, anchors]` (centre
 * x, centre y, width, height in pixels, then the scores of red disc, green square and blue triangle in 0..1).
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { demoDetector } from "./demo_detector.ts";
 * const graph = demoDetector({ size: 320 });
 * assert.deepEqual(graph.inputs[0].shape, [1, 3, 320, 320]);
 * ```
 */
export function demoDetector({ size = 640, batch = 1 }: DemoDetectorOptions = {}): Graph {
  if (!Number.isInteger(size) || size < 32 || size % 32 !== 0) {
    throw new FeatherdetError(`the demo detector's input size is ${size}, expected a multiple of 32`);
  }
  const editor = new GraphEditor();
  let cover = appendMasks(editor, editor.input("images", [batch, 3, size, size]));
  cover = appendHalving(editor, "model.2", cover);
  const levels = LEVELS.map(({ stride, range }, i): HeadLevel => {
    cover = appendHalving(editor, `model.${3 + i}`, cover);
    const features = appendFeatures(editor, `model.6.${i}`, cover);
    return {
      box: appendBoxBranch(editor, `model.7.cv2.${i}`, features),
      classes: appendClassBranch(editor, `model.7.cv3.${i}`, features, range),
      rows: size / stride,
      columns: size / stride,
      stride,
    };
  });
  const output = appendDflTail(editor, "model.7", levels, batch, DEMO_CLASSES.length);
  const metadata = {
    description: "Featherdet's demo detector for its synthetic pictures; weights constructed by hand, not trained",
    license: "Apache-2.0",
    task: "detect",
    stride: "32",
    batch: String(batch),
    imgsz: `[${size}, ${size}]`,
    names: `{${DEMO_CLASSES.map(({ label }, i) => `${i}: '${label}'`).join(", ")}}`,
  };
  return editor.finish({ name: "featherdet-demo", outputs: [output], metadata });
}
