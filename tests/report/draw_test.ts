/** Drawn boxes and labels: where they are, what they leave alone, and what happens at the picture's edges. */

import { assert, assertEquals } from "@std/assert";
import type { RgbImage } from "../../src/image/rgb_image.ts";
import { drawDetections } from "../../src/report/draw/draw.ts";
import { classColour, textColour } from "../../src/report/draw/palette.ts";
import { measureText, missingCharacters } from "../../src/report/draw/text.ts";
import { loadUnicodeFont, pixelGlyph } from "../../src/report/draw/unicode_font.ts";

function grey(width: number, height: number): RgbImage {
  return { width, height, data: new Uint8Array(width * height * 3).fill(128) };
}

function pixel({ width, data }: RgbImage, x: number, y: number): number[] {
  return [...data.slice((y * width + x) * 3, (y * width + x) * 3 + 3)];
}

Deno.test("drawDetections outlines the box, keeps its inside and the given picture", () => {
  const image = grey(200, 160);
  const drawn = drawDetections(image, [{ box: [50, 60, 150, 120], score: 0.5, classId: 1, label: "a" }]);
  const colour = [...classColour(1)];
  for (const [x, y] of [[49, 60], [50, 119], [149, 90], [100, 120], [100, 60]]) {
    assertEquals(pixel(drawn, x, y), colour);
  }
  for (const [x, y] of [[100, 90], [52, 100], [147, 117], [20, 20], [152, 90]]) {
    assertEquals(pixel(drawn, x, y), [128, 128, 128]);
  }
  assert(image.data.every((value) => value === 128), "the given picture was changed");
});

Deno.test("drawDetections writes the label on its colour, legibly", () => {
  const image = grey(400, 300);
  const drawn = drawDetections(image, [{ box: [50, 100, 250, 250], score: 0.875, classId: 4, label: "traffic light" }]);
  const [background, ink] = [classColour(4), textColour(classColour(4))];
  let filled = 0;
  let inked = 0;
  for (let y = 70; y < 99; y++) {
    for (let x = 49; x < 260; x++) {
      const here = pixel(drawn, x, y);
      if (here.join() === background.join()) filled++;
      // Strokes are about a pixel wide, so that most of their pixels are mixed with the background.
      const towards = here.map((value, i) => (value - background[i]) / (ink[i] - background[i]));
      if (towards.every((part) => part > 0.6)) inked++;
    }
  }
  const width = measureText("traffic light 0.88", 9);
  assert(filled > width * 9, `${filled} pixels of background`);
  assert(inked > 60, `${inked} pixels of ink`);
});

Deno.test("drawDetections survives boxes at, over and beyond the edges, and tiny pictures", () => {
  const boxes = [[-20, -20, 10, 10], [0, 0, 64, 48], [60, 40, 90, 80], [500, 500, 600, 600], [10, 10, 10, 10]] as const;
  const detections = boxes.map((box, classId) => ({ box, score: 1, classId, label: "long label \u732b" }));
  for (const [width, height] of [[64, 48], [1, 1], [13, 127]]) {
    const drawn = drawDetections(grey(width, height), detections);
    assertEquals(drawn.data.length, width * height * 3);
  }
  assertEquals(drawDetections(grey(9, 9), []), grey(9, 9));
});

Deno.test("text grows with the picture and its width with the text", () => {
  const [small, large] = [measureText("person 0.91", 9), measureText("person 0.91", 18)];
  assert(Math.abs(large / small - 2) < 1e-9);
  assert(measureText("person", 9) < small);
  const ink = (side: number) => {
    const drawn = drawDetections(grey(side, side), [{
      box: [9, side / 2, side - 9, side - 9],
      score: 1,
      classId: 0,
      label: "x",
    }]);
    return drawn.data.filter((value) => value !== 128).length;
  };
  assert(ink(2000) > 4 * ink(500));
});

Deno.test("neighbouring classes have clearly different colours and legible text", () => {
  const luminance = (rgb: readonly number[]) => {
    const [r, g, b] = rgb.map((value) => value / 255).map((v) =>
      v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4
    );
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  for (let classId = 0; classId < 80; classId++) {
    const [one, next] = [classColour(classId), classColour(classId + 1)];
    assert(Math.hypot(...one.map((value, i) => value - next[i])) > 100, `classes ${classId} and ${classId + 1}`);
    const [light, dark] = [luminance(one), luminance(textColour(one))].sort((a, b) => b - a);
    assert((light + 0.05) / (dark + 0.05) > 2.9, `contrast of class ${classId}`);
  }
});

Deno.test("characters without strokes are drawn by number, and as Unifont's pixels once that is loaded", async () => {
  assertEquals(missingCharacters("cafe\u0301 \u732b"), ["\u00e9", "\u732b"]);
  assertEquals(measureText("\u732b", 9), measureText("U+732B", 9));
  await loadUnicodeFont();
  // As unifont.hex, the font's own source, has it: a byte a row.
  const published: Record<string, string> = {
    A: "0000000018242442427E424242420000",
    B: "000000007C4242427C424242427C0000",
  };
  for (const [character, rows] of Object.entries(published)) {
    const { columns, runs } = pixelGlyph(character)!;
    const bytes = new Uint8Array(16);
    for (const [row, from, to] of runs) for (let x = from; x < to; x++) bytes[row] |= 0x80 >> x;
    assertEquals([columns, bytes.toHex().toUpperCase()], [8, rows], character);
  }
  assertEquals(missingCharacters("cafe\u0301 \u732b \u0416 \u03a9 \ud55c"), []);
  assertEquals(missingCharacters("\u{1f408}"), ["\u{1f408}"]);
  // Twice as wide as a capital, of ten parts of whose height it has sixteen columns.
  assertEquals(measureText("\u732b", 10), 16);
  assertEquals(measureText("cafe\u0301", 9), measureText("caf\u00e9", 9));
  const drawn = drawDetections(grey(200, 160), [{ box: [50, 60, 150, 120], score: 1, classId: 4, label: "\u732b" }]);
  const ink = textColour(classColour(4)).join();
  const inked = Array.from(
    { length: 60 * 100 },
    (_, i) => pixel(drawn, 50 + i % 100, Math.floor(i / 100)).join() === ink,
  );
  assert(inked.filter(Boolean).length > 5, `${inked.filter(Boolean).length} pixels of ink`);
});
