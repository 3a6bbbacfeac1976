/**
 * The picture codec outside browsers: mozjpeg, libwebp and the Rust `png` crate as WebAssembly (@jsquash); ImageMagick for what is rare.
 *
 * @module
 */

import encodeJpeg from "npm:@jsquash/jpeg@1.6.0/encode.js";
import encodePng from "npm:@jsquash/png@3.1.1/encode.js";
import type { DecodedFile, ImageCodec, RgbaPixels } from "./codec.ts";
import type { ImageFormat } from "./header.ts";
import { decodeByMagick } from "./codec_magick.ts";
import { hasFourColours } from "./header_jpeg.ts";
import { endsEarly, withEnd } from "./jpeg_end.ts";
import { replaceDecoder, wasmDecoder } from "./wasm_decoders.ts";

/** Pixels of a picture after which the decoder's memory, which never shrinks, is given back. */
const LARGE = 16_000_000;

/** A decoder's failure said plainly; its silent or cryptic ones get `otherwise`. */
function explain(error: unknown, otherwise: string): Error {
  const text = error instanceof Error ? error.message : "";
  // The WebAssembly file is read from Deno's cache, for which a sandboxed program needs permission.
  if (/requires \w+ access/i.test(text)) return new Error(`the decoder could not be loaded, ${text}`);
  return new Error(otherwise);
}

/** Decodes with a decoder of its own while it works. Its complaints are warnings if it succeeds. */
async function decodeByWasm(bytes: Uint8Array<ArrayBuffer>, format: "JPEG" | "PNG" | "WebP"): Promise<DecodedFile> {
  let decoder;
  try {
    decoder = await wasmDecoder(format);
  } catch (error) {
    throw explain(error, `the decoder could not be loaded, ${error instanceof Error ? error.message : error}`);
  }
  const warnings: string[] = [];
  try {
    const pixels = decoder(bytes, warnings);
    if (pixels.width * pixels.height > LARGE) replaceDecoder(format);
    // A newer version of the file's frame says nothing of its pixels.
    return { pixels, warnings: warnings.filter((line) => !/JFIF revision/.test(line)) };
  } catch (error) {
    replaceDecoder(format);
    throw explain(error, warnings[0] ?? "its data is damaged or cut short");
  }
}

async function decodeJpeg(bytes: Uint8Array<ArrayBuffer>): Promise<DecodedFile> {
  const early = endsEarly(bytes);
  // With the mark of its end, a file whose picture is complete decodes without complaint. Of several, libjpeg only tells the first.
  const decodeIt = hasFourColours(bytes) ? decodeByMagick : decodeByWasm;
  const found = await decodeIt(early ? withEnd(bytes) : bytes, "JPEG");
  // What is missing is filled up with grey, which would go on as a silent wrong answer.
  const isCut = early
    ? found.warnings.length > 0
    : found.warnings.some((line) => /end of (JPEG|input) file/i.test(line));
  if (isCut) throw new Error("its data is cut short");
  return early ? { ...found, warnings: ["the mark of its end is missing"] } : found;
}

async function decode(bytes: Uint8Array, format: ImageFormat): Promise<DecodedFile> {
  const given = bytes as Uint8Array<ArrayBuffer>;
  if (format === "JPEG") return await decodeJpeg(given);
  if (format === "PNG" || format === "WebP") return await decodeByWasm(given, format);
  return await decodeByMagick(given, format);
}

async function encode(
  pixels: RgbaPixels,
  format: "JPEG" | "PNG",
  quality: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const { width, height, data } = pixels;
  const image = { width, height, data, colorSpace: "srgb" } as ImageData;
  return new Uint8Array(format === "PNG" ? await encodePng(image) : await encodeJpeg(image, { quality }));
}

/** Decodes and encodes with WebAssembly codecs. */
export const wasmCodec: ImageCodec = { orients: false, decode, encode };
