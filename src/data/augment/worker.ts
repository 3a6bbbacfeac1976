/**
 * A worker that decodes pictures and makes batches for `workshop.ts`.
 *
 * @module
 */

import { decodeImage } from "../../image/codec/decode.ts";
import { serve } from "../../image/side_worker.ts";
import { sourceOf } from "./source.ts";
import { render, type WorkAnswer, type WorkOrder } from "./work.ts";

serve<WorkOrder, WorkAnswer>(async (order) => {
  if (order.kind === "decode") {
    // Whoever asked decodes what is damaged again, to tell of it by its name.
    const image = await decodeImage(order.bytes, undefined, { strict: true, maxPixels: order.maxPixels });
    return { answer: { source: sourceOf(image, order.input, true) } };
  }
  const images = render(order);
  return { answer: { images }, transfer: [images.buffer] };
});
