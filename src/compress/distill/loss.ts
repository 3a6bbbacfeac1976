/**
 * The losses of distillation by name.
 *
 * @module
 */

import type { DistilPair } from "./pair.ts";
import type { LossWriter } from "./writer.ts";

/** Names of the losses. */
export type DistilLossName = "logits" | "softmax-logits" | "dfl" | "box" | "cwd" | "l2" | "pkd";

/** What a teacher says that losses read: class logits, the distributions of distances, the maps that are compared. */
export type TeacherPart = "logits" | "distributions" | "features";

/** What a loss is written with. */
export interface LossRequest {
  /** What logits are divided by before they become probabilities. */
  readonly temperature: number;
  /** An input `[1]` by which gradients that the loss writes itself are multiplied; who asks for it makes it. */
  readonly scale: string;
}

/** A loss that was written. */
export interface WrittenLoss {
  /** The value of one element that holds it; 0 for a student that says what the teacher says. */
  readonly value: string;
  /** Gradients of some values, times the scale; undefined where the value is to be differentiated by the rules. */
  readonly seeds?: Readonly<Record<string, string>>;
}

/** Writes a loss. Throws FeatherdetError where student and teacher cannot be compared so. */
export type LossOf = (writer: LossWriter, pair: DistilPair, request: LossRequest) => WrittenLoss;
