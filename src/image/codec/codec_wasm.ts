/**
 * The picture codec outside browsers: mozjpeg, libwebp and the Rust `png` crate as WebAssembly (@jsquash).
 *
 * @module
 */

import decodeJpeg, { init as initJpeg } from "npm:@jsquash/jpeg@1.6.0/decode.js";
import encodeJpeg from "npm:@jsquash/jpeg@1.6.0/encode.js";
import decodePng from "npm:@jsquash/png@3.1.1/decode.js";
import encodePng from "npm:@jsquash/png@3.1.1/encode.js";
import decodeWebp from "npm:@jsquash/webp@1.5.0/decode.js";
import type { ImageCodec, RgbaPixels } from "./codec.ts";
import type { ImageFormat } from "./header.ts";

/** What the JPEG decoder printed during one call: the only way it tells what is wrong. */
let complaints: string[] = [];
let jpegReady: Promise<void> | undefined;

/** The codec's own failure said plainly; its silent or cryptic ones get `otherwise`. */
function explain(error: unknown, otherwise: string): Error {
  const text = error instanceof Error ? error.message : "";
  // The WebAssembly file is read from Deno's cache, for which a sandboxed program needs permission.
  if (/requires \w+ access/i.test(text)) return new Error(`the decoder could not be loaded, ${text}`);
  return new Error(otherwise);
}

async function jpeg(bytes: Uint8Array<ArrayBuffer>): Promise<ImageData> {
  jpegReady ??= initJpeg({ printErr: (line: string) => void complaints.push(line) });
  await jpegReady;
  complaints = [];
  let decoded: ImageData;
  try {
    // Its glue code takes a view as well as a whole buffer, though its types name only the latter.
    decoded = await decodeJpeg(bytes as unknown as ArrayBuffer);
  } catch (error) {
    throw explain(error, complaints[0] ?? "its data cannot be decoded");
  }
  // A cut file is filled up with grey and merely mentioned, which would go on as a silent wrong answer.
  const cut = complaints.find((line) => /premature end/i.test(line));
  if (cut !== undefined) throw new Error("its data is cut short");
  return decoded;
}

async function decode(bytes: Uint8Array, format: ImageFormat): Promise<RgbaPixels> {
  const given = bytes as Uint8Array<ArrayBuffer>;
  if (format === "JPEG") return await jpeg(given) as RgbaPixels;
  try {
    if (format === "PNG") return await decodePng(given as unknown as ArrayBuffer) as RgbaPixels;
    return await decodeWebp(given as unknown as ArrayBuffer) as RgbaPixels;
  } catch (error) {
    throw explain(error, "its data is damaged or cut short");
  }
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
