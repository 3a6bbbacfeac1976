/**
 * Sentences on what a decoder found in a model's output that its head cannot mean.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/mod.ts";
import { FAULTS } from "../../kernels/detect/mod.ts";
import type { ImageResult } from "../decode.ts";
import { type Head, HEAD_FORMS } from "./form.ts";

const HELP: Readonly<Record<keyof typeof FAULTS, string>> = {
  score: "holds scores outside 0..1: they are logits or of another task, or its form is another (--head)",
  box: "holds boxes that are not numbers",
  class: "holds class numbers that are none: results are not box, score, class in this order",
};

/**
 * Boxes from this share on are taken for boxes of another kind. Where centre and extents are read as corners, an object's second corner lies
 * before the first unless it ends three times as far from the left and from the top as it begins: true of 93 in 100 objects of COCO, and of at
 * least half of the objects in 97 of 100 pictures (1000 of val2017; of at least one in 98). Of heads that predict distances without a distribution (YOLO26), some boxes
 * turn out like that though all is read rightly; they are left out, since nothing lies in them.
 */
const EXCHANGED = 0.5;

/**
 * Throws FeatherdetError if the numbers of a picture cannot be what the head was taken for. `scale` is input pixels a pixel of the
 * picture, `names` the number of class names.
 */
export function checkFound(
  head: Head,
  { detections, faults, exchanged }: Pick<ImageResult, "detections" | "faults" | "exchanged">,
  { scale, names, file }: { readonly scale: number; readonly names: number; readonly file: string },
): void {
  if (head.form === "maps") return;
  const { form, layout } = head;
  const refuse = (text: string): never => {
    const value = text === HELP.score ? head.scores ?? head.boxes : head.boxes;
    throw new FeatherdetError(`output "${value}", read as ${HEAD_FORMS[form].text}, ${text}`, { file });
  };
  for (const [fault, bit] of Object.entries(FAULTS)) {
    if ((faults & bit) !== 0) refuse(HELP[fault as keyof typeof FAULTS]);
  }
  if (exchanged >= EXCHANGED) {
    refuse("holds boxes whose second corner lies before the first: they are of another kind (--boxes xywh or xyxy)");
  }
  const odd = form === "rows" && names > 0 ? detections.find(({ classId }) => classId >= names) : undefined;
  if (odd) refuse(`names class ${odd.classId} where the model has ${names} classes`);
  // Within two pixels of the input's corner nothing can be found: these are parts of it.
  const tiny = detections.length > 0 && !layout.normalised &&
    detections.every(({ box: [, , right, bottom] }) => Math.max(right, bottom) * scale <= 2);
  if (tiny) refuse("holds boxes of no size in input pixels: they are parts of the input (--boxes normalised)");
}
