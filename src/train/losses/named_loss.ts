/**
 * Losses by name: what a training step differentiates and tells, with a weight each that may change over a run.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";

/**
 * The weight of a loss: a number, or points `[epoch, weight]` in ascending order of epochs. Between two points the weight follows the
 * straight line, before the first and behind the last it is theirs; two points of the same epoch are a jump. Epochs count from 0 and
 * have fractions: 2.5 is the middle of the third epoch.
 */
export type LossWeight = number | readonly (readonly [epoch: number, weight: number])[];

/** A loss. Logs, checkpoints, progress and plots show it under its name. */
export interface NamedLoss {
  /** What it is called, once in a problem: a word or two in lower case, not a number. */
  readonly name: string;
  /** The value of the graph that holds it, of one element. */
  readonly value: string;
  /** Which element of the value it is, where that has several. Only for losses with a `gradientScale`. */
  readonly element?: number;
  /** Factor of the loss in the sum that is minimised; what is told of a step is the product. 1 by default. */
  readonly weight?: LossWeight;
  /**
   * Further factor of the gradient alone, which nothing tells; 1 by default. Gradients of the detection loss are those of the sum over
   * the pictures of a batch: a mean over pictures that shall weigh like it has the number of pictures here.
   */
  readonly gradientFactor?: number;
  /**
   * An input of one element that scales the gradients of this loss, where operators of the graph compute them themselves: they are
   * seeds (see `buildGradientGraph`), and a step feeds the input with the product of all factors. Without it the loss is differentiated
   * by the rules. Losses may share such an input where they have the same weight.
   */
  readonly gradientScale?: string;
}

/** Losses of a step by name, each times its weight, in the order of declaration. */
export type Losses = Readonly<Record<string, number>>;

/**
 * The weight in an epoch.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { weightAt } from "./named_loss.ts";
 * assert.equal(weightAt([[2, 0], [6, 1e-3]], 3), 0.00025);
 * ```
 */
export function weightAt(weight: LossWeight, epoch: number): number {
  if (typeof weight === "number") return weight;
  const next = weight.findIndex(([at]) => at > epoch);
  if (next === 0) return weight[0][1];
  if (next < 0) return weight.at(-1)![1];
  const [[from, first], [to, second]] = [weight[next - 1], weight[next]];
  return first + (second - first) * (epoch - from) / (to - from);
}

function checkWeight({ name, weight = 1, gradientFactor = 1 }: NamedLoss): void {
  const points = typeof weight === "number" ? [[0, weight]] : weight;
  if (points.length === 0) throw new FeatherdetError(`loss "${name}": its weight has no points`);
  const wrong = [...points.flat(), gradientFactor].find((value) => !Number.isFinite(value));
  if (wrong !== undefined) throw new FeatherdetError(`loss "${name}": its weight holds ${wrong}, no finite number`);
  const back = points.findIndex(([epoch], i) => i > 0 && epoch < points[i - 1][0]);
  if (back > 0) {
    throw new FeatherdetError(
      `loss "${name}": its weight has a point at epoch ${points[back][0]} behind one at ${points[back - 1][0]}`,
    );
  }
}

/**
 * Throws FeatherdetError for two losses of one name, for a number as a name (which would not keep its place in the order), for weights
 * that are no finite numbers or whose epochs do not ascend, and for losses that share the scale of their gradients but not the weight.
 */
export function checkLosses(losses: readonly NamedLoss[]): void {
  const names = new Set<string>(), scales = new Map<string, NamedLoss>();
  for (const loss of losses) {
    const { name, weight = 1, gradientFactor = 1, gradientScale } = loss;
    if (name === "" || /^\d+$/.test(name)) throw new FeatherdetError(`"${name}" is no name for a loss`);
    if (names.has(name)) throw new FeatherdetError(`there are two losses of the name "${name}"`);
    names.add(name);
    checkWeight(loss);
    if (gradientScale === undefined) continue;
    const other = scales.get(gradientScale) ?? loss;
    scales.set(gradientScale, loss);
    const factors = [other.weight ?? 1, other.gradientFactor ?? 1];
    if (JSON.stringify(factors) !== JSON.stringify([weight, gradientFactor])) {
      throw new FeatherdetError(
        `losses "${other.name}" and "${name}" share the input "${gradientScale}", but not the weight`,
      );
    }
  }
}
