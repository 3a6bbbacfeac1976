/**
 * Losses of what the heads say: classes and the distributions of distances.
 *
 * All are sums over anchors divided by the sum of the teacher's confidences in the batch, at least 1, as the detector's own losses are
 * divided by the sum of target scores: their size follows the number of objects, not the number of anchors.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/mod.ts";
import { binaryDivergence, softmaxDivergence } from "./divergence.ts";
import type { LossOf } from "./loss.ts";

/**
 * Binary cross entropy between the class probabilities of student and teacher, each class by itself, over all anchors: for heads of
 * sigmoids, as in BCKD (Yang et al. 2023, https://arxiv.org/abs/2308.14286), without its weight of each class and anchor.
 */
export const logits: LossOf = (writer, pair, { temperature, scale }) => {
  const { terms, gradient } = binaryDivergence(writer, pair.logits, temperature);
  const share = writer.binary("Div", scale, pair.normaliser);
  return {
    value: writer.binary("Div", writer.total(terms), pair.normaliser),
    seeds: { [pair.logits.student]: writer.binary("Mul", gradient, share) },
  };
};

/** Kullback-Leibler divergence of the softmax over classes, anchors weighted by the teacher's confidence (Hinton et al. 2015). */
export const softmaxLogits: LossOf = (writer, pair, { temperature, scale }) => {
  if (pair.places.student.classes === 1) {
    throw new FeatherdetError("softmax-logits compares classes with each other, and there is one: take logits");
  }
  const { terms, gradient } = softmaxDivergence(writer, pair.logits, temperature);
  const weighted = writer.binary("Mul", terms, pair.confidence);
  const share = writer.binary("Mul", pair.confidence, writer.binary("Div", scale, pair.normaliser));
  return {
    value: writer.binary("Div", writer.total(weighted), pair.normaliser),
    seeds: { [pair.logits.student]: writer.binary("Mul", gradient, share) },
  };
};

/**
 * Kullback-Leibler divergence of the distributions of the four distances, anchors weighted by the teacher's confidence, in the mean over
 * the sides: localization distillation (Zheng et al. 2022, https://arxiv.org/abs/2102.12252).
 */
export const dfl: LossOf = (writer, pair, { temperature, scale }) => {
  const { student, teacher } = pair.distributions, { bins } = pair.places.student;
  const [batch, channels, anchors] = writer.shapeOf(student);
  const [own, wanted] = [student, teacher].map((value) => writer.reshaped(value, [4 * batch, bins, anchors]));
  const { terms, gradient } = softmaxDivergence(writer, { student: own, teacher: wanted }, temperature);
  // A quarter for each side of an anchor.
  const quarters = writer.binary(
    "Mul",
    pair.confidence,
    writer.numbers("quarters", [0.25, 0.25, 0.25, 0.25], [1, 4, 1]),
  );
  const weights = writer.reshaped(quarters, [4 * batch, 1, anchors]);
  const share = writer.binary("Mul", weights, writer.binary("Div", scale, pair.normaliser));
  const moved = writer.binary("Mul", gradient, share);
  return {
    value: writer.binary("Div", writer.total(writer.binary("Mul", terms, weights)), pair.normaliser),
    seeds: { [student]: writer.reshaped(moved, [batch, channels, anchors]) },
  };
};
