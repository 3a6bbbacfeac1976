/**
 * The first frame of an animated WebP file, as a still file.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { chunkTag, uint24 } from "./header_webp.ts";

/** A frame: the file that holds it alone, and where it lies on the canvas. */
export interface WebpFrame {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The bit of an extended header that says that there is an animation, and that of an alpha channel. */
const ANIMATION = 0x02, ALPHA = 0x10;

function riff(chunks: Uint8Array, extended?: { readonly width: number; readonly height: number }) {
  const head = extended ? 30 : 12;
  const bytes = new Uint8Array(head + chunks.length);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode("RIFF    WEBP"));
  view.setUint32(4, bytes.length - 8, true);
  if (extended) {
    bytes.set(new TextEncoder().encode("VP8X"), 12);
    view.setUint32(16, 10, true);
    view.setUint32(20, ALPHA, true);
    view.setUint32(24, extended.width - 1, true);
    // Its upper byte lies in what follows, which is written after it.
    view.setUint16(27, (extended.height - 1) & 0xffff, true);
    view.setUint8(29, (extended.height - 1) >> 16);
  }
  bytes.set(chunks, head);
  return bytes;
}

/** The first frame of an animation; undefined for a still picture. Throws `FeatherdetError` for an animation without frames. */
export function firstFrame(bytes: Uint8Array): WebpFrame | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (chunkTag(view, 12) !== "VP8X" || (bytes[20] & ANIMATION) === 0) return undefined;
  for (let at = 12; at + 24 <= bytes.length;) {
    const length = view.getUint32(at + 4, true);
    if (chunkTag(view, at) === "ANMF") {
      const place = { left: 2 * uint24(view, at + 8), top: 2 * uint24(view, at + 11) };
      const size = { width: uint24(view, at + 14) + 1, height: uint24(view, at + 17) + 1 };
      const chunks = bytes.subarray(at + 24, at + 8 + length);
      const hasAlpha = chunks[0] === 0x41; // "ALPH"
      return { bytes: riff(chunks, hasAlpha ? size : undefined), ...place, ...size };
    }
    at += 8 + length + (length & 1);
  }
  throw new FeatherdetError("broken WebP: an animation without a frame");
}
