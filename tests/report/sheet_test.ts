/** Pictures on a sheet: each in its place, unchanged where there are no boxes, captions above, boxes scaled along. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { FeatherdetError } from "../../src/graph/error.ts";
import type { RgbImage } from "../../src/image/rgb_image.ts";
import { classColour } from "../../src/report/draw/palette.ts";
import { drawSheet } from "../../src/report/draw/sheet.ts";

const GAP = 8, LINE = 22;

function plain(width: number, height: number, level: number): RgbImage {
  return { width, height, data: new Uint8Array(width * height * 3).fill(level) };
}

const at = ({ width, data }: RgbImage, x: number, y: number) => [...data.subarray((y * width + x) * 3).subarray(0, 3)];

Deno.test("pictures lie in rows, each row as high as its highest, columns as wide as the widest", () => {
  const sizes = [[13, 40], [40, 7], [30, 20], [1, 1], [40, 39]];
  const pictures = sizes.map(([width, height], i) => {
    return { image: plain(width, height, 40 * i + 1), boxes: [], caption: "" };
  });
  const sheet = drawSheet(pictures, { columns: 2, side: 41 });
  // A single pixel is enlarged to the side.
  assertEquals([sheet.width, sheet.height], [3 * GAP + 2 * 41, 4 * GAP + 3 * LINE + 40 + 41 + 39]);
  const tops = [0, 40, 81].map((above, row) => GAP + row * (GAP + LINE) + LINE + above);
  sizes.forEach(([width, height], i) => {
    const left = GAP + (i % 2) * (41 + GAP), top = tops[Math.floor(i / 2)], level = 40 * i + 1;
    const [right, bottom] = i === 3 ? [left + 41, top + 41] : [left + width, top + height];
    for (const [x, y] of [[left, top], [right - 1, bottom - 1]]) {
      assertEquals(at(sheet, x, y), [level, level, level], `${i}`);
    }
    for (const [x, y] of [[left - 1, top], [right, bottom - 1], [left, bottom]]) {
      if (x < sheet.width && y < sheet.height) assertEquals(at(sheet, x, y), [255, 255, 255], `${i}`);
    }
  });
});

Deno.test("pictures are enlarged by whole factors or made smaller, with their boxes", () => {
  const one = (image: RgbImage, box: [number, number, number, number]) =>
    drawSheet([{ image, boxes: [{ box, classId: 2, label: "x" }], caption: "a.png" }], { columns: 4, side: 127 });
  const ink = [...classColour(2)];
  for (const [width, height, factor] of [[60, 30, 2], [50, 40, 2], [42, 13, 3], [127, 127, 1], [254, 100, 0.5]]) {
    const sheet = one(plain(width, height, 90), [0.25 * width, 0.5 * height, 0.75 * width, height - 2]);
    assertEquals([sheet.width, sheet.height], [2 * GAP + width * factor, 2 * GAP + LINE + height * factor]);
    const y = GAP + LINE + Math.round(0.75 * height * factor);
    const row = Array.from({ length: sheet.width }, (_, x) => x).filter((x) => at(sheet, x, y).join() === ink.join());
    const [left, right] = [0.25, 0.75].map((part) => GAP + part * width * factor);
    assert(row.some((x) => Math.abs(x - left) <= 2) && row.some((x) => Math.abs(x - right) <= 2), `${width}: ${row}`);
  }
});

Deno.test("captions are written above their pictures, and cut where they are too long", () => {
  const caption = (text: string) =>
    drawSheet([{ image: plain(60, 60, 90), boxes: [], caption: text }], { columns: 1, side: 60 });
  const written = ({ width, data }: RgbImage) => {
    return Array.from({ length: LINE * width }, (_, i) => i).filter((i) => data[(GAP * width + i) * 3] < 200).length;
  };
  assertEquals(written(caption("")), 0);
  assert(written(caption("abc")) > 10);
  assertEquals(caption("a very long name of a file.jpg").width, caption("abc").width);
  assertThrows(() => drawSheet([], { columns: 2 }), FeatherdetError, "there are no pictures");
});
