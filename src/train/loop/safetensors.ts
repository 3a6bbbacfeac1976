/**
 * Named arrays in one file, in the layout of safetensors (https://github.com/huggingface/safetensors), which other programs read too:
 * eight bytes with the length of the header (little-endian), the header in JSON, the arrays one behind the other, little-endian.
 *
 * The header names each array with its type, its shape and where it lies behind the header; `__metadata__` holds texts. One of those
 * texts is ours to check: `sha256`, over the header with 64 zeros in its place and all that follows it.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";

/** Numbers, or bytes of another file. */
export type TensorData = Float32Array | Float16Array | Uint8Array;

/** What a file holds. */
export interface TensorFile {
  /** Texts by name. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Arrays by name. */
  readonly arrays: ReadonlyMap<string, TensorData>;
}

/** An array in the header. */
interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [begin: number, end: number];
}

/** Stands for the checksum while it is computed. */
const NO_CHECKSUM = "0".repeat(64);

/** Larger headers than this are no headers: the layout's own limit. */
const LONGEST_HEADER = 100_000_000;

const BYTES: Readonly<Record<string, number>> = { F32: 4, F16: 2, U8: 1 };

/** Name of the element type in the header. */
function typeOf(data: TensorData): string {
  if (data instanceof Uint8Array) return "U8";
  return data instanceof Float32Array ? "F32" : "F16";
}

/** Machines where an f32 in memory is not as it is in the file do not run WebGPU; better said than wrong. */
function checkByteOrder(): void {
  if (new Uint8Array(new Uint16Array([1]).buffer)[0] !== 1) {
    throw new FeatherdetError("files of arrays can only be used on little-endian machines");
  }
}

async function sha256(parts: readonly Uint8Array[]): Promise<string> {
  const all = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.byteLength;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", all)).toHex();
}

/** The file's bytes. Equal content gives equal bytes. */
export async function writeTensors({ metadata, arrays }: TensorFile): Promise<Uint8Array<ArrayBuffer>> {
  checkByteOrder();
  const entries: Record<string, Entry | Readonly<Record<string, string>>> = {
    __metadata__: { sha256: NO_CHECKSUM, ...metadata },
  };
  // Wide numbers first: they are read where they lie, which has to be a multiple of their size.
  const widthOf = ([, data]: [string, TensorData]) => data.BYTES_PER_ELEMENT;
  const ordered = [...arrays].sort((a, b) => widthOf(b) - widthOf(a));
  let end = 0;
  for (const [name, data] of ordered) {
    const begin = end;
    end += data.byteLength;
    entries[name] = { dtype: typeOf(data), shape: [data.length], data_offsets: [begin, end] };
  }
  const text = JSON.stringify(entries);
  const encoder = new TextEncoder();
  const length = Math.ceil(encoder.encode(text).length / 8) * 8;
  const bytes = new Uint8Array(8 + length + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  const header = bytes.subarray(8, 8 + length);
  header.fill(0x20);
  header.set(encoder.encode(text));
  let at = 8 + length;
  for (const [, { buffer, byteOffset, byteLength }] of ordered) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  const checksum = await sha256([bytes.subarray(8)]);
  // The first 64 zeros of the text are the placeholder: metadata come first, and the checksum is replaced by its quoted key.
  header.set(encoder.encode(text.replace(`"sha256":"${NO_CHECKSUM}"`, `"sha256":"${checksum}"`)));
  return bytes;
}

function fail(file: string, detail: string): never {
  throw new FeatherdetError(detail, { file });
}

/** The header, undefined if the bytes do not begin with one. */
function headerOf(bytes: Uint8Array): { text: string; entries: Record<string, Entry>; length: number } | undefined {
  if (bytes.length < 10) return undefined;
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length < 2 || length > LONGEST_HEADER || bytes[8] !== 0x7b) return undefined;
  const text = new TextDecoder().decode(bytes.subarray(8, 8 + length));
  try {
    const entries: unknown = JSON.parse(text);
    const isObject = typeof entries === "object" && entries !== null && !Array.isArray(entries);
    return isObject ? { text, entries: entries as Record<string, Entry>, length } : undefined;
  } catch {
    return undefined;
  }
}

/** Whether bytes look like such a file, whole or not. */
function isTensorFile(bytes: Uint8Array): boolean {
  if (bytes.length < 10 || bytes[8] !== 0x7b) return false;
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true) <= BigInt(LONGEST_HEADER);
}

function isEntry(entry: Entry): boolean {
  const bytes = BYTES[entry?.dtype];
  const [begin, end] = entry?.data_offsets ?? [];
  return bytes !== undefined && Array.isArray(entry.shape) && Number.isInteger(begin) && Number.isInteger(end) &&
    begin >= 0 && end - begin === entry.shape.reduce((product, extent) => product * extent, bytes);
}

function arrayOf({ dtype }: Entry, data: Uint8Array<ArrayBuffer>): TensorData {
  if (dtype === "U8") return data;
  return dtype === "F32" ? new Float32Array(data.buffer) : new Float16Array(data.buffer);
}

/**
 * Reads such a file; `file` names it in errors. The arrays are copies.
 *
 * Throws FeatherdetError if the bytes are of another kind, end too early, or are damaged.
 */
export async function readTensors(bytes: Uint8Array, file: string): Promise<TensorFile> {
  checkByteOrder();
  if (!isTensorFile(bytes)) fail(file, "is no file of arrays in the layout of safetensors");
  const header = headerOf(bytes);
  if (header === undefined) fail(file, "is cut short or damaged: its header cannot be read");
  const { text, entries: { __metadata__, ...entries }, length } = header;
  const metadata = (__metadata__ ?? {}) as unknown as Record<string, string>;
  const start = 8 + length;
  const end = Object.values(entries).reduce((last, entry) => Math.max(last, entry?.data_offsets?.[1] ?? 0), 0);
  if (bytes.length < start + end) fail(file, `is cut short: ${bytes.length} of ${start + end} bytes are there`);
  const { sha256: expected } = metadata;
  if (expected !== undefined) {
    const unsigned = new TextEncoder().encode(text.replace(`"sha256":"${expected}"`, `"sha256":"${NO_CHECKSUM}"`));
    if (await sha256([unsigned, bytes.subarray(start)]) !== expected) fail(file, "is damaged: its checksum is another");
  }
  const arrays = new Map<string, TensorData>();
  for (const [name, entry] of Object.entries(entries)) {
    if (!isEntry(entry)) {
      fail(file, `array "${name}" is ${entry?.dtype} [${entry?.shape}], expected F32, F16 or U8 of its size`);
    }
    const [begin, last] = entry.data_offsets;
    arrays.set(name, arrayOf(entry, bytes.slice(start + begin, start + last)));
  }
  return { metadata, arrays };
}
