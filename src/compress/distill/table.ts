/**
 * The table of the losses of distillation.
 *
 * @module
 */

import { box } from "./box_loss.ts";
import { cwd, l2, pkd } from "./feature_losses.ts";
import { dfl, logits, softmaxLogits } from "./head_losses.ts";
import type { DistilLossName, LossOf, TeacherPart } from "./loss.ts";

/** What is known of a loss. */
export interface DistilLossRow {
  /** What it is, in a few words. */
  readonly says: string;
  /** What it compares: outputs of the heads, or feature maps. */
  readonly compares: "head" | "features";
  /** What of the teacher it reads. */
  readonly reads: readonly TeacherPart[];
  /** Its usual temperature; undefined where it has none. */
  readonly temperature?: number;
  /** Writes it. */
  readonly write: LossOf;
}

/**
 * The rows. Temperatures are usual ones: 10 as in LD, 2 for maps as was found best for YOLO11 (https://arxiv.org/abs/2507.12344), 1 where
 * probabilities are those of the detector itself.
 */
export const DISTIL_LOSSES: Readonly<Record<DistilLossName, DistilLossRow>> = {
  logits: {
    says: "class probabilities, each by itself",
    compares: "head",
    temperature: 1,
    reads: ["logits"],
    write: logits,
  },
  "softmax-logits": {
    says: "class probabilities against each other",
    compares: "head",
    temperature: 2,
    reads: ["logits"],
    write: softmaxLogits,
  },
  dfl: {
    says: "distributions of the four distances",
    compares: "head",
    temperature: 10,
    reads: ["logits", "distributions"],
    write: dfl,
  },
  box: { says: "boxes, by CIoU", compares: "head", reads: ["logits", "distributions"], write: box },
  cwd: { says: "where each channel is active", compares: "features", temperature: 2, reads: ["features"], write: cwd },
  l2: {
    says: "square distance of maps, where the teacher sees objects",
    compares: "features",
    reads: ["logits", "features"],
    write: l2,
  },
  pkd: { says: "correlation of maps", compares: "features", reads: ["features"], write: pkd },
};

/** Names of all losses. */
export const DISTIL_LOSS_NAMES = Object.keys(DISTIL_LOSSES) as readonly DistilLossName[];
