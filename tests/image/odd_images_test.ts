/** Pictures in rare formats and with faults that bear on no pixel, against Pillow's pixels; what no decoder here reads, by its name. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { decodeImage } from "../../src/image/codec/decode.ts";
import { readImageHeader } from "../../src/image/codec/header.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { sha256Of } from "../support/sha256.ts";

interface OddCase {
  readonly file: string;
  readonly width: number;
  readonly height: number;
  /** Digest of the pixels, or a file that they come near to. */
  readonly sha256?: string;
  readonly near?: string;
}

const FOLDER = new URL("../fixtures/odd_images/", import.meta.url);
const read = (file: string) => Deno.readFileSync(new URL(file, FOLDER));

for (
  const { file, width, height, sha256, near } of JSON.parse(new TextDecoder().decode(read("cases.json"))) as OddCase[]
) {
  Deno.test(`decodeImage gives Pillow's pixels: ${file}`, async () => {
    const warnings: string[] = [];
    const image = await decodeImage(read(file), file, { onWarning: (text) => warnings.push(text) });
    assertEquals([image.width, image.height, image.data.length], [width, height, width * height * 3]);
    const header = readImageHeader(read(file));
    const size = header.orientation >= 5 ? [header.height, header.width] : [header.width, header.height];
    assertEquals(size, [width, height], "the size before decoding");
    assertEquals(warnings, file === "damaged_gamma.png" ? [`${file}: damaged PNG: the checksum of gAMA is wrong`] : []);
    if (sha256 !== undefined) assertEquals(await sha256Of(image.data), sha256);
    if (near !== undefined) {
      const { data } = await decodeImage(read(near));
      const differences = data.map((value, i) => Math.abs(value - image.data[i]));
      assert(differences.every((one) => one <= 4), `up to ${Math.max(...differences)}`);
    }
  });
}

const text = (words: string) => new TextEncoder().encode(words);
const KINDS: Record<string, readonly [Uint8Array, RegExp]> = {
  "an SVG": [text("<svg xmlns='http://www.w3.org/2000/svg'/>"), /it is an SVG drawing$/],
  "a web page": [text("<!DOCTYPE html><html></html>"), /it is a web page$/],
  "a video": [
    Uint8Array.of(0, 0, 0, 24, ...text("ftypisom"), 0, 0, 0, 0, ...text("isommp42")),
    /it is a video \(MP4 or MOV\)$/,
  ],
  "JPEG 2000": [Uint8Array.of(0, 0, 0, 12, 0x6a, 0x50, 0x20, 0x20, 13, 10), /it is JPEG 2000$/],
  "a PDF": [text("%PDF-1.7\n"), /it is a PDF document$/],
  "AppleDouble": [Uint8Array.of(0, 5, 0x16, 7, 0, 2, 0, 0), /it is macOS's record of a file/],
  "Git LFS": [
    text("version https://git-lfs.github.com/spec/v1\noid sha256:"),
    /it is a pointer to a file that Git LFS/,
  ],
  "a link's text": [text("../real/a.jpg"), /it is the text of a symbolic link, /],
};

for (const [name, [bytes, says]] of Object.entries(KINDS)) {
  Deno.test(`what is no picture is named as what it is: ${name}`, async () => {
    const { message } = await assertRejects(() => decodeImage(bytes, "a.jpg"), FeatherdetError);
    assertMatch(message, /^a.jpg: not an image \(JPEG, .*\), /);
    assertMatch(message, says);
  });
}

Deno.test("truncated files of rare formats are refused or have all pixels", async () => {
  for (
    const file of [
      "colour.bmp",
      "palette.gif",
      "tiff_lzw.tiff",
      "plain.tif",
      "colour.avif",
      "animation.webp",
      "inks.jpg",
    ]
  ) {
    const bytes = read(file);
    for (const length of [8, 16, 30, 100, bytes.length >> 1, Math.floor(bytes.length * 0.9)]) {
      const { message } = await assertRejects(() => decodeImage(bytes.slice(0, length), file), FeatherdetError);
      assert(message.startsWith(`${file}: `) && !message.includes("\n"), message);
    }
  }
});
