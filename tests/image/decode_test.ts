/** Decoded pixels against OpenCV's, over every variety of file; what cannot be decoded against its error. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { decodeImage } from "../../src/image/codec/decode.ts";
import { encodeFor, encodeJpeg, encodePng } from "../../src/image/codec/encode.ts";
import { orient } from "../../src/image/codec/exif.ts";
import { FORMAT_NAMES, MAX_PIXELS } from "../../src/image/codec/header.ts";
import type { RgbImage } from "../../src/image/rgb_image.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { sha256Of } from "../support/sha256.ts";
import { sharedData } from "../support/shared_data.ts";

interface ImageCase {
  file: string;
  width: number;
  height: number;
  sha256: string;
}

const FOLDER = new URL("../fixtures/images/", import.meta.url);

function read(file: string): Uint8Array {
  return Deno.readFileSync(new URL(file, FOLDER));
}

function cases(file: string): ImageCase[] {
  return JSON.parse(Deno.readTextFileSync(new URL(file, FOLDER)));
}

for (const { file, width, height, sha256: expected } of cases("cases.json")) {
  Deno.test(`decodeImage gives OpenCV's pixels: ${file}`, async () => {
    const image = await decodeImage(read(file), file);
    assertEquals([image.width, image.height, image.data.length], [width, height, width * height * 3]);
    assertEquals(await sha256Of(image.data), expected);
  });
}

const photos = sharedData("coco/val/images");
Deno.test({
  name: "decodeImage gives OpenCV's pixels: photographs (needs ../shared/data)",
  ignore: photos === undefined,
  fn: async () => {
    for (const { file, sha256: expected } of cases("shared_cases.json")) {
      const image = await decodeImage(Deno.readFileSync(sharedData(file)!), file);
      assertEquals(await sha256Of(image.data), expected, file);
    }
  },
});

Deno.test("decodeImage tells the format by the content, not by the name, and reads a view into a larger buffer", async () => {
  const bytes = read("rgb.png");
  const larger = new Uint8Array(bytes.length + 20).fill(7);
  larger.set(bytes, 13);
  const image = await decodeImage(larger.subarray(13, 13 + bytes.length), "photo.jpg");
  assertEquals(image, await decodeImage(bytes));
});

/** Fails unless decoding is refused with exactly this message. */
async function refused(bytes: Uint8Array, file: string, message: string): Promise<void> {
  const error = await assertRejects(() => decodeImage(bytes, file), FeatherdetError);
  assertEquals(error.message, message);
}

Deno.test("decodeImage refuses what is no picture", async () => {
  const text = new TextEncoder().encode("Dear diary, today I renamed a text file.");
  await refused(text, "x.jpg", `x.jpg: not an image (${FORMAT_NAMES}), it starts with "Dear diary, toda"`);
  await refused(new Uint8Array(0), "a.png", `a.png: the file is empty, expected an image (${FORMAT_NAMES})`);
  await refused(
    Uint8Array.of(0, 0, 0, 24, 102, 116, 121, 111, 109),
    "v.jpg",
    `v.jpg: not an image (${FORMAT_NAMES}), it starts with bytes 00 00 00 18 66 74 79 6f`,
  );
});

Deno.test("decodeImage refuses truncated files wherever they are cut", async () => {
  for (const file of ["subsampling2.jpg", "progressive.jpg", "grey.jpg", "rgb.png", "lossy.webp", "lossless.webp"]) {
    const bytes = read(file);
    // Behind the last pixel a PNG has 12 bytes of IEND, and at its end of data a JPEG has a few bits to spare.
    for (const length of [12, 25, 40, 100, 200, bytes.length >> 1, bytes.length - 25]) {
      if (length >= bytes.length) continue;
      const error = await assertRejects(() => decodeImage(bytes.slice(0, length), file), FeatherdetError);
      assert(error.message.startsWith(`${file}: `), `${file} cut to ${length}: ${error.message}`);
    }
  }
  await refused(read("rgb.png").slice(0, 20), "b.png", "b.png: broken PNG: the file ends within its header");
  const jpeg = read("subsampling2.jpg");
  await refused(jpeg.slice(0, jpeg.length - 100), "c.jpg", "c.jpg: broken JPEG: its data is cut short");
});

Deno.test("decodeImage refuses damaged data and goes on working", async () => {
  const bytes = read("rgb.png");
  bytes.fill(0x55, 60, 200);
  await refused(bytes, "d.png", "d.png: broken PNG: its data is damaged or cut short");
  assertEquals((await decodeImage(read("rgb.png"))).width, 61);
});

Deno.test("decodeImage refuses a huge picture by its header alone", async () => {
  const jpeg = read("grey.jpg");
  const frame = jpeg.findIndex((byte, i) => byte === 0xff && jpeg[i + 1] === 0xc0);
  new DataView(jpeg.buffer).setUint16(frame + 5, 50000);
  new DataView(jpeg.buffer).setUint16(frame + 7, 40000);
  await refused(jpeg, "h.jpg", "h.jpg: the image is 40000x50000, more than the 100 megapixels that are accepted");
  const png = read("rgb.png");
  new DataView(png.buffer).setUint32(16, MAX_PIXELS);
  new DataView(png.buffer).setUint32(20, 2);
  await refused(png, "h.png", "h.png: the image is 100000000x2, more than the 100 megapixels that are accepted");
  new DataView(png.buffer).setUint32(16, 0);
  await refused(png, "h.png", "h.png: broken PNG: its size is 0x2");
});

Deno.test("orient undoes and composes as EXIF's eight orientations say", () => {
  // A 3x2 picture with numbered pixels; rows of the intended picture, by the definition of each value.
  const data = Uint8Array.from({ length: 18 }, (_, i) => Math.floor(i / 3));
  const stored: RgbImage = { width: 3, height: 2, data };
  const expected: Record<number, number[][]> = {
    1: [[0, 1, 2], [3, 4, 5]],
    2: [[2, 1, 0], [5, 4, 3]],
    3: [[5, 4, 3], [2, 1, 0]],
    4: [[3, 4, 5], [0, 1, 2]],
    5: [[0, 3], [1, 4], [2, 5]],
    6: [[3, 0], [4, 1], [5, 2]],
    7: [[5, 2], [4, 1], [3, 0]],
    8: [[2, 5], [1, 4], [0, 3]],
  };
  for (const [orientation, rows] of Object.entries(expected)) {
    const turned = orient(stored, Number(orientation));
    const got = Array.from({ length: turned.height }, (_, y) => {
      return Array.from({ length: turned.width }, (_, x) => turned.data[(y * turned.width + x) * 3]);
    });
    assertEquals(got, rows, `orientation ${orientation}`);
  }
});

Deno.test("encodePng is without loss and encodeJpeg is close", async () => {
  const image = await decodeImage(read("rgb.png"));
  assertEquals(await decodeImage(await encodePng(image)), image);
  const jpeg = await decodeImage(await encodeJpeg(image, 95));
  assertEquals([jpeg.width, jpeg.height], [image.width, image.height]);
  const error = image.data.reduce((sum, value, i) => sum + Math.abs(value - jpeg.data[i]), 0) / image.data.length;
  assert(error < 12, `mean error ${error}`);
});

Deno.test("encoders refuse what they cannot write", async () => {
  const image: RgbImage = { width: 2, height: 2, data: new Uint8Array(11) };
  await assertRejects(() => encodePng(image), FeatherdetError, "an RGB image of 2x2 needs 12 bytes, not 11");
  const good: RgbImage = { width: 2, height: 2, data: new Uint8Array(12) };
  await assertRejects(() => encodeJpeg(good, 101), FeatherdetError, "JPEG quality is 101");
  await assertRejects(async () => await encodeFor(good, "out.gif"), FeatherdetError, "must end in .png, .jpg or .jpeg");
});
