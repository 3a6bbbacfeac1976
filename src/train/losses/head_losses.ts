/**
 * The losses of heads, by their kind: which node computes them, with what settings, and what their losses are called.
 *
 * @module
 */

import {
  ANCHOR_LOSS_RESULTS,
  type AnchorLossAttributes,
  type BoxLoss,
  type DetectionLossAttributes,
  FeatherdetError,
  type Graph,
  LOSS_RESULTS,
  MAX_ANCHOR_LEVELS,
  MAX_LOSS_LEVELS,
} from "../../graph/mod.ts";
import type { AnchorHead, DetectionHead, TrainableHead } from "../../passes/mod.ts";

/** Settings of the losses of heads. Those that a head's loss does not have are refused. */
export interface HeadLossOptions {
  /** What predicted boxes are compared with their targets by; `ciou` by default. */
  readonly boxLoss?: BoxLoss;
  /** Of YOLO11: anchors that a box may claim; 10 by default. */
  readonly topK?: number;
  /** Of YOLO11: power of the score in the alignment metric; 0.5 by default. */
  readonly alpha?: number;
  /** Of YOLO11: power of the overlap in the alignment metric; 6 by default. */
  readonly beta?: number;
  /** Of YOLOv5: an anchor learns boxes whose sides differ from its own by a factor of less than this; 4 by default. */
  readonly ratio?: number;
  /**
   * Weights of the losses. By default those that are published: of YOLO11 7.5 for boxes, 0.5 for classes, 1.5 for distributions; of YOLOv5
   * 0.05 for boxes, 0.5 for 80 classes and less for fewer, 1 for objectness at 640 pixels and less for smaller pictures, all for three
   * levels and less for more.
   */
  readonly gains?: Partial<DetectionLossAttributes["gains"] & AnchorLossAttributes["gains"]>;
}

/** The node of a loss. */
interface LossNode<Op extends "DetectionLoss" | "AnchorLoss", Attributes> {
  readonly op: Op;
  readonly attributes: Attributes;
  /** The maps that it reads, in its order. */
  readonly maps: readonly string[];
  /** Names of its outputs behind the gradients. */
  readonly results: readonly string[];
  /** Names of the three losses in the order in which they lie in their value. */
  readonly losses: readonly string[];
}

/** The loss of a head. */
export type LossForm =
  | LossNode<"DetectionLoss", DetectionLossAttributes>
  | LossNode<"AnchorLoss", AnchorLossAttributes>;

/** Side of the pictures and number of classes and levels for which YOLOv5's weights are published. */
const PUBLISHED = { side: 640, classes: 80, levels: 3 };

/** What the objectness of the levels is multiplied by, finest first: few objects are large, and few cells see them. */
const BALANCE = [4, 1, 0.4], BALANCE_OF_MORE = [4, 1, 0.25, 0.06];

/** Of YOLO11: task-aligned assignment and distributions. */
function ofDistributions(head: DetectionHead, options: HeadLossOptions): LossForm {
  const { boxLoss = "ciou", topK = 10, alpha = 0.5, beta = 6, gains: { box = 7.5, ...gains } = {} } = options;
  const { classes = 0.5, distribution = 1.5 } = gains;
  const levels = head.levels.toSorted((a, b) => a.stride - b.stride);
  return {
    op: "DetectionLoss",
    attributes: {
      strides: levels.map(({ stride }) => stride),
      ...{ boxLoss, topK, alpha, beta },
      gains: { box, classes, distribution },
    },
    maps: levels.flatMap((level) => [level.boxes, level.classes]),
    results: LOSS_RESULTS,
    losses: ["box", "classes", "distribution"],
  };
}

/** Of YOLOv5: matched anchors and objectness. */
function ofAnchors(head: AnchorHead, options: HeadLossOptions, [, , height, width]: readonly number[]): LossForm {
  const { boxLoss = "ciou", ratio = 4, gains = {} } = options, { levels } = head;
  const share = PUBLISHED.levels / levels.length, balance = levels.length <= 3 ? BALANCE : BALANCE_OF_MORE;
  return {
    op: "AnchorLoss",
    attributes: {
      strides: levels.map(({ stride }) => stride),
      anchors: levels.flatMap(({ anchors }) => anchors.flat()),
      ratio,
      boxLoss,
      balance: balance.slice(0, levels.length),
      gains: {
        box: gains.box ?? 0.05 * share,
        objectness: gains.objectness ?? width * height / PUBLISHED.side ** 2 * share,
        classes: gains.classes ?? 0.5 * head.classes / PUBLISHED.classes * share,
      },
    },
    maps: head.maps,
    results: ANCHOR_LOSS_RESULTS,
    losses: ["box", "objectness", "classes"],
  };
}

/** Throws FeatherdetError for settings of another head's loss. */
function refuseSettings(model: Graph, kind: string, settings: Readonly<Record<string, unknown>>): void {
  const stated = Object.entries(settings).find(([, value]) => value !== undefined);
  if (stated === undefined) return;
  throw new FeatherdetError(`${stated[0]} is no setting of the loss of a head with ${kind}`, { file: model.name });
}

/**
 * The loss of a model's head. Throws FeatherdetError for more levels than it takes, and for settings that it does not have.
 */
export function lossFormOf(model: Graph, head: TrainableHead, options: HeadLossOptions): LossForm {
  const { topK, alpha, beta, ratio, gains } = options;
  const isAnchors = head.kind === "anchors", most = isAnchors ? MAX_ANCHOR_LEVELS : MAX_LOSS_LEVELS;
  if (head.levels.length > most) {
    throw new FeatherdetError(
      `the head of model "${model.name}" has ${head.levels.length} levels, the loss takes at most ${most}`,
    );
  }
  if (isAnchors) {
    refuseSettings(model, "anchors", { topK, alpha, beta, "gains.distribution": gains?.distribution });
    return ofAnchors(head, options, model.inputs[0].shape);
  }
  refuseSettings(model, "distributions", { ratio, "gains.objectness": gains?.objectness });
  return ofDistributions(head, options);
}
