/**
 * Several pictures with their boxes on one: what goes into training, what is found beside what is there.
 *
 * @module
 */

import { shrink } from "../../data/augment/shrink.ts";
import { FeatherdetError } from "../../graph/error.ts";
import { letterboxGeometry } from "../../image/letterbox_geometry.ts";
import type { RgbImage } from "../../image/rgb_image.ts";
import { drawDetections, type DrawnDetection } from "./draw.ts";
import type { Rgb } from "./palette.ts";
import { fillRectangle, type Surface } from "./raster.ts";
import { drawText, measureText } from "./text.ts";

/** One of the pictures. */
export interface SheetPicture {
  readonly image: RgbImage;
  /** In pixels of the picture. */
  readonly boxes: readonly DrawnDetection[];
  /** A line above it; what is too long is cut. */
  readonly caption: string;
}

/** How pictures are arranged. */
export interface SheetOptions {
  /** Pictures of a row. */
  readonly columns: number;
  /** Side of the square that each has, in pixels. Default 400. */
  readonly side?: number;
}

/** Pixels: height of a caption's line and of its capitals, and between pictures. */
const LINE = 22, CAPITALS = 9, GAP = 8;

const PAPER: Rgb = [255, 255, 255], INK: Rgb = [34, 34, 34];

/** The picture in more pixels, each that of its nearest. */
function enlarge(image: RgbImage, width: number, height: number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, to = 0; y < height; y++) {
    const row = Math.floor((y + 0.5) * image.height / height) * image.width;
    for (let x = 0; x < width; x++, to += 3) {
      const from = 3 * (row + Math.floor((x + 0.5) * image.width / width));
      for (let channel = 0; channel < 3; channel++) data[to + channel] = image.data[from + channel];
    }
  }
  return { width, height, data };
}

/** The picture as large as a square lets it be. */
function fit(image: RgbImage, side: number): RgbImage {
  const { width, height } = letterboxGeometry(image.width, image.height, side, side);
  if (width > image.width || height > image.height) return enlarge(image, width, height);
  return width === image.width ? image : shrink(image, width, height);
}

/** The beginning of a text that is no wider than this. */
function cut(text: string, width: number): string {
  if (measureText(text, CAPITALS) <= width) return text;
  const letters = [...text];
  while (letters.length > 0 && measureText(`${letters.join("")}...`, CAPITALS) > width) letters.pop();
  return `${letters.join("")}...`;
}

function paste(surface: Surface, { width, height, data }: RgbImage, left: number, top: number): void {
  for (let y = 0; y < height; y++) {
    surface.data.set(data.subarray(y * width * 3, (y + 1) * width * 3), ((top + y) * surface.width + left) * 3);
  }
}

/**
 * Draws pictures with their boxes in rows, each in a square of its own with a caption above it. Pictures are made smaller or larger to
 * fill it; labels are written afterwards, so that they stay legible. Labels beyond ASCII need `loadUnicodeFont`, as for
 * `drawDetections`. Throws FeatherdetError if there are no pictures.
 */
export function drawSheet(pictures: readonly SheetPicture[], { columns, side = 400 }: SheetOptions): RgbImage {
  if (pictures.length === 0) throw new FeatherdetError("there are no pictures to draw on a sheet");
  const across = Math.min(columns, pictures.length), rows = Math.ceil(pictures.length / columns);
  const fitted = pictures.map(({ image }) => fit(image, side));
  // No emptier than need be.
  const cellWidth = Math.max(...fitted.map(({ width }) => width));
  const heights = Array.from(
    { length: rows },
    (_, row) => Math.max(...fitted.slice(row * columns, (row + 1) * columns).map(({ height }) => height)),
  );
  const tops = heights.map((_, row) => heights.slice(0, row).reduce((sum, height) => sum + height + LINE + GAP, GAP));
  const width = GAP + across * (cellWidth + GAP), height = tops.at(-1)! + heights.at(-1)! + LINE + GAP;
  const surface: Surface = { width, height, data: new Uint8Array(width * height * 3) };
  fillRectangle(surface, [0, 0, width, height], PAPER);
  pictures.forEach(({ image, boxes, caption }, i) => {
    const left = GAP + (i % columns) * (cellWidth + GAP), top = tops[Math.floor(i / columns)];
    const [toX, toY] = [fitted[i].width / image.width, fitted[i].height / image.height];
    const placed = boxes.map((one): DrawnDetection => {
      const [x1, y1, x2, y2] = one.box;
      return { ...one, box: [x1 * toX, y1 * toY, x2 * toX, y2 * toY] };
    });
    drawText(surface, cut(caption, cellWidth), [left, top + (LINE - CAPITALS) / 2], CAPITALS, INK);
    paste(surface, drawDetections(fitted[i], placed), left, top + LINE);
  });
  return surface;
}
