/**
 * The teacher's maps that say which anchors learn which box of the labels.
 *
 * @module
 */

import { FeatherdetError, type Graph, GraphEditor } from "../../graph/mod.ts";
import { type PairPlaces, sizeText } from "./pair.ts";
import { LossWriter } from "./writer.ts";

/**
 * The graph with two maps a level of what the teacher says, in the order of its anchors: `[N, 4 * bins, h, w]` logits of distances and
 * `[N, classes, h, w]` logits of classes. A student that begins with random weights does not know yet which anchors see what, its teacher
 * does: label assignment distillation (Nguyen et al. 2022, https://arxiv.org/abs/2108.10520).
 *
 * Throws FeatherdetError for a teacher whose anchors are not the student's.
 */
export function writeAssigningMaps(
  joint: Graph,
  { student, teacher }: PairPlaces,
): { readonly graph: Graph; readonly judges: readonly { readonly boxes: string; readonly classes: string }[] } {
  if (sizeText(student.sizes) !== sizeText(teacher.sizes)) {
    throw new FeatherdetError(
      `the teacher can only assign anchors that are its own: the student's maps are of ${
        sizeText(student.sizes)
      }, the teacher's of ${sizeText(teacher.sizes)}; let it see the student's size`,
    );
  }
  const editor = new GraphEditor(joint), writer = new LossWriter(editor, "distil/assign");
  const [batch] = writer.shapeOf(student.logits);
  let start = 0;
  const judges = teacher.sizes.map(([height, width]) => {
    const from = start;
    start += height * width;
    const map = (value: string, channels: number) =>
      writer.reshaped(writer.part(value, 2, from, from + height * width), [batch, channels, height, width]);
    return { boxes: map(teacher.distributions, 4 * teacher.bins), classes: map(teacher.logits, teacher.classes) };
  });
  return { graph: editor.finish({ keepUnread: true }), judges };
}
