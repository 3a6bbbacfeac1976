/**
 * From a detector to the graph that also computes its loss: the head's maps are found, the tail that decodes them is cut off, and a
 * node that computes the loss of this kind of head takes its place.
 *
 * @module
 */

import { BOX_ROW, FeatherdetError, type Graph, GraphEditor, GraphIndex } from "../../graph/mod.ts";
import { findDetectionHead, findTrainableHead } from "../../passes/mod.ts";
import { type HeadLossOptions, lossFormOf } from "./head_losses.ts";
import type { NamedLoss } from "./named_loss.ts";

/** The maps of a detector's head. */
export interface HeadMaps {
  /** Finest level first. */
  readonly levels: readonly {
    /** Value `[N, 4 * bins, h, w]`: logits of the distances left, top, right, bottom, in cells. */
    readonly boxes: string;
    /** Value `[N, classes, h, w]`: logits. */
    readonly classes: string;
    /** Input pixels a cell. */
    readonly stride: number;
  }[];
  readonly classes: number;
  /** Distances of a side. */
  readonly bins: number;
}

/** Throws the error of a model without a head of a kind. */
function refuseHead({ graph, types }: GraphIndex, kind: string): never {
  const outputs = graph.outputs.map((name) => `"${name}" [${types.get(name)?.shape.join(",") ?? "?"}]`).join(", ");
  throw new FeatherdetError(
    `model "${graph.name}" has no head of ${kind}, whose maps a detection loss needs: its outputs are ${outputs}`,
  );
}

/**
 * The maps of the head of a YOLO11 or YOLO11-Lite, found by the structure of what makes the graph's first output.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { yolo11 } from "../../models/yolo11.ts";
 * import { headMaps } from "./detection_loss.ts";
 * const { levels } = headMaps(yolo11({ width: 0.0625, size: 64, classes: 3 }));
 * assert.deepEqual(levels.map(({ stride }) => stride), [8, 16, 32]);
 * ```
 *
 * Throws FeatherdetError for a model without such a head.
 */
export function headMaps(graph: Graph): HeadMaps {
  const index = GraphIndex.of(graph);
  const head = findDetectionHead(index);
  if (head === undefined) refuseHead(index, "a YOLO11");
  const levels = head.levels.toSorted((a, b) => a.stride - b.stride);
  return { levels, classes: head.classes, bins: head.bins };
}

/** Values that assign the anchors of a level. */
export interface AssigningMaps {
  /** Logits of the distances left, top, right, bottom. */
  readonly boxes: string;
  /** Logits of the classes. */
  readonly classes: string;
}

/** The maps that assign anchors, in the order of the head's levels. Throws FeatherdetError where a level has none. */
function judgesOf(index: GraphIndex, maps: readonly string[], judges: readonly AssigningMaps[]): string[] {
  const sizeOf = (value: string) => index.shapeOf(value).slice(2).join("x");
  return maps.filter((_, place) => place % 2 === 0).flatMap((map) => {
    const found = judges.find(({ boxes }) => sizeOf(boxes) === sizeOf(map));
    if (found !== undefined) return [found.boxes, found.classes];
    const sizes = judges.map(({ boxes }) => sizeOf(boxes)).join(", ");
    throw new FeatherdetError(
      `anchors are assigned by maps of ${sizes}, and the level of "${map}" has ${sizeOf(map)}`,
      { file: index.graph.name },
    );
  });
}

/** What the loss is. */
export interface DetectionLossOptions extends HeadLossOptions {
  /** Rows for the boxes of each picture. */
  readonly boxes: number;
  /**
   * Maps of another detector that say which anchors learn which box, one pair a level in whatever order: `[N, 4 * bins, h, w]` logits of
   * distances and `[N, classes, h, w]` logits of classes, of the sizes of the model's own. Of YOLO11 alone; by default the model's own.
   */
  readonly judges?: readonly AssigningMaps[];
  /** Values of the model that stay outputs behind the losses, such as further losses; none by default. */
  readonly keep?: readonly string[];
}

/** Index of the number of assigned anchors in the losses' value, behind the three losses. */
export const ASSIGNED_ANCHORS = 3;

/** A model with its loss. */
export interface LossGraph {
  /** Inputs: the model's, boxes, scale. Outputs: the losses, what was to be kept. */
  readonly graph: Graph;
  /** Each map of the head -> its gradient, as `buildGradientGraph` takes them. */
  readonly seeds: Readonly<Record<string, string>>;
  /** Output `[4]`: the three losses, weighted; number of anchors that were assigned to a box, or of matches. */
  readonly losses: string;
  /** The first three elements of that by name; their gradients are the seeds. */
  readonly named: readonly NamedLoss[];
  /** The node's other results, such as what was assigned to each anchor, by the names of `LossResults` or `AnchorLossResults`. */
  readonly results: Readonly<Record<string, string>>;
  /** Names of the inputs that were added. */
  readonly inputs: {
    /** `[N, boxes, 5]`: class, left, top, right, bottom in pixels of the input; class -1 if there is no box. */
    readonly boxes: string;
    /** `[1]`: a factor on all gradients, for sums over several batches and for storage in f16; 1 for none. */
    readonly scale: string;
  };
}

/**
 * The model up to the maps of its head, with the loss behind them. `buildTrainingGraph` makes its weights inputs, `buildGradientGraph` goes on
 * from the seeds.
 *
 * The losses are the published ones of the head's kind. Of YOLO11: task-aligned assignment (Feng et al. 2021), binary cross entropy of the
 * scores, CIoU (Zheng et al. 2020) and distribution focal loss (Li et al. 2020), each divided by the sum of the batch's target scores. Of
 * YOLOv5 (release 6 and 7): boxes matched to anchors by the ratio of their sides, CIoU, objectness by the overlap, binary cross entropy of
 * the classes. Gradients are those of their sum times the number of pictures, as published, so that published learning rates fit; the
 * losses are told without that factor.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { yolo11 } from "../../models/yolo11.ts";
 * import { yolov5 } from "../../models/yolov5.ts";
 * import { buildGradientGraph } from "../autodiff/gradient_graph.ts";
 * import { buildTrainingGraph } from "../autodiff/training_graph.ts";
 * import { withDetectionLoss } from "./detection_loss.ts";
 * const loss = withDetectionLoss(yolo11({ width: 0.0625, size: 64, batch: 2, classes: 3 }), { boxes: 10 });
 * const { graph, parameters } = buildTrainingGraph(loss.graph);
 * const step = buildGradientGraph(graph, { seeds: loss.seeds, wrt: parameters.map(({ name }) => name) });
 * assert.equal(step.gradients.size, parameters.length);
 * assert.equal(step.graph.outputs[0], loss.losses);
 * const { named } = withDetectionLoss(yolov5({ size: 64, classes: 3 }), { boxes: 10 });
 * assert.deepEqual(named.map(({ name }) => name), ["box", "objectness", "classes"]);
 * ```
 *
 * Throws FeatherdetError for a model without a head of YOLO11 or YOLOv5, for one with more than four levels or with strides that are no
 * whole numbers, for settings that make no loss, and for those that the head's loss does not have.
 */
export function withDetectionLoss(model: Graph, options: DetectionLossOptions): LossGraph {
  const { boxes, judges = [], keep = [] } = options;
  if (!Number.isInteger(boxes) || boxes < 1) {
    throw new FeatherdetError(`${boxes} rows for boxes of a picture, expected a whole number of at least 1`);
  }
  const index = GraphIndex.of(model), head = findTrainableHead(index) ?? refuseHead(index, "a YOLO11 or YOLOv5");
  const { op, attributes, maps, results: named, losses } = lossFormOf(model, head, options);
  if (judges.length > 0 && op !== "DetectionLoss") {
    throw new FeatherdetError("another detector assigns anchors in heads of YOLO11 alone", { file: model.name });
  }
  const assigning = judges.length > 0 ? judgesOf(index, maps, judges) : [];
  const [batch] = model.inputs[0].shape;
  const editor = new GraphEditor(model);
  const inputs = {
    boxes: editor.input(editor.uniqueName("boxes"), [batch, boxes, BOX_ROW]),
    scale: editor.input(editor.uniqueName("gradient_scale"), [1]),
  };
  const gradients = maps.map((map) => editor.uniqueName(`loss/gradient/${map}`));
  const results = Object.fromEntries(
    named.map((result) => [result, editor.uniqueName(result === "losses" ? "losses" : `loss/${result}`)]),
  );
  editor.nodeWithOutputs(
    op,
    editor.uniqueName("loss"),
    [...maps, inputs.boxes, inputs.scale, ...assigning],
    attributes,
    [...gradients, ...named.map((result) => results[result])],
  );
  const graph = editor.finish({ outputs: [results.losses, ...keep] });
  const seeds = Object.fromEntries(maps.map((map, i) => [map, gradients[i]]));
  const told = losses.map((loss, element): NamedLoss => {
    return { name: loss, value: results.losses, element, gradientScale: inputs.scale };
  });
  return { graph, seeds, losses: results.losses, named: told, results, inputs };
}
