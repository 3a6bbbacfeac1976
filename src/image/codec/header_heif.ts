/**
 * The header of AVIF and HEIC files, whose boxes are those of MP4: the size of the largest item, cut and turned as its properties say.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import type { ImageFormat, ImageHeader } from "./header.ts";

/** Brands in a file's first box that tell the format. */
const BRANDS: Readonly<Record<string, ImageFormat>> = {
  ...{ avif: "AVIF", avis: "AVIF" },
  ...{ heic: "HEIC", heix: "HEIC", heim: "HEIC", heis: "HEIC", hevc: "HEIC", mif1: "HEIC" },
};

function text(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

/** The format by the brands in the first box; undefined for videos and others that have the same boxes. */
export function heifKind(bytes: Uint8Array): ImageFormat | undefined {
  const end = Math.min(bytes.length, new DataView(bytes.buffer, bytes.byteOffset).getUint32(0));
  const brands = [text(bytes, 8)];
  for (let at = 16; at + 4 <= end; at += 4) brands.push(text(bytes, at));
  return brands.some((brand) => BRANDS[brand] === "AVIF") ? "AVIF" : BRANDS[brands[0]];
}

/** Boxes that hold boxes on the way to the properties, with the bytes in front of those. */
const INSIDE: Readonly<Record<string, number>> = { meta: 4, iprp: 0, ipco: 0 };

/** Size; throws `FeatherdetError` for a file without one and `RangeError` where it ends first. Decoders turn the picture themselves. */
export function heifHeader(bytes: Uint8Array): Omit<ImageHeader, "format"> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let largest = { width: 0, height: 0 }, quarters = 0;
  let cut: typeof largest | undefined;
  const walk = (start: number, end: number): void => {
    for (let at = start; at + 8 <= end;) {
      const length = view.getUint32(at);
      const kind = text(bytes, at + 4);
      if (kind === "ispe") {
        const [width, height] = [view.getUint32(at + 12), view.getUint32(at + 16)];
        if (width * height > largest.width * largest.height) largest = { width, height };
      }
      // What is left of a picture whose sides are no multiple of the coded blocks, as fractions.
      if (kind === "clap") {
        const side = (place: number) => Math.round(view.getUint32(at + place) / view.getUint32(at + place + 4));
        cut = { width: side(8), height: side(16) };
      }
      if (kind === "irot") quarters = view.getUint8(at + 8) & 3;
      if (Object.hasOwn(INSIDE, kind)) walk(at + 8 + INSIDE[kind], Math.min(end, at + length));
      if (length < 8) return;
      at += length;
    }
  };
  walk(0, bytes.length);
  const { width, height } = cut ?? largest;
  if (largest.width === 0) throw new FeatherdetError("broken AVIF or HEIC: it has no size");
  return quarters % 2 === 1 ? { width: height, height: width, orientation: 1 } : { width, height, orientation: 1 };
}
