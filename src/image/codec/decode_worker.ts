/**
 * A worker that decodes picture files for `decode_there.ts`.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { serve } from "../side_worker.ts";
import { decodeImage } from "./decode.ts";
import type { DecodeAnswer, DecodeRequest } from "./decode_there.ts";

serve<DecodeRequest, DecodeAnswer>(async ({ bytes, strict, maxPixels }) => {
  const started = performance.now();
  let damage: string | undefined;
  try {
    const image = await decodeImage(bytes, undefined, { strict, maxPixels, onWarning: (text) => damage = text });
    const answer = { image, damage, milliseconds: performance.now() - started };
    return { answer, transfer: [image.data.buffer as ArrayBuffer] };
  } catch (error) {
    if (!(error instanceof FeatherdetError)) throw error;
    const cause = error.cause instanceof Error ? error.cause.message : undefined;
    return { answer: { refusal: error.detail, cause } };
  }
});
