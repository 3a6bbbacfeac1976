/**
 * A worker that decodes picture files for `decode_ahead.ts`.
 *
 * @module
 */

import { decodeImage } from "../image/codec/decode.ts";
import { serve } from "../data/side_worker.ts";
import type { DecodedImage, DecodeRequest } from "./decode_ahead.ts";

serve<DecodeRequest, DecodedImage>(async ({ bytes, maxPixels }) => {
  const started = performance.now();
  // Whoever asked decodes what is damaged again, to tell of it by its name.
  const image = await decodeImage(bytes, undefined, { strict: true, maxPixels });
  const answer = { image, milliseconds: performance.now() - started };
  return { answer, transfer: [image.data.buffer as ArrayBuffer] };
});
