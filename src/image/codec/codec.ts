/**
 * What a picture codec must do, and the choice between the two there are: the browser's own, and WebAssembly elsewhere.
 *
 * Measured in Deno on a 640x480 JPEG: mozjpeg as WebAssembly (@jsquash/jpeg) 7-8 ms, libvips through a native addon (sharp)
 * 5-8 ms. The native one needs permission for FFI, a 15 MB download per platform and says so on stderr at every first
 * start, so the WebAssembly one serves. Both give libjpeg-turbo's pixels exactly.
 *
 * @module
 */

import type { ImageFormat } from "./header.ts";

/** Pixels as codecs exchange them: red, green, blue, alpha, four bytes a pixel. */
export interface RgbaPixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

/** What a codec makes of a file. */
export interface DecodedFile {
  readonly pixels: RgbaPixels;
  /** Damage in spite of which there are pixels, as the decoder words it; usually empty. */
  readonly warnings: readonly string[];
}

/** Decodes and encodes picture files; alpha is not premultiplied. */
export interface ImageCodec {
  /** Whether `decode` already turns the picture as its EXIF orientation says. */
  readonly orients: boolean;
  /** Rejects with an `Error` whose message says what is wrong with the file. */
  decode(bytes: Uint8Array, format: ImageFormat): Promise<DecodedFile>;
  /** `quality` is 0 to 100 and concerns JPEG only. */
  encode(pixels: RgbaPixels, format: "JPEG" | "PNG", quality: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** Whether a 2D canvas gives pixels back; Deno has the class alone. */
function hasCanvas(): boolean {
  if (typeof OffscreenCanvas !== "function" || typeof createImageBitmap !== "function") return false;
  try {
    return new OffscreenCanvas(1, 1).getContext("2d") !== null;
  } catch {
    return false;
  }
}

let canvas: boolean | undefined;

/** Whether the browser decodes, beside the calling thread and within limits of its own. */
export function browserDecodes(): boolean {
  return canvas ??= hasCanvas();
}

let chosen: Promise<ImageCodec> | undefined;

/** The codec for where the program runs; loaded on first use. */
export function imageCodec(): Promise<ImageCodec> {
  chosen ??= browserDecodes()
    ? import("./codec_browser.ts").then((module) => module.browserCodec)
    : import("./codec_wasm.ts").then((module) => module.wasmCodec);
  return chosen;
}
