/**
 * Draws detections on a picture: a box in the class's colour and a label with the score.
 *
 * @module
 */

import type { RgbImage } from "../../image/rgb_image.ts";
import { classColour, textColour } from "./palette.ts";
import { fillRectangle, type Rectangle, type Surface } from "./raster.ts";
import { drawText, measureText } from "./text.ts";

/** What is needed to draw one detection. */
export interface DrawnDetection {
  /** Left, top, right, bottom in pixels of the picture. */
  readonly box: readonly [number, number, number, number];
  /** 0 to 1. */
  readonly score: number;
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

function overlap(a: Rectangle, b: Rectangle): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  return Math.max(0, width) * Math.max(0, height);
}

/** Where a label of the given size goes: above the box, inside its top, or below, wherever it hides least of other labels. */
function placeLabel(
  image: RgbImage,
  box: DrawnDetection["box"],
  [width, height]: readonly [number, number],
  line: number,
  taken: readonly Rectangle[],
): Rectangle {
  const half = line >> 1;
  const left = Math.max(0, Math.min(Math.round(box[0]) - half, image.width - width));
  const fit = (top: number): Rectangle => {
    const inside = Math.max(0, Math.min(top, image.height - height));
    return [left, inside, left + width, inside + height];
  };
  const above = Math.round(box[1]) - half - height;
  const tops = [above, Math.round(box[1]) - half, Math.round(box[3]) + half, Math.round(box[3]) - height];
  const candidates = (above < 0 ? tops.slice(1) : tops).map(fit);
  const hidden = candidates.map((candidate) => taken.reduce((sum, other) => sum + overlap(candidate, other), 0));
  return candidates[hidden.indexOf(Math.min(...hidden))];
}

/**
 * Draws boxes and labels on a copy of a picture. Labels beyond ASCII need `loadUnicodeFont` first; without it the number of a character
 * stands in its place (`U+732B`). Line thickness and text size follow the picture's size. The first detections lie on top.
 */
export function drawDetections(image: RgbImage, detections: readonly DrawnDetection[]): RgbImage {
  const surface: Surface = { width: image.width, height: image.height, data: image.data.slice() };
  const { line, capitals } = measures(image);
  const padding = Math.max(3, Math.round(capitals * 0.4));
  for (const { box, classId } of detections.toReversed()) outline(surface, box, line, classId);

  const taken: Rectangle[] = [];
  const labels = detections.map(({ box, score, classId, label }) => {
    const text = `${label} ${score.toFixed(2)}`;
    const extent = [Math.ceil(measureText(text, capitals)) + 2 * padding, capitals + 2 * padding] as const;
    const place = placeLabel(image, box, extent, line, taken);
    taken.push(place);
    return { text, place, classId };
  });
  for (const { text, place, classId } of labels.toReversed()) {
    const colour = classColour(classId);
    fillRectangle(surface, place, colour);
    drawText(surface, text, [place[0] + padding, place[1] + padding], capitals, textColour(colour));
  }
  return surface;
}
