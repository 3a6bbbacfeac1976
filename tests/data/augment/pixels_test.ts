/** Pixels of augmentation: sampling, shrinking and colours against their definitions. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { type Affine, inverse } from "../../../src/data/augment/affine.ts";
import { changeColour, type ColourChange } from "../../../src/data/augment/colour.ts";
import { renderSample } from "../../../src/data/augment/render.ts";
import { shrink } from "../../../src/data/augment/shrink.ts";
import { bytesOf, sourceOf } from "../../../src/data/augment/source.ts";
import { letterboxTile } from "../../../src/data/augment/tile.ts";
import { letterboxGeometry } from "../../../src/image/letterbox_geometry.ts";
import { letterboxReference } from "../../../src/reference/detect.ts";
import type { RgbImage } from "../../../src/image/rgb_image.ts";
import { seededRandom } from "../../support/random.ts";

function noisePicture(width: number, height: number): RgbImage {
  const random = seededRandom(width + 1000 * height);
  return { width, height, data: Uint8Array.from({ length: 3 * width * height }, () => Math.floor(256 * random())) };
}

/** The bilinear value at a point (the middle of the first pixel is 0.5), the edge's pixels going on beyond it. */
function bilinear({ width, height, data }: RgbImage, x: number, y: number, channel: number): number {
  const clamp = (value: number, count: number) => Math.min(count - 1, Math.max(0, value));
  const [left, top] = [Math.floor(x - 0.5), Math.floor(y - 0.5)];
  let sum = 0;
  for (const row of [top, top + 1]) {
    for (const column of [left, left + 1]) {
      const weight = (1 - Math.abs(x - 0.5 - column)) * (1 - Math.abs(y - 0.5 - row));
      sum += weight * data[3 * (clamp(row, height) * width + clamp(column, width)) + channel];
    }
  }
  return sum;
}

const MAPS: Affine[] = [
  [1, 0, 0, 0, 1, 0],
  [1.37, 0, -3.2, 0, 0.81, 4.4],
  [-0.9, 0, 40, 0, -1.1, 50],
  [0.8, 0.45, -2, -0.5, 0.9, 13],
];

Deno.test("samples are bilinear, over odd sizes, mirrored and turned", () => {
  for (const [width, height] of [[13, 127], [127, 13], [1, 1], [40, 1], [1, 40], [64, 48]]) {
    const picture = noisePicture(width, height);
    const source = sourceOf(picture, [200, 200], false);
    assertEquals([source.levels[0].width, source.levels[0].height], [width, height]);
    for (const map of MAPS) {
      const back = inverse(map);
      const [rows, columns] = [37, 53];
      const out = new Float32Array(3 * rows * columns);
      const tile = { picture: 7, map, shown: [0, 0, width, height] as const };
      renderSample(out, { tiles: [tile] }, (asked) => {
        assertEquals(asked, 7);
        return source;
      }, [rows, columns]);
      for (let y = 0; y < rows; y++) {
        for (let x = 0; x < columns; x++) {
          const u = back[0] * (x + 0.5) + back[1] * (y + 0.5) + back[2];
          const v = back[3] * (x + 0.5) + back[4] * (y + 0.5) + back[5];
          // What rounding puts on either side is not compared.
          if (Math.min(Math.abs(u), Math.abs(v), Math.abs(u - width), Math.abs(v - height)) < 1e-5) continue;
          const inside = u >= 0 && u <= width && v >= 0 && v <= height;
          for (let channel = 0; channel < 3; channel++) {
            const expected = inside ? bilinear(picture, u, v, channel) / 255 : 114 / 255;
            assertAlmostEquals(out[(channel * rows + y) * columns + x], expected, 1e-7);
          }
        }
      }
    }
  }
});

Deno.test("the letterbox has the values of the detector's, as long as it shrinks by no more than two", () => {
  for (
    const [width, height, input] of [[96, 54, [48, 64]], [37, 23, [64, 40]], [61, 40, [33, 41]], [13, 29, [
      40,
      40,
    ]]] as const
  ) {
    const picture = noisePicture(width, height);
    const expected = letterboxReference(
      picture,
      letterboxGeometry(width, height, input[1], input[0]),
      input[1],
      input[0],
    );
    const out = new Float32Array(3 * input[0] * input[1]);
    const tile = letterboxTile(0, picture, input);
    renderSample(out, { tiles: [tile] }, () => sourceOf(picture, input, false), input);
    out.forEach((value, i) => assertAlmostEquals(value, expected.data[i], 1e-6));
  }
});

Deno.test("shrinking averages the area that a pixel covers", () => {
  for (const [from, fromHeight, width, height] of [[13, 127, 5, 31], [64, 48, 64, 20], [7, 9, 1, 1], [100, 3, 99, 2]]) {
    const picture = noisePicture(from, fromHeight);
    const { data } = shrink(picture, width, height);
    const covered = (cell: number, step: number, at: number) =>
      Math.max(0, Math.min((cell + 1) * step, at + 1) - Math.max(cell * step, at));
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        for (let channel = 0; channel < 3; channel++) {
          let sum = 0, area = 0;
          for (let v = 0; v < fromHeight; v++) {
            for (let u = 0; u < from; u++) {
              const part = covered(x, from / width, u) * covered(y, fromHeight / height, v);
              sum += part * picture.data[3 * (v * from + u) + channel];
              area += part;
            }
          }
          assertAlmostEquals(data[3 * (y * width + x) + channel], sum / area, 0.5 + 1e-6);
        }
      }
    }
  }
});

Deno.test("a picture shown much smaller does not alias, one shown larger than its letterbox is kept as it can be seen", () => {
  // The mean of black and white lines too fine to be seen is grey; samples of single pixels would be black or white.
  const width = 800, height = 400;
  for (const [line, sizes] of [[1, [1 / 4, 1 / 6]], [4, [1 / 12, 1 / 30, 1 / 60]], [8, [1 / 20, 1 / 45]]] as const) {
    const data = Uint8Array.from(
      { length: 3 * width * height },
      (_, i) => Math.floor(i / 3 / line) % 2 === 0 ? 255 : 0,
    );
    const source = sourceOf({ width, height, data }, [100, 100], false);
    assertEquals(source.levels.map((level) => level.width), [200, 100, 50, 25, 13, 7]);
    assert(bytesOf(source) < 1.5 * 3 * 200 * 100);
    for (const size of sizes) {
      const out = new Float32Array(3 * 100 * 100);
      const tile = { picture: 0, map: [size, 0, 0, 0, size, 0] as const, shown: [0, 0, width, height] as const };
      renderSample(out, { tiles: [tile] }, () => source, [100, 100]);
      const columns = Math.min(100, Math.floor(width * size)), rows = Math.floor(height * size);
      // The outermost ones see the edge, whose line is black or white.
      for (let y = 0; y < rows; y++) {
        for (let x = 1; x < columns - 1; x++) assertAlmostEquals(out[y * 100 + x], 0.5, 0.02);
      }
    }
  }
});

/** Hue in degrees, saturation and value, by cases as textbooks have it. */
function toHsv(red: number, green: number, blue: number): [number, number, number] {
  const value = Math.max(red, green, blue), chroma = value - Math.min(red, green, blue);
  let hue = 0;
  if (chroma > 0) {
    if (value === red) hue = 60 * ((green - blue) / chroma);
    else if (value === green) hue = 60 * (2 + (blue - red) / chroma);
    else hue = 60 * (4 + (red - green) / chroma);
  }
  return [(hue + 360) % 360, value === 0 ? 0 : chroma / value, value];
}

function fromHsv(hue: number, saturation: number, value: number): [number, number, number] {
  const sector = Math.floor(hue / 60) % 6, rest = hue / 60 - Math.floor(hue / 60);
  const low = value * (1 - saturation);
  const falling = value * (1 - saturation * rest), rising = value * (1 - saturation * (1 - rest));
  return ([
    [value, rising, low],
    [falling, value, low],
    [low, value, rising],
    [low, falling, value],
    [rising, low, value],
    [value, low, falling],
  ] as [number, number, number][])[sector];
}

Deno.test("colours change by hue, saturation and value", () => {
  const random = seededRandom(5);
  const colours = Array.from({ length: 300 }, () => [random(), random(), random()]);
  // Greys, black, white, and colours on the borders of the sectors.
  colours.push([0, 0, 0], [1, 1, 1], [0.4, 0.4, 0.4], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0, 1, 1], [1, 0, 1]);
  const changes: ColourChange[] = [
    { hue: 0, saturation: 1, value: 1 },
    { hue: 0.015, saturation: 1.7, value: 1.4 },
    { hue: -0.015, saturation: 0.3, value: 0.6 },
    { hue: 0.5, saturation: 0, value: 1 },
    { hue: -0.5, saturation: 1.2, value: 0.9 },
    { hue: 0.21, saturation: 2, value: 2 },
  ];
  const count = colours.length;
  for (const change of changes) {
    const image = new Float32Array(3 * count);
    colours.forEach((colour, i) => colour.forEach((level, channel) => image[channel * count + i] = level));
    const before = image.slice();
    changeColour(image, count, 2, count, change);
    for (let i = 0; i < count; i++) {
      const [red, green, blue] = [0, 1, 2].map((channel) => before[channel * count + i]);
      const [hue, saturation, value] = toHsv(red, green, blue);
      const expected = i < 2 ? [red, green, blue] : fromHsv(
        (hue + 360 * change.hue + 360) % 360,
        Math.min(1, saturation * change.saturation),
        Math.min(1, value * change.value),
      );
      expected.forEach((level, channel) => assertAlmostEquals(image[channel * count + i], level, 1e-6));
    }
  }
});
