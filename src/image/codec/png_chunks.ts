/**
 * The chunks of a PNG file: their checksums, and the file without those that do not bear on its pixels.
 *
 * Decoders differ in which faults of such chunks they refuse (two colour profiles, a transparent colour beside an alpha channel).
 * Without the chunks there is nothing to differ about. Transparency is one of them, since alpha is dropped.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";

/** Checksums of every byte by PNG's polynomial, with none to three bytes of zero behind it: four bytes are taken at once. */
const CHECKSUMS = (() => {
  const first = Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
    return value;
  });
  const tables = [first];
  while (tables.length < 4) tables.push(tables.at(-1)!.map((value) => first[value & 0xff] ^ (value >>> 8)));
  return tables;
})();

function crc32(bytes: Uint8Array): number {
  const [zero, one, two, three] = CHECKSUMS;
  let value = 0xffffffff;
  let i = 0;
  for (; i + 4 <= bytes.length; i += 4) {
    value ^= bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
    value = three[value & 0xff] ^ two[(value >>> 8) & 0xff] ^ one[(value >>> 16) & 0xff] ^ zero[value >>> 24];
  }
  for (; i < bytes.length; i++) value = zero[(value ^ bytes[i]) & 0xff] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

/** The colour type whose pixels are places in a palette. */
const INDEXED = 3;

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

/** A file in which only chunks are left that bear on the pixels, and what was damaged in it. */
export interface SoundPng {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Damage in spite of which the file can be decoded, a clause each. */
  readonly warnings: readonly string[];
}

/** Throws `FeatherdetError` for a file that ends within its pixels or has none. */
export function soundPng(bytes: Uint8Array): SoundPng {
  const { chunks, complete } = readChunks(bytes);
  const [bitDepth, colourType] = bytes.subarray(24, 26);
  const seen = new Set(chunks.map(({ kind }) => kind));
  if (!seen.has("IDAT")) throw new FeatherdetError("broken PNG: it has no data");
  const damaged = [...new Set(chunks.filter(({ sound }) => !sound).map(({ kind }) => kind))];
  const warnings = damaged.map((kind) => `the checksum of ${kind} is wrong`);
  if (!complete) warnings.push("the mark of its end is missing");
  const contentOf = ({ start, end }: Chunk) => bytes.subarray(start + 8, end - 4);
  const parts = [bytes.subarray(0, 8), chunkOf("IHDR", bytes.subarray(16, 29))];
  const palette = colourType === INDEXED ? chunks.find(({ kind }) => kind === "PLTE") : undefined;
  if (palette) parts.push(chunkOf("PLTE", fullPalette(contentOf(palette), bitDepth)));
  for (const chunk of chunks) {
    if (chunk.kind !== "IDAT") continue;
    parts.push(chunk.sound ? bytes.subarray(chunk.start, chunk.end) : chunkOf("IDAT", contentOf(chunk)));
  }
  parts.push(chunkOf("IEND", new Uint8Array(0)));
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return { bytes: whole, warnings };
}

/** A palette with a colour for every number that a pixel can have; decoders differ about numbers beyond its end. */
function fullPalette(colours: Uint8Array, bitDepth: number): Uint8Array {
  const full = new Uint8Array(3 * 2 ** Math.min(bitDepth, 8));
  full.set(colours.subarray(0, full.length));
  return full;
}

/** A chunk with its length and checksum. */
function chunkOf(kind: string, content: Uint8Array): Uint8Array {
  const chunk = new Uint8Array(content.length + 12);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, content.length);
  chunk.set(new TextEncoder().encode(kind), 4);
  chunk.set(content, 8);
  view.setUint32(chunk.length - 4, crc32(chunk.subarray(4, chunk.length - 4)));
  return chunk;
}
