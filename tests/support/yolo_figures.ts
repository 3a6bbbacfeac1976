/**
 * YOLO11n on photographs through the whole path, against figures from a path that has nothing in common with it: onnxruntime, OpenCV,
 * pycocotools (`tests/fixtures/make_yolo_figures.py`).
 *
 * @module
 */

import { assertAlmostEquals, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { openDataset } from "../../src/data/open.ts";
import { Detector } from "../../src/detect/detector.ts";
import { FIGURE_NAMES } from "../../src/eval/coco.ts";
import { COCO_SETTINGS, evaluate, type Evaluation } from "../../src/eval/evaluate.ts";
import { loadWeights } from "../../src/models/weights.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { loadOnnx } from "../../src/onnx/mod.ts";
import type { Precision } from "../../src/engine/session.ts";

/** What is evaluated. */
export interface YoloCase {
  readonly size: 320 | 640;
  readonly precision: Precision;
  /** How far any of the twelve figures may be off. */
  readonly tolerance: number;
  /** Only the first dozen photographs. */
  readonly few?: boolean;
  /** YOLO11n built here with the weights of the file, instead of the file. */
  readonly built?: boolean;
}

/** What must be there. */
export const YOLO_FILES = ["models/yolo11n.onnx", "coco/val/instances.json"] as const;

/** Evaluates and compares all twelve figures. */
export async function assertYoloFigures(one: YoloCase): Promise<Evaluation> {
  const { size, precision, tolerance, few, built } = one;
  const [model, instances] = YOLO_FILES.map((path) => new URL(`../../../shared/data/${path}`, import.meta.url));
  const file = new URL("../fixtures/yolo_figures.json", import.meta.url);
  const fixture: Record<string, { all: number[]; few: number[] }> = JSON.parse(await Deno.readTextFile(file));
  const dataset = await openDataset(fileURLToPath(new URL(".", instances)), few ? { limit: 12 } : {});
  const source = built ? loadWeights(yolo11({ size }), await loadOnnx(model)) : model;
  const detector = await Detector.load(source, { ...COCO_SETTINGS, inputSize: size, precision });
  try {
    const evaluation = await evaluate(detector, dataset);
    assertEquals(evaluation.images, few ? 12 : 200);
    fixture[size][few ? "few" : "all"].forEach((figure, i) => {
      const name = FIGURE_NAMES[i];
      assertAlmostEquals(evaluation.figures[name], figure, tolerance, `${name} at ${size} in ${precision}`);
    });
    return evaluation;
  } finally {
    detector.destroy();
  }
}
