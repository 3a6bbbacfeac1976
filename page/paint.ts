/**
 * A picture and its boxes on a canvas.
 *
 * @module
 */

import type { Detection } from "../src/detect/detector.ts";
import type { RgbImage } from "../src/image/rgb_image.ts";
import { classColour, textColour } from "../src/report/draw/palette.ts";
import { placeBoxLabels } from "../src/report/draw/place_labels.ts";

const css = ([red, green, blue]: readonly number[]) => `rgb(${red} ${green} ${blue})`;

/** The pixels of a picture with alpha, as canvases have them. */
export function withAlpha({ width, height, data }: RgbImage): ImageData {
  const pixels = new ImageData(width, height);
  for (let from = 0, to = 0; from < data.length; from += 3, to += 4) {
    pixels.data[to] = data[from];
    pixels.data[to + 1] = data[from + 1];
    pixels.data[to + 2] = data[from + 2];
    pixels.data[to + 3] = 255;
  }
  return pixels;
}

/** The other way round. */
export function withoutAlpha({ width, height, data }: ImageData): RgbImage {
  const rgb = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    rgb[to] = data[from];
    rgb[to + 1] = data[from + 1];
    rgb[to + 2] = data[from + 2];
  }
  return { width, height, data: rgb };
}

/**
 * Draws the picture, and on it a box and a label for each detection, the best on top. No box crosses a label, and labels keep clear of each
 * other where there is room.
 */
export function paint(canvas: HTMLCanvasElement, image: RgbImage, detections: readonly Detection[]): void {
  const { width, height } = image;
  // Setting the size clears a canvas, which flickers where pictures follow each other.
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d")!;
  context.putImageData(withAlpha(image), 0, 0);
  const unit = Math.max(1, (width + height) / 900);
  context.lineWidth = 2.5 * unit;
  context.font = `${Math.round(13 * unit)}px system-ui, sans-serif`;
  context.textBaseline = "top";
  for (const { box: [left, top, right, bottom], classId } of detections.toReversed()) {
    context.strokeStyle = css(classColour(classId));
    context.strokeRect(left, top, right - left, bottom - top);
  }
  const texts = detections.map(({ label, score }) => `${label} ${score.toFixed(2)}`);
  const places = placeBoxLabels(
    detections.map(({ box }, i) => ({ box, label: [context.measureText(texts[i]).width + 6 * unit, 17 * unit] })),
    [0, 0, width, height],
  );
  const labels = detections.map(({ classId }, i) => ({ text: texts[i], place: places[i], classId }));
  for (const { text, place: [left, top, right, bottom], classId } of labels.toReversed()) {
    const colour = classColour(classId);
    context.fillStyle = css(colour);
    context.fillRect(left, top, right - left, bottom - top);
    context.fillStyle = css(textColour(colour));
    context.fillText(text, left + 3 * unit, top + 2 * unit);
  }
}
