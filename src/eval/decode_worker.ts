/**
 * A worker that decodes picture files for `decode_ahead.ts`.
 *
 * @module
 */

import { decodeImage } from "../data/image/decode.ts";
import type { DecodeAnswer, DecodeOrder } from "./decode_ahead.ts";

globalThis.addEventListener("message", async ({ data: { id, bytes } }: MessageEvent<DecodeOrder>) => {
  const started = performance.now();
  try {
    const image = await decodeImage(bytes);
    const answer: DecodeAnswer = { id, image, milliseconds: performance.now() - started };
    globalThis.postMessage(answer, { transfer: [image.data.buffer as ArrayBuffer] });
  } catch {
    // Whoever asked decodes it again and reports the error in full.
    const answer: DecodeAnswer = { id, milliseconds: performance.now() - started };
    globalThis.postMessage(answer);
  }
});
