/**
 * Pictures behind each other in one stream of bytes, as `cat *.jpg` and ffmpeg's `image2pipe` write them.
 *
 * @module
 */

import { sniffFormat } from "../../image/codec/header.ts";

/** What was seen of the picture that bytes begin with. */
interface Seen {
  /** Its number of bytes, once its end is there; infinite for a format that states none. */
  readonly end?: number;
  /** Where the search goes on when more has come. */
  readonly upTo: number;
}

const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/** Markers of JPEG without a length: restarts, the file's beginning, and 0x01. */
const isBare = (marker: number) => marker >= 0xd0 && marker <= 0xd8 || marker === 0x01;

/** Behind the End Of Image that belongs to the picture itself: previews within its segments have their own. */
function seenOfJpeg(bytes: Uint8Array, from: number): Seen {
  let at = from;
  while (at + 1 < bytes.length) {
    if (bytes[at] !== 0xff) {
      // Coded pixels: until the next marker.
      const next = bytes.indexOf(0xff, at);
      if (next < 0) return { upTo: bytes.length };
      at = next;
      continue;
    }
    const marker = bytes[at + 1];
    if (marker === 0xd9) return { end: at + 2, upTo: at };
    // A fill byte, a stuffed zero, or a marker without a length.
    if (marker === 0xff) at++;
    else if (marker === 0 || isBare(marker)) at += 2;
    else if (at + 3 < bytes.length) at += 2 + view(bytes).getUint16(at + 2);
    else break;
  }
  return { upTo: at };
}

/** Behind the chunk IEND. */
function seenOfPng(bytes: Uint8Array, from: number): Seen {
  let at = Math.max(from, 8);
  while (at + 12 <= bytes.length) {
    const next = at + 12 + view(bytes).getUint32(at);
    if (next > bytes.length) break;
    if (String.fromCharCode(...bytes.subarray(at + 4, at + 8)) === "IEND") return { end: next, upTo: at };
    at = next;
  }
  return { upTo: at };
}

/** By the length that the file states at its beginning. */
function seenByLength(bytes: Uint8Array, at: number, more: number): Seen {
  if (bytes.length < at + 4) return { upTo: 0 };
  const end = view(bytes).getUint32(at, true) + more;
  return { end: end > bytes.length ? undefined : end, upTo: 0 };
}

/** The fewest bytes that tell a picture's format. */
const SIGNATURE = 18;

/** Where the first picture of a stream ends, looked for from a place that an earlier search gave. */
function search(bytes: Uint8Array, from: number): Seen {
  if (bytes.length < SIGNATURE) return { upTo: 0 };
  switch (sniffFormat(bytes)) {
    case "JPEG":
      return seenOfJpeg(bytes, Math.max(from, 2));
    case "PNG":
      return seenOfPng(bytes, from);
    case "WebP":
      return seenByLength(bytes, 4, 8);
    case "BMP":
      return seenByLength(bytes, 2, 0);
    default:
      return { end: Infinity, upTo: 0 };
  }
}

/** One picture's bytes. */
export interface SplitPicture {
  readonly bytes: Uint8Array;
  /** Whether the stream holds nothing else. */
  readonly isOnly: boolean;
}

/** Grows by doubling, so that a long picture in small pieces is copied a few times only. */
class Gathered {
  #store: Uint8Array<ArrayBuffer> = new Uint8Array(1 << 16);
  #length = 0;

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#store.subarray(0, this.#length);
  }

  add(piece: Uint8Array): void {
    if (this.#length + piece.length > this.#store.length) {
      const larger = new Uint8Array(Math.max(this.#store.length * 2, this.#length + piece.length));
      larger.set(this.bytes);
      this.#store = larger;
    }
    this.#store.set(piece, this.#length);
    this.#length += piece.length;
  }

  /** Takes the first bytes out. */
  take(count: number): Uint8Array<ArrayBuffer> {
    const taken = this.#store.slice(0, count);
    this.#store.copyWithin(0, count, this.#length);
    this.#length -= count;
    return taken;
  }
}

/**
 * The pictures of a stream, one at a time: JPEG, PNG, WebP and BMP files behind each other, and a file of any format that comes alone or
 * last. What is cut short at the end comes as it is, for the decoder to refuse. A picture is there as soon as its last byte is, but for the
 * first one: what lies behind it tells whether it is one of several, or the only one with something behind it, as phones write.
 */
export async function* splitPictures(stream: AsyncIterable<Uint8Array>): AsyncGenerator<SplitPicture> {
  const gathered = new Gathered();
  let count = 0, from = 0;
  for await (const piece of stream) {
    gathered.add(piece);
    while (gathered.bytes.length > 0) {
      const { end, upTo } = search(gathered.bytes, from);
      from = upTo;
      if (end === undefined || end > gathered.bytes.length) break;
      if (count === 0) {
        const behind = gathered.bytes.subarray(end);
        if (behind.length < SIGNATURE || sniffFormat(behind) === undefined) break;
      }
      from = 0;
      count++;
      yield { bytes: gathered.take(end), isOnly: false };
    }
  }
  if (gathered.bytes.length > 0) yield { bytes: gathered.take(gathered.bytes.length), isOnly: count === 0 };
}
