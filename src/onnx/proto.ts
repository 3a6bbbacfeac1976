/**
 * Decodes the bytes of an ONNX model, and recognises bytes that are no model or only a part of one.
 *
 * The messages come from `onnx-proto`; their tensors' `rawData` are views into the given bytes, nothing is copied.
 *
 * @module
 */

import proto from "npm:onnx-proto@8.0.1";
import type { onnx } from "npm:onnx-proto@8.0.1";
import { FeatherdetError } from "../graph/error.ts";
import { checkCounts } from "./budget.ts";

/** The message classes of the ONNX schema. */
export const schema: typeof onnx = proto.onnx;

/** A 64-bit integer as protobuf decoders hand it out: an object of two halves, or a number where `long` is not bundled. */
export type Integer = number | { toNumber(): number };

/** First and last version of the default operator set that is read. */
export const OPSETS = { first: 7, last: 28 } as const;

/** The parts of a decoded model that the importer reads. */
export interface DecodedModel {
  readonly opset: number;
  readonly graph: onnx.IGraphProto;
  readonly metadata: Readonly<Record<string, string>>;
  /** Bytes of the file. */
  readonly bytes: number;
}

/** A 64-bit integer as a number; exact up to 2^53, beyond that the nearest double. */
export function toNumber(value: Integer | null | undefined): number {
  return typeof value === "number" ? value : value?.toNumber() ?? 0;
}

/** Files people hand over by mistake, by their first bytes. */
const FOREIGN: readonly (readonly [start: readonly number[], what: string])[] = [
  [[0x50, 0x4b], "a ZIP archive (PyTorch checkpoints are ZIP archives; export the model to ONNX first)"],
  [[0x89, 0x50, 0x4e, 0x47], "a PNG picture"],
  [[0xff, 0xd8, 0xff], "a JPEG picture"],
  [[0x1f, 0x8b], "a gzip archive; unpack it first"],
  [[0x89, 0x48, 0x44, 0x46], "an HDF5 file"],
  [[0x80, 0x02], "a Python pickle; export the model to ONNX first"],
];

/** What the bytes are if they are certainly no ONNX model. */
function recognise(bytes: Uint8Array): string | undefined {
  const found = FOREIGN.find(([start]) => start.every((byte, index) => bytes[index] === byte));
  if (found) return found[1];
  if (String.fromCharCode(...bytes.subarray(4, 8)) === "TFL3") return "a TensorFlow Lite model";
  const head = bytes.subarray(0, 512);
  // A model opens with small binary numbers (its IR version); text has no control characters but tab and line ends.
  if (!head.every((byte) => byte >= 0x20 && byte !== 0x7f || byte === 9 || byte === 10 || byte === 13)) {
    return undefined;
  }
  const text = new TextDecoder().decode(head).trimStart();
  if (text.startsWith("version https://git-lfs")) return "a Git LFS pointer; fetch the file it points to";
  return text.startsWith("<") ? "an HTML or XML page" : "a text file";
}

function decode(bytes: Uint8Array, file: string): onnx.ModelProto {
  try {
    // A Node Buffer would be copied from, and knows other methods; a plain view of the same memory is not.
    return schema.ModelProto.decode(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch (cause) {
    const opensLikeOnnx = bytes[0] === 0x08 && bytes[1] > 0 && bytes[1] < 32;
    const detail = opensLikeOnnx && cause instanceof RangeError
      ? `is cut short: it ends after ${bytes.length} bytes in the middle of the ONNX model`
      : `is not an ONNX model (it does not decode as protobuf)`;
    throw new FeatherdetError(detail, { file }, { cause });
  }
}

function opsetOf(model: onnx.ModelProto, file: string): number {
  const entry = model.opsetImport.find(({ domain }) => !domain || domain === "ai.onnx");
  if (!entry) throw new FeatherdetError("names no ONNX operator set; it is cut short or not an ONNX model", { file });
  const opset = toNumber(entry.version);
  if (opset < OPSETS.first || opset > OPSETS.last) {
    throw new FeatherdetError(
      `uses ONNX operator set ${opset}; sets ${OPSETS.first} to ${OPSETS.last} are read, so export it again with one of them`,
      { file },
    );
  }
  return opset;
}

/** Whether all that a graph gives is what it is given or holds: a model whose outputs are known is written so. */
function handsOn({ input, initializer, output }: onnx.IGraphProto): boolean {
  const known = new Set([...input ?? [], ...initializer ?? []].map(({ name }) => name));
  return output?.length ? output.every(({ name }) => known.has(name)) : false;
}

/** Decodes a model. Throws FeatherdetError for empty, foreign, truncated and too old or too new files. */
export function decodeModel(bytes: Uint8Array, file: string): DecodedModel {
  if (bytes.length === 0) throw new FeatherdetError("is empty", { file });
  const foreign = recognise(bytes);
  if (foreign) throw new FeatherdetError(`is not an ONNX model but ${foreign}`, { file });
  const model = decode(bytes, file);
  const { graph } = model;
  if (!graph) throw new FeatherdetError("holds no graph; it is cut short or not an ONNX model", { file });
  const opset = opsetOf(model, file);
  if (!graph.node || graph.node.length === 0 && !handsOn(graph)) {
    throw new FeatherdetError("holds a graph without nodes", { file });
  }
  // The empty name stands for what is left out.
  if (graph.output?.some(({ name }) => !name)) throw new FeatherdetError("has an output without a name", { file });
  const metadata = Object.fromEntries(model.metadataProps.map(({ key, value }) => [key ?? "", value ?? ""]));
  try {
    checkCounts(graph.node.length, metadata);
  } catch (error) {
    throw error instanceof FeatherdetError ? error.at({ file }) : error;
  }
  return { opset, graph, metadata, bytes: bytes.length };
}
