/**
 * How far the student's probabilities are from the teacher's, with the gradients of the student's logits.
 *
 * The gradient of such a divergence is the difference of two probabilities. It is written down instead of being derived: no logarithm
 * of a vanishing probability is differentiated, and it is exactly zero where both agree.
 *
 * @module
 */

import type { Both } from "./pair.ts";
import type { LossWriter } from "./writer.ts";

/** A divergence, element by element of what it is a sum over. */
export interface Divergence {
  /** Its terms; 0 where both agree. */
  readonly terms: string;
  /** Gradient of their sum by the student's logits, as these. */
  readonly gradient: string;
}

/** Logits over the temperature. */
const softened = (writer: LossWriter, { student, teacher }: Both, temperature: number): Both => ({
  student: writer.divided(student, temperature),
  teacher: writer.divided(teacher, temperature),
});

/**
 * Of probabilities each by itself: the binary cross entropy of sigmoids at a temperature less the teacher's own entropy, times the square
 * of the temperature. Terms are as the logits.
 */
export function binaryDivergence(writer: LossWriter, both: Both, temperature: number): Divergence {
  const { student, teacher } = softened(writer, both, temperature);
  const [own, wanted] = [student, teacher].map((logits) => writer.unary("Sigmoid", logits));
  const [free, entropy] = [student, teacher].map((logits) => writer.unary("Softplus", logits));
  const agreed = writer.binary("Mul", wanted, writer.binary("Sub", student, teacher));
  const terms = writer.binary("Sub", writer.binary("Sub", free, entropy), agreed);
  const gradient = writer.binary("Sub", own, wanted);
  return { terms: writer.scaled(terms, temperature ** 2), gradient: writer.scaled(gradient, temperature) };
}

/**
 * The logarithm of the sum of exponentials along axis 1: the greatest logit less the logarithm of its probability, which is never small.
 */
function logSumExp(writer: LossWriter, logits: string, probabilities: string): string {
  const [logit, probability] = [logits, probabilities].map((value) => writer.reduced("ReduceMax", value, 1));
  return writer.binary("Sub", logit, writer.unary("Log", probability));
}

/**
 * Of distributions along axis 1 of `[M, K, X]`: the Kullback-Leibler divergence of the student's from the teacher's, both softened by a
 * temperature, times the square of the temperature (Hinton et al. 2015, https://arxiv.org/abs/1503.02531). Terms are `[M, 1, X]`.
 */
export function softmaxDivergence(writer: LossWriter, both: Both, temperature: number): Divergence {
  const { student, teacher } = softened(writer, both, temperature);
  const [own, wanted] = [student, teacher].map((logits) => writer.softmax(logits, 1));
  const lead = writer.reduced("ReduceSum", writer.binary("Mul", wanted, writer.binary("Sub", student, teacher)), 1);
  const apart = writer.binary("Sub", logSumExp(writer, student, own), logSumExp(writer, teacher, wanted));
  const gradient = writer.binary("Sub", own, wanted);
  return {
    terms: writer.scaled(writer.binary("Sub", apart, lead), temperature ** 2),
    gradient: writer.scaled(gradient, temperature),
  };
}
