/**
 * Draws detections on a picture: a box in the class's colour and a label with the score.
 *
 * @module
 */

import type { RgbImage } from "../../image/rgb_image.ts";
import { classColour, textColour } from "./palette.ts";
import { fillRectangle, type Surface } from "./raster.ts";
import { type LabelledBox, placeBoxLabels } from "./place_labels.ts";
import { drawText, measureText } from "./text.ts";

/** What is needed to draw one detection. */
export interface DrawnDetection {
  /** Left, top, right, bottom in pixels of the picture. */
  readonly box: readonly [number, number, number, number];
  /** 0 to 1; absent for a label that somebody has drawn. */
  readonly score?: number;
  /** Chooses the colour. */
  readonly classId: number;
  /** What is written above the box. */
  readonly label: string;
}

/** Line thickness and height of capitals that suit a picture's size, in pixels. */
function measures(image: RgbImage): { line: number; capitals: number } {
  const side = (image.width + image.height) / 2;
  return { line: Math.max(2, Math.round(side * 0.0035)), capitals: Math.max(9, Math.round(side * 0.018)) };
}

function outline(surface: Surface, [x1, y1, x2, y2]: DrawnDetection["box"], line: number, classId: number): void {
  const colour = classColour(classId);
  const [left, top, right, bottom] = [x1, y1, x2, y2].map(Math.round);
  const half = line >> 1;
  const [outerLeft, outerTop] = [left - half, top - half];
  const [outerRight, outerBottom] = [
    Math.max(right - half, outerLeft) + line,
    Math.max(bottom - half, outerTop) + line,
  ];
  fillRectangle(surface, [outerLeft, outerTop, outerRight, outerTop + line], colour);
  fillRectangle(surface, [outerLeft, outerBottom - line, outerRight, outerBottom], colour);
  fillRectangle(surface, [outerLeft, outerTop + line, outerLeft + line, outerBottom - line], colour);
  fillRectangle(surface, [outerRight - line, outerTop + line, outerRight, outerBottom - line], colour);
}

/**
 * Draws boxes and labels on a copy of a picture. Labels beyond ASCII need `loadUnicodeFont` first; without it the number of a character
 * stands in its place (`U+732B`). Line thickness and text size follow the picture's size. Labels keep clear of each other and of small
 * objects where there is room. The first detections lie on top.
 */
export function drawDetections(image: RgbImage, detections: readonly DrawnDetection[]): RgbImage {
  const surface: Surface = { width: image.width, height: image.height, data: image.data.slice() };
  const { line, capitals } = measures(image);
  const padding = Math.max(3, Math.round(capitals * 0.4));
  for (const { box, classId } of detections.toReversed()) outline(surface, box, line, classId);

  const half = line >> 1;
  const texts = detections.map(({ label, score }) => score === undefined ? label : `${label} ${score.toFixed(2)}`);
  const labelled = detections.map(({ box }, i): LabelledBox => {
    const [left, top, right, bottom] = box.map(Math.round);
    return {
      box: [left - half, top - half, right + line - half, bottom + line - half],
      label: [Math.ceil(measureText(texts[i], capitals)) + 2 * padding, capitals + 2 * padding],
    };
  });
  const places = placeBoxLabels(labelled, [0, 0, image.width, image.height]);
  const labels = detections.map(({ classId }, i) => ({ text: texts[i], place: places[i], classId }));
  for (const { text, place, classId } of labels.toReversed()) {
    const colour = classColour(classId);
    fillRectangle(surface, place, colour);
    drawText(surface, text, [place[0] + padding, place[1] + padding], capitals, textColour(colour));
  }
  return surface;
}
