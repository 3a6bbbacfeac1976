/**
 * The chunks of a PNG file: their checksums, and the file without those that do not bear on its pixels.
 *
 * Decoders differ in which faults of such chunks they refuse (two colour profiles, a transparent colour beside an alpha channel).
 * Without the chunks there is nothing to differ about.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";

const PIXEL_CHUNKS = new Set(["IHDR", "PLTE", "tRNS", "IDAT", "IEND"]);

/** The checksum of every byte, by PNG's polynomial. */
const CHECKSUMS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function crc32(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) value = CHECKSUMS[(value ^ bytes[i]) & 0xff] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

/** Colour types that have an alpha channel of their own. */
const WITH_ALPHA = new Set([4, 6]);

/** A chunk; `start` and `end` hold its length and its checksum too. */
interface Chunk {
  readonly kind: string;
  readonly start: number;
  readonly end: number;
  readonly sound: boolean;
}

function readChunks(bytes: Uint8Array): { readonly chunks: readonly Chunk[]; readonly complete: boolean } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Chunk[] = [];
  for (let start = 8; start + 12 <= bytes.length;) {
    const end = start + 12 + view.getUint32(start);
    const kind = String.fromCharCode(...bytes.subarray(start + 4, start + 8));
    if (end > bytes.length) {
      if (kind === "IDAT") throw new FeatherdetError("broken PNG: its data is cut short");
      break;
    }
    const sound = view.getUint32(end - 4) === crc32(bytes.subarray(start + 4, end - 4));
    chunks.push({ kind, start, end, sound });
    if (kind === "IEND") return { chunks, complete: true };
    start = end;
  }
  return { chunks, complete: false };
}

const IEND = Uint8Array.of(0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82);

/** A file in which only chunks are left that bear on the pixels, and what was damaged in it. */
export interface SoundPng {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Damage in spite of which the file can be decoded, a clause each. */
  readonly warnings: readonly string[];
}

/** Throws `FeatherdetError` for a file that ends within its pixels or has none. */
export function soundPng(bytes: Uint8Array): SoundPng {
  const { chunks, complete } = readChunks(bytes);
  const colourType = bytes[25];
  const seen = new Set<string>();
  const kept = chunks.filter(({ kind }) => {
    const wanted = PIXEL_CHUNKS.has(kind) && kind !== "IEND" && (kind === "IDAT" || !seen.has(kind)) &&
      !(kind === "tRNS" && (WITH_ALPHA.has(colourType) || seen.has("IDAT")));
    seen.add(kind);
    return wanted;
  });
  if (!seen.has("IDAT")) throw new FeatherdetError("broken PNG: it has no data");
  const damaged = [...new Set(chunks.filter(({ sound }) => !sound).map(({ kind }) => kind))];
  const warnings = damaged.map((kind) => `the checksum of ${kind} is wrong`);
  if (!complete) warnings.push("the mark of its end is missing");
  const parts = [bytes.subarray(0, 8), ...kept.map((chunk) => withChecksum(bytes, chunk)), IEND];
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return { bytes: whole, warnings };
}

/** The chunk's bytes with the checksum that they should have. */
function withChecksum(bytes: Uint8Array, { start, end, sound }: Chunk): Uint8Array {
  if (sound) return bytes.subarray(start, end);
  const chunk = bytes.slice(start, end);
  new DataView(chunk.buffer).setUint32(chunk.length - 4, crc32(chunk.subarray(4, chunk.length - 4)));
  return chunk;
}
