/**
 * Labels of a detector's classes, and what is doubtful about them and about the input.
 *
 * @module
 */

import type { Graph } from "../graph/graph.ts";
import { LEFT_OUT } from "../onnx/mod.ts";
import { type Head, HEAD_FORMS, type HeadOptions } from "./heads/form.ts";
import type { InputOptions } from "./picture_input.ts";

/** Labels by class number, and warnings, a sentence each. */
export function labelsOf(
  head: Head,
  names: readonly string[] | undefined,
  metadata: Graph["metadata"],
  { inputRange, inputChannels, head: said }: InputOptions & HeadOptions,
): { readonly labels: readonly string[]; readonly warnings: readonly string[] } {
  const warnings: string[] = [];
  const suppression = metadata[LEFT_OUT];
  if (suppression !== undefined) {
    const threshold = suppression.startsWith("iou") ? ` (${suppression})` : "";
    warnings.push(
      `the model's own suppression${threshold} and its least score are left out: the options confidence and iou hold instead`,
    );
  }
  if (head.form === "grid" && inputRange === undefined && inputChannels === undefined) {
    warnings.push(
      "models of YOLOX are usually trained on BGR in 0..255, and no file says so: if this one is, say --input-range 0..255 " +
        "--input-channels bgr",
    );
  }
  // Nobody exports objectness with anchors last: more likely a class has no name.
  if (head.form === "objectness" && head.layout.anchorsLast && said === undefined && names?.length === head.classes) {
    warnings.push(
      `the output is read as objectness and ${head.classes} class scores because ${head.classes} names are given: if it has ` +
        `${head.classes + 1} classes and no objectness, say --head scores (option "head")`,
    );
  }
  if (head.form !== "maps" && !HEAD_FORMS[head.form].countsClasses) return { labels: names ?? [], warnings };
  const { classes } = head;
  if (names !== undefined && names.length !== classes) {
    const named = names.length < classes
      ? `the others are called class ${names.length} and so on`
      : "the first are used";
    warnings.push(`the model's head has ${classes} classes and ${names.length} names are given: ${named}`);
  }
  return { labels: Array.from({ length: classes }, (_, number) => names?.[number] ?? `class ${number}`), warnings };
}
