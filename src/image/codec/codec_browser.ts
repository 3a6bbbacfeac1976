/**
 * The picture codec of browsers: `createImageBitmap` and an `OffscreenCanvas`.
 *
 * @module
 */

import type { DecodedFile, ImageCodec, RgbaPixels } from "./codec.ts";
import type { ImageFormat } from "./header.ts";

const MEDIA_TYPES: Readonly<Record<ImageFormat, string>> = {
  ...{ JPEG: "image/jpeg", PNG: "image/png", WebP: "image/webp" },
  ...{ BMP: "image/bmp", GIF: "image/gif", TIFF: "image/tiff", AVIF: "image/avif", HEIC: "image/heic" },
};

function contextOf(width: number, height: number): [OffscreenCanvas, OffscreenCanvasRenderingContext2D] {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null) throw new Error("no 2D canvas is available");
  return [canvas, context];
}

async function decode(bytes: Uint8Array, format: ImageFormat): Promise<DecodedFile> {
  const blob = new Blob([bytes as Uint8Array<ArrayBuffer>], { type: MEDIA_TYPES[format] });
  // No colour profile may touch the pixels: both codecs have to give the same ones.
  const bitmap = await createImageBitmap(blob, {
    imageOrientation: "from-image",
    premultiplyAlpha: "none",
    colorSpaceConversion: "none",
  });
  const { width, height } = bitmap;
  const [, context] = contextOf(width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const data = context.getImageData(0, 0, width, height).data as Uint8ClampedArray<ArrayBuffer>;
  // Browsers do not tell what they had to put right.
  return { pixels: { width, height, data }, warnings: [] };
}

async function encode(
  pixels: RgbaPixels,
  format: "JPEG" | "PNG",
  quality: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const [canvas, context] = contextOf(pixels.width, pixels.height);
  context.putImageData(new ImageData(pixels.data, pixels.width, pixels.height), 0, 0);
  const blob = await canvas.convertToBlob({ type: MEDIA_TYPES[format], quality: quality / 100 });
  return new Uint8Array(await blob.arrayBuffer());
}

/** Decodes and encodes with what the browser has. */
export const browserCodec: ImageCodec = { orients: true, decode, encode };
