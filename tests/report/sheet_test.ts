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

Deno.test("pictures lie in rows, as large as their squares let them be, each row as high as its highest", () => {
  const sizes = [[13, 40], [40, 7], [30, 20], [1, 1], [400, 390]], side = 80;
  const shown = [[26, 80], [80, 14], [80, 53], [80, 80], [80, 78]];
  const pictures = sizes.map(([width, height], i) => {
    return { image: plain(width, height, 40 * i + 1), boxes: [], caption: "" };
  });
  const sheet = drawSheet(pictures, { columns: 2, side });
  assertEquals([sheet.width, sheet.height], [3 * GAP + 2 * side, 4 * GAP + 3 * LINE + 80 + 80 + 78]);
  const tops = [0, 80, 160].map((above, row) => GAP + row * (GAP + LINE) + LINE + above);
  shown.forEach(([width, height], i) => {
    const left = GAP + (i % 2) * (side + GAP), top = tops[Math.floor(i / 2)], level = 40 * i + 1;
    const [right, bottom] = [left + width, top + height];
    for (const [x, y] of [[left, top], [right - 1, bottom - 1]]) {
      assertEquals(at(sheet, x, y), [level, level, level], `${i}`);
    }
    for (const [x, y] of [[left - 1, top], [right, bottom - 1], [left, bottom]]) {
      if (x < sheet.width && y < sheet.height) assertEquals(at(sheet, x, y), [255, 255, 255], `${i}`);
    }
  });
});

Deno.test("pictures are enlarged and made smaller with what is on them, and with their boxes", () => {
  const ink = [...classColour(2)];
  for (const [width, height] of [[60, 30], [50, 40], [42, 13], [127, 127], [254, 100], [500, 33]]) {
    // Black on the left of a quarter, white on the right of it.
    const image = plain(width, height, 0), quarter = Math.round(width / 4);
    for (let i = 0; i < width * height; i++) if (i % width >= quarter) image.data.fill(255, 3 * i, 3 * i + 3);
    const box = [0.5 * width, 0.3 * height, 0.75 * width, height] as const;
    const boxes = [{ box, classId: 2, label: "x" }];
    const sheet = drawSheet([{ image, boxes, caption: "a.png" }], { columns: 4, side: 127 });
    const factor = 127 / Math.max(width, height), high = Math.max(1, Math.round(height * factor));
    assertEquals([sheet.width, sheet.height], [2 * GAP + Math.round(width * factor), 2 * GAP + LINE + high]);
    const y = GAP + LINE + Math.round(0.75 * high);
    const row = Array.from({ length: sheet.width }, (_, x) => at(sheet, x, y));
    const inked = row.flatMap((pixel, x) => pixel.join() === ink.join() ? [x] : []);
    for (const part of [0.5, 0.75]) {
      assert(inked.some((x) => Math.abs(x - GAP - part * width * factor) <= 2), `${width}: ${inked}`);
    }
    const dark = row.flatMap(([red], x) => red < 128 && !inked.includes(x) ? [x] : []);
    assert(dark[0] === GAP && Math.abs(dark.at(-1)! + 1 - GAP - quarter * factor) <= 1, `${width}: ${dark}`);
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
