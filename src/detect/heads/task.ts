/**
 * Models of other tasks than detection, by what their metadata say.
 *
 * @module
 */

import { FeatherdetError, type Graph } from "../../graph/mod.ts";

/** Tasks whose outputs are no boxes alone, by how files name them. */
const OTHER_TASKS: readonly { readonly names: RegExp; readonly text: string }[] = [
  { names: /^(pose|key-?points?)/i, text: "finds key points of poses" },
  { names: /^(obb|oriented|rotated)/i, text: "finds rotated boxes (OBB)" },
  { names: /^(seg|instance|semantic|panoptic)/i, text: "makes masks (segmentation)" },
  { names: /^(cls|classif|image-?classif)/i, text: "names whole pictures (classification)" },
  { names: /^depth/i, text: "estimates depth" },
];

/** Throws FeatherdetError if metadata say that the model is no detector of upright boxes. */
export function refuseOtherTask({ name, metadata }: Graph): void {
  const task = metadata.task?.trim() ?? (metadata.kpt_shape === undefined ? "" : "pose");
  const other = OTHER_TASKS.find(({ names }) => names.test(task));
  if (other === undefined) return;
  const { kpt_shape: points } = metadata;
  const said = [metadata.task && `task=${task}`, points && `kpt_shape=${points}`].filter(Boolean).join(", ");
  throw new FeatherdetError(
    `this model ${other.text}, its metadata say ${said}: only detectors of upright boxes are run (task=detect)`,
    { file: name },
  );
}
