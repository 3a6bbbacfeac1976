/**
 * Prints an evaluation: the twelve figures, a row for each class, where the time went.
 *
 * @module
 */

import type { Evaluation } from "../eval/evaluate.ts";
import type { EvaluationSpeed } from "../eval/speed.ts";
import type { FigureName } from "../eval/coco.ts";

const FIGURES: Readonly<Record<FigureName, string>> = {
  map: "mAP50-95",
  map50: "mAP50",
  map75: "mAP75",
  mapSmall: "mAP50-95 of small objects",
  mapMedium: "mAP50-95 of medium objects",
  mapLarge: "mAP50-95 of large objects",
  mar1: "recall with 1 detection a class",
  mar10: "recall with 10",
  mar100: "recall with 100",
  marSmall: "recall of small objects",
  marMedium: "recall of medium objects",
  marLarge: "recall of large objects",
};

/** -1 is the protocol's way to say that there is nothing to say. */
function figure(value: number): string {
  return value < 0 ? "     -" : value.toFixed(4);
}

/** Lines of the result: the same in every run. */
export function evaluationText({ images, figures, perClass, bestF1 }: Evaluation): string[] {
  const lines = [`${images} images`];
  for (const [name, text] of Object.entries(FIGURES)) {
    lines.push(`${figure(figures[name as FigureName])}  ${text}`);
  }
  if (bestF1) {
    lines.push(`${figure(bestF1.f1)}  greatest mean F1, at a confidence of ${bestF1.confidence.toFixed(3)}`);
  }
  const present = perClass.filter(({ truths }) => truths > 0);
  const widest = Math.max(5, ...present.map(({ name }) => name.length));
  lines.push("", `${"class".padEnd(widest)}  objects  AP50-95    AP50  confidence of best F1`);
  for (const { name, truths, ap, ap50, bestF1: best } of present) {
    lines.push(
      `${name.padEnd(widest)}  ${String(truths).padStart(7)}  ${figure(ap).padStart(7)}  ${figure(ap50)}  ${
        best!.confidence.toFixed(3)
      }`,
    );
  }
  const absent = perClass.length - present.length;
  if (absent > 0) lines.push(`${absent} ${absent === 1 ? "class has" : "classes have"} no object in these images`);
  return lines;
}

/** Remarks on the speed. */
export function speedText({ images, seconds, imagesPerSecond, stages, networkShare, idle }: EvaluationSpeed): string[] {
  if (images === 0) return ["all images were evaluated before"];
  // The network's first layer may read the picture itself.
  const told = Object.entries(stages).filter(([name, milliseconds]) => name !== "letterbox" || milliseconds > 0);
  const times = told.map(([name, milliseconds]) => `${name} ${milliseconds.toFixed(1)}`).join(", ");
  const lines = [
    `${images} images in ${seconds.toFixed(1)} s, ${imagesPerSecond.toFixed(2)} a second`,
    `milliseconds an image: ${times}`,
  ];
  if (networkShare !== undefined) {
    lines.push(`${(100 * networkShare).toFixed(1)} % of the time in the network, ${idle!.toFixed(1)} ms an image idle`);
  }
  return lines;
}
