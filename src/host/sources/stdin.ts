/**
 * Stdin: one picture, pictures behind each other, or a video. The first bytes tell which.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { unlessAborted } from "../../graph/abort.ts";
import { sniffFormat } from "../../image/codec/header.ts";
import { otherKind } from "../../image/codec/other_kinds.ts";
import { splitPictures } from "./picture_stream.ts";
import { readVideo } from "./read_video.ts";
import { decodeInTime, type Source, type SourceFrame, type SourceKind, type SourceOptions } from "./source.ts";

/** Enough to tell what it is. */
const ENOUGH = 132;

/** The pieces of a pipe until it ends or the signal comes. */
async function* piecesOf(pipe: ReadableStream<Uint8Array>, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = pipe.getReader();
  try {
    while (true) {
      const next = await unlessAborted(reader.read(), signal).catch((error) => {
        if (signal?.aborted) return { done: true, value: undefined } as const;
        throw error;
      });
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** A pipe of pictures or of a video as a source. Throws a `FeatherdetError` for one that brings nothing. */
export function pipeSource(pipe: () => ReadableStream<Uint8Array>, file: string): Source {
  async function* frames({ decode = decodeInTime, signal }: SourceOptions): AsyncGenerator<SourceFrame> {
    const pieces = piecesOf(pipe(), signal);
    const begun: Uint8Array[] = [];
    let length = 0;
    while (length < ENOUGH) {
      const next = await pieces.next();
      if (next.done) break;
      begun.push(next.value);
      length += next.value.length;
    }
    if (length === 0 && signal?.aborted) return;
    if (length === 0) throw new FeatherdetError("nothing came, expected a picture, several, or a video", { file });
    const start = joined(begun);
    async function* all() {
      yield start;
      yield* pieces;
    }
    // What is no picture, but no other known file either, is for ffmpeg to tell.
    const kind = sniffFormat(start) === undefined ? otherKind(start) : undefined;
    if (sniffFormat(start) === undefined && (kind === undefined || kind.startsWith("a video"))) {
      return yield* readVideo({ file, input: ["-i", "pipe:0"], bytes: all(), signal });
    }
    let frame = 0;
    for await (const { bytes, isOnly } of splitPictures(all())) {
      const name = isOnly ? file : `${file}:${frame}`;
      const image = () => decode(bytes, name);
      yield { file, ...!isOnly && { frame: frame++ }, image };
    }
  }
  return { ...{ file, content: "stream" }, frames };
}

/** Stdin, by the word that other programs have for it. */
export const STDIN: SourceKind = {
  name: "stdin",
  means: (word) => word === "-",
  list: () => ({ sources: [pipeSource(() => Deno.stdin.readable, "stdin")], notes: [] }),
};
