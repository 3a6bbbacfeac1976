/**
 * What training and pruning on pictures ask of a model: an input of RGB in 0..1 with channels first, and the head of a YOLO11 or
 * YOLOv5.
 *
 * @module
 */

import { classNamesOf } from "../detect/class_names.ts";
import { HEAD_FORMS, type HeadFormName } from "../detect/heads/form.ts";
import { recogniseHead } from "../detect/heads/recognise.ts";
import { withPictureInput } from "../detect/picture_input.ts";
import { FeatherdetError, type Graph, GraphIndex } from "../graph/mod.ts";
import { findTrainableHead } from "../passes/mod.ts";

/** What may bring a model of another head to one that is trained. */
const HELP: Readonly<Record<HeadFormName, string>> = {
  scores: "export it with anchors last ([1, 4 + classes, anchors]) and with the boxes decoded behind the maps",
  objectness:
    "its boxes are not made of anchors as a YOLOv5's are: train one that has such a head, or a YOLOv8 or YOLO11",
  grid: "train a YOLOv5, YOLOv8 or YOLO11",
  rows: "export it without choosing boxes inside the graph (Ultralytics: end2end=False, nms=False)",
  separate: "export it with boxes and scores in one output",
};

/** What a head is that is not trained, and what helps. */
function otherHead(graph: Graph): string {
  try {
    const head = recogniseHead(withPictureInput(graph), { names: classNamesOf(graph)?.length });
    if (head.form === "maps") return "its maps are decoded in a way of their own";
    return `but ${HEAD_FORMS[head.form].text} (${head.form}): ${HELP[head.form]}`;
  } catch (error) {
    if (error instanceof FeatherdetError) return `and none that is known: ${error.detail}`;
    throw error;
  }
}

/** Throws FeatherdetError, with the head that the model has and what helps, if it is not one whose loss is known; `what` is what cannot be done then. */
export function refuseOtherHead(graph: Graph, what: string, help = ""): void {
  if (findTrainableHead(GraphIndex.of(graph))) return;
  throw new FeatherdetError(
    `${what}: its output is not made of boxes and classes as a YOLO11's or a YOLOv5's is, ${otherHead(graph)}${help}`,
    { file: graph.name },
  );
}

/**
 * The model with an input `[N,3,H,W]` of RGB in 0..1, as pictures are prepared for training; `say` is told if the file takes another. Throws
 * FeatherdetError if it has not one picture input.
 */
export function withUsualInput(graph: Graph, say: (line: string) => void): Graph {
  const usual = withPictureInput(graph);
  if (usual !== graph) {
    const [[from], [to]] = [graph.inputs, usual.inputs];
    say(
      `input "${from.name}" ${from.dtype} [${from.shape}] becomes [${to.shape}] of RGB in 0..1, here and in what is written`,
    );
  }
  return usual;
}
