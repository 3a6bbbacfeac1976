/**
 * Outputs of detectors in the forms in which other programs take them: boxes and scores apart, or detections that are suppressed already.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import { GraphEditor } from "../graph/editor.ts";
import type { Graph } from "../graph/graph.ts";
import { GraphIndex } from "../graph/graph_index.ts";
import { findDetectionHead } from "./find_detection_head.ts";

/** Which candidates become detections. */
export interface SuppressionOptions {
  /** Scores above it count; 0.25 by default. */
  readonly confidence?: number;
  /** What overlaps a better box of its class by more is left out; 0.7 by default. */
  readonly iou?: number;
  /** Candidates that are looked at, best first; 1000 by default, all where there are fewer. */
  readonly candidates?: number;
  /** Rows of the output; 300 by default. */
  readonly detections?: number;
  /** Rounds, see `withSuppression`; 16 by default. */
  readonly rounds?: number;
}

/** Boxes `[1, 4, anchors]` (centre and size in pixels) and scores `[1, classes, anchors]` of a detector's only output. */
function headOf(graph: Graph): { readonly boxes: string; readonly scores: string } {
  const index = GraphIndex.of(graph);
  const [output, ...others] = graph.outputs;
  const head = others.length === 0 ? findDetectionHead(index, output) : undefined;
  if (head === undefined || index.shapeOf(output)[0] !== 1) {
    const shapes = graph.outputs.map((name) => `"${name}" [${index.shapeOf(name).join(",")}]`).join(", ");
    throw new FeatherdetError(
      `the output has to be the boxes and scores [1,4+classes,anchors] of a YOLO11 detector, this model has ${shapes}`,
      { file: graph.name },
    );
  }
  const [boxes, scores] = index.producerOf(output)!.inputs;
  return { boxes, scores };
}

/**
 * Boxes `boxes` [1,4,anchors] (centre and size in pixels) and class scores `scores` [1,classes,anchors] in outputs of their own. One
 * scale for both would leave scores in 0..1 a single step of int8. Throws FeatherdetError for a model that is no YOLO11 detector of batch 1.
 */
export function separateOutputs(graph: Graph): Graph {
  const found = headOf(graph);
  const editor = new GraphEditor(graph);
  const outputs = (["boxes", "scores"] as const).map((name) => {
    if (found[name] === name) return name;
    const free = editor.uniqueName(name);
    editor.rename(found[name], free);
    return free;
  });
  return editor.finish({ outputs });
}

/**
 * A detector whose output `[1, detections, 6]` has x1, y1, x2, y2 in input pixels, score and class of what is left after class-wise
 * non-maximum suppression, best first; rows behind the last are 0. It needs no operator of its own, every shape is static, and it is read
 * again as any other model.
 *
 * Every anchor has its best class. A candidate is kept if no kept one before it overlaps it: `rounds` times, those are kept that none of
 * the last round's overlaps. The k-th in a chain of candidates that suppress each other is settled after k rounds, so that the result is
 * that of greedy suppression where no chain is longer than `rounds`.
 *
 * Throws FeatherdetError for a model that is no YOLO11 detector of batch 1.
 */
export function withSuppression(
  graph: Graph,
  { confidence = 0.25, iou = 0.7, candidates = 1000, detections = 300, rounds = 16 }: SuppressionOptions = {},
): Graph {
  const { boxes, scores } = headOf(graph);
  const editor = new GraphEditor(graph);
  const anchors = editor.shapeOf(boxes)[2], count = Math.min(candidates, anchors), rows = Math.min(detections, count);
  const at = (name: string) => editor.uniqueName(`suppress/${name}`);
  const number = (name: string, value: number) => editor.constant(at(name), [1, 1, 1], Float32Array.of(value));
  const binary = (op: "Add" | "Sub" | "Mul" | "Min" | "Max" | "Less" | "Equal", name: string, a: string, b: string) =>
    editor.one(op, `suppress/${name}`, [a, b], {});
  const stacked = (value: string, name: string) =>
    editor.one("Concat", `suppress/${name}`, Array<string>(name === "places" ? 4 : 6).fill(value), { axis: 1 });
  const gather = (name: string, value: string, places: string) =>
    editor.one("GatherElements", `suppress/${name}`, [value, places], { axis: 2 });
  const column = (value: string) => editor.one("Transpose", `${value}/column`, [value], { perm: [0, 2, 1] });
  const top = (name: string, value: string, axis: number, k: number) =>
    editor.several("TopK", `suppress/${name}`, [value], { axis, k, largest: true }, ["values", "places"]);

  // The best class of each anchor, and the best anchors.
  const [best, classes] = top("classes", scores, 1, 1);
  const [score, places] = top("candidates", best, 2, count);
  const label = gather("label", editor.one("Cast", "suppress/classes/f32", [classes], { to: "f32" }), places);
  const [cx, cy, width, height] = editor.several(
    "Split",
    "suppress/sides",
    [gather("boxes", boxes, stacked(places, "places"))],
    { axis: 1, sizes: [1, 1, 1, 1] },
    ["cx", "cy", "width", "height"],
  );
  const half = number("half", 0.5);
  const [halfWidth, halfHeight] = [width, height].map((side) => binary("Mul", "extent", side, half));
  const [x1, x2] = [binary("Sub", "x1", cx, halfWidth), binary("Add", "x2", cx, halfWidth)];
  const [y1, y2] = [binary("Sub", "y1", cy, halfHeight), binary("Add", "y2", cy, halfHeight)];

  // Who overlaps whom: [1, earlier, later].
  const along = (low: string, high: string) => {
    const end = binary("Min", "end", high, column(high)), begin = binary("Max", "begin", low, column(low));
    return editor.one("Relu", "suppress/common", [binary("Sub", "span", end, begin)], {});
  };
  const common = binary("Mul", "intersection", along(x1, x2), along(y1, y2));
  const area = binary("Mul", "area", binary("Sub", "wide", x2, x1), binary("Sub", "high", y2, y1));
  const union = binary("Sub", "union", binary("Add", "areas", area, column(area)), common);
  const overlap = binary("Less", "overlaps", binary("Mul", "allowed", union, number("iou", iou)), common);
  const same = binary("Equal", "same", label, column(label));
  // The lesser of both is always the place. A comparison of constants would become a table of all pairs in programs that load the file.
  const ranks = editor.constant(at("ranks"), [1, 1, count], Float32Array.from({ length: count }, (_, i) => i));
  const order = binary("Min", "order", ranks, binary("Add", "beyond", score, number("count", count)));
  const earlier = binary("Less", "earlier", column(order), order);
  const beats = binary("Mul", "beats", binary("Mul", "rivals", overlap, same), earlier);

  const valid = binary("Less", "valid", number("confidence", confidence), score);
  const few = number("few", 0.5);
  let kept = valid;
  for (let round = 1; round <= rounds; round++) {
    const beaten = editor.one("MatMul", `suppress/beaten_${round}`, [kept, beats], {});
    kept = binary("Mul", `kept_${round}`, valid, binary("Less", `free_${round}`, beaten, few));
  }

  const numbers = editor.one("Concat", "suppress/numbers", [x1, y1, x2, y2, score, label], { axis: 1 });
  const cleared = binary("Mul", "cleared", numbers, kept);
  const [, chosen] = top("chosen", binary("Mul", "kept_scores", score, kept), 2, rows);
  const found = gather("found", cleared, stacked(chosen, "chosen_places"));
  const output = editor.node("Transpose", editor.uniqueName("detections"), [found], { perm: [0, 2, 1] });
  return editor.finish({ outputs: [output], metadata: { ...graph.metadata, end2end: "True" } });
}
