/**
 * Picture files. After each of them a good one must decode to its own pixels.
 *
 * @module
 */

import { encodeJpeg, encodePng } from "../../src/image/codec/encode.ts";
import { decodeImage } from "../../src/image/codec/decode.ts";
import { readImageHeader } from "../../src/image/codec/header.ts";
import { type ByteChange, byteChanges, changeBytes } from "./changes.ts";
import { accepted, must, type Target, target } from "./target.ts";

const FIXTURES = new URL("../fixtures/", import.meta.url);

function pictures(folder: string, pattern: RegExp): [string, Uint8Array][] {
  return [...Deno.readDirSync(new URL(folder, FIXTURES))].filter(({ name }) => pattern.test(name))
    .map(({ name }): [string, Uint8Array] => [name, Deno.readFileSync(new URL(`${folder}/${name}`, FIXTURES))]).sort();
}

let corpus: Record<string, Uint8Array> | undefined;

function files(): Record<string, Uint8Array> {
  corpus ??= Object.fromEntries([
    ...pictures("images", /\.(jpg|png|webp)$/),
    ...pictures("odd_images", /\.(jpg|mpo|png|webp|bmp|gif|tif|avif|heic)$/),
  ]);
  return corpus;
}

/** A small picture in two formats, with the pixels that decoding gives. */
async function goodOnes() {
  const image = { width: 24, height: 17, data: Uint8Array.from({ length: 24 * 17 * 3 }, (_, i) => (i * 37) % 251) };
  const made = [await encodeJpeg(image), await encodePng(image)];
  return await Promise.all(made.map(async (bytes) => ({ bytes, pixels: (await decodeImage(bytes)).data })));
}

let good: ReturnType<typeof goodOnes> | undefined;

/** Pictures of formats that come in all data sets, and of rare ones. */
export const picturesTarget: Target = target<ByteChange>({
  get entries() {
    return Object.keys(files());
  },
  changes: byteChanges,
  async run(entry, changes) {
    const bytes = changeBytes(files()[entry], changes);
    good ??= goodOnes();
    const warnings: string[] = [];
    const onWarning = (sentence: string) => void warnings.push(sentence);
    const image = await accepted(() => decodeImage(bytes, "a.jpg", { onWarning }));
    if (image !== undefined) {
      const { width, height, orientation } = readImageHeader(bytes);
      const [columns, rows] = orientation >= 5 ? [height, width] : [width, height];
      must(image.width === columns && image.height === rows, `decoded to ${image.width}x${image.height}`);
      must(image.data.length === 3 * columns * rows, `has ${image.data.length} bytes`);
      must(warnings.every((one) => one.startsWith("a.jpg: damaged ")), `warns of ${warnings.join(" and ")}`);
      const strict = await accepted(() => decodeImage(bytes, "a.jpg", { strict: true, onWarning }));
      must((strict === undefined) === warnings.length > 0, "strict is of another opinion");
    }
    for (const { bytes: other, pixels } of await good) {
      const { data } = await decodeImage(other, "good", { strict: true });
      must(data.every((value, i) => value === pixels[i]), "the next picture has other pixels");
    }
  },
});
