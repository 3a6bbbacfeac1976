/**
 * Training with a teacher: the student's outputs and maps are drawn to those of a frozen detector on the same pictures (knowledge
 * distillation, Hinton et al. 2015, https://arxiv.org/abs/1503.02531).
 *
 * @module
 */

import {
  DISTIL_LOSS_NAMES,
  DISTIL_LOSSES,
  type DistilLossName,
  distilPlaces,
  type FeatureNames,
  joinTeacher,
  pairPlaces,
  teacherApart,
  type TeacherPart,
  writeAssigningMaps,
  writeDistilLosses,
} from "../../compress/distill/mod.ts";
import { hashOfGraph } from "../../compress/graph_hash.ts";
import { FeatherdetError, type Graph } from "../../graph/mod.ts";
import type { GradientSeeds } from "../autodiff/gradient_graph.ts";
import type { LossWeight, NamedLoss } from "../losses/named_loss.ts";
import { type GraphLosses, joinSeeds, PLAIN, type TrainableGraph, type TrainingVariant } from "../variant.ts";

/** A loss of distillation. */
export interface DistilTerm {
  /** Which one. */
  readonly loss: DistilLossName;
  /** Its weight beside the detector's own losses: a number, or points over epochs. 1 by default. */
  readonly weight?: LossWeight;
  /** What logits are divided by before they become probabilities, for losses that have one; their usual one by default. */
  readonly temperature?: number;
}

/** What a student learns of its teacher. */
export interface DistilledOptions {
  /** Each loss once. */
  readonly losses: readonly DistilTerm[];
  /**
   * Maps that `cwd`, `l2` and `pkd` compare: a value of the student and one of the teacher, by their names. By default the maps that
   * enter the heads.
   */
  readonly features?: FeatureNames;
  /**
   * True where the teacher, not the student, says which anchors learn which box of the labels, and with what target score: label
   * assignment distillation (Nguyen et al. 2022, https://arxiv.org/abs/2108.10520). It needs the student's input size. False by default.
   */
  readonly assigns?: boolean;
  /** Of the first weights of projectors; 0 by default. */
  readonly seed?: number;
  /**
   * True where the teacher is no part of a step: what it says of the pictures is computed before and fed (`fed`). `train` does so for
   * fixed views of the pictures. False by default.
   */
  readonly apart?: boolean;
}

/** What checkpoints keep: a run that goes on has to have the same teacher and losses. */
export interface DistilledSettings {
  /** Name, content hash and input size of the teacher. */
  readonly teacher: { readonly name: string; readonly hash: string; readonly size: readonly number[] };
  readonly losses: readonly DistilTerm[];
  readonly features?: FeatureNames;
  readonly assigns?: true;
}

/** Name of a loss in log, checkpoint and plot. */
const lossName = (loss: DistilLossName) => `distil ${loss}`;

/** What is read of a teacher that assigns anchors. */
const ASSIGNING: readonly TeacherPart[] = ["logits", "distributions"];

/** Throws FeatherdetError for losses that are unknown, stated twice or have no such temperature. */
function checkTerms(terms: readonly DistilTerm[], assigns: boolean): void {
  if (terms.length === 0 && !assigns) {
    throw new FeatherdetError(`a teacher needs a loss to teach by, there are ${DISTIL_LOSS_NAMES.join(", ")}`);
  }
  const seen = new Set<string>();
  for (const { loss, temperature } of terms) {
    if (!Object.hasOwn(DISTIL_LOSSES, loss)) {
      throw new FeatherdetError(
        `there is no loss "${loss}" of distillation, there are ${DISTIL_LOSS_NAMES.join(", ")}`,
      );
    }
    if (seen.has(loss)) throw new FeatherdetError(`the loss "${loss}" of distillation is stated twice`);
    seen.add(loss);
    if (temperature === undefined) continue;
    if (DISTIL_LOSSES[loss].temperature === undefined) {
      throw new FeatherdetError(`the loss "${loss}" of distillation has no temperature`);
    }
    if (!(temperature > 0 && Number.isFinite(temperature))) {
      throw new FeatherdetError(`the temperature of "${loss}" is ${temperature}, expected a number above 0`);
    }
  }
}

/** The student with its teacher and the losses between them; `teacher` says where its values are. */
export function withLosses(
  trained: TrainableGraph,
  teacher: Graph,
  { losses: terms, features, assigns }: Pick<DistilledOptions, "losses" | "features" | "assigns">,
): GraphLosses {
  const [{ shape: [batch] }] = trained.graph.inputs;
  const places = pairPlaces(trained.graph, teacher, features);
  const written = assigns ? writeAssigningMaps(trained.graph, places) : { graph: trained.graph };
  const { graph, values } = writeDistilLosses(written.graph, places, terms);
  let joint: GradientSeeds = {};
  const losses = values.map(({ loss, value, seeds = {}, scale }, place): NamedLoss => {
    joint = joinSeeds(joint, seeds);
    const { weight = 1 } = terms[place];
    // The detector's losses have the gradients of sums over pictures.
    const how = { weight, gradientFactor: batch, ...(scale !== undefined && { gradientScale: scale }) };
    return { name: lossName(loss), value, ...how };
  });
  return { ...written, graph, losses, seeds: joint };
}

/**
 * Training beside a teacher: any detector of the same classes, of floats or in int8, of another width, family or input size (then it sees
 * the student's pictures resized). It is frozen, and normalises by its running statistics. Its losses are `distil cwd` and so on; the model
 * stays what it is. Between maps of different channels lies a trained 1x1 convolution, which is in the state of a run and in no model.
 *
 * It comes after what rounds or masks the student's own numbers. With `apart` a step has the same losses and gradients, and inputs in the
 * place of the teacher.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { yolo11 } from "../../models/yolo11.ts";
 * import { trainableGraph } from "../variant.ts";
 * import { distilled } from "./distilled.ts";
 * const teacher = yolo11({ width: 0.125, size: 64 });
 * const variant = distilled(teacher, { losses: [{ loss: "dfl" }, { loss: "cwd", weight: [[0, 1], [20, 0]] }] });
 * const { losses } = variant.losses(variant.trainable(trainableGraph(yolo11({ width: 0.0625, size: 64 }))));
 * assert.deepEqual(losses.map(({ name }) => name), ["distil dfl", "distil cwd"]);
 * ```
 *
 * Throws FeatherdetError for losses that are unknown, stated twice or have no such temperature, and for a teacher that is no detector. Its
 * `trainable` and `losses` throw it for a teacher of other classes, for maps that do not exist or cannot be compared, and for a student whose
 * weights are rounded.
 */
export function distilled(teacher: Graph, options: DistilledOptions): TrainingVariant {
  const { losses, features, seed, assigns = false, apart: isApart = false } = options;
  checkTerms(losses, assigns);
  distilPlaces(teacher);
  const isOfMaps = losses.some(({ loss }) => DISTIL_LOSSES[loss].compares === "features");
  if (features !== undefined && !isOfMaps) {
    throw new FeatherdetError("maps to compare are named, and no loss compares maps: there are cwd, l2 and pkd");
  }
  const reads = losses.flatMap(({ loss }) => DISTIL_LOSSES[loss].reads);
  const apart = isApart ? new Set([...reads, ...(assigns ? ASSIGNING : [])]) : undefined;
  const size = teacher.inputs[0].shape.slice(2);
  const settings: DistilledSettings = {
    teacher: { name: teacher.name, hash: hashOfGraph(teacher), size },
    losses,
    ...(features && { features }),
    ...(assigns && { assigns }),
  };
  return {
    ...PLAIN,
    name: "distilled",
    settings: { distil: settings },
    trainable(student) {
      const how = { features, seed, compares: isOfMaps ? "features" : "head", apart } as const;
      const { graph, frozen } = joinTeacher(student.graph, teacher, how);
      return { ...student, graph, frozen: new Set([...student.frozen, ...frozen]) };
    },
    ...(apart && { fed: (model: Graph) => [teacherApart(model, teacher, { features, apart })] }),
    losses: (trained) => withLosses(trained, teacher, options),
  };
}
