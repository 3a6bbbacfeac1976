/**
 * How many inputs and outputs each operator takes.
 *
 * @module
 */

import { ANCHOR_LOSS_RESULTS, MAX_ANCHOR_LEVELS } from "./anchor_loss.ts";
import { LOSS_RESULTS, MAX_LOSS_LEVELS } from "./detection_loss.ts";
import { FeatherdetError } from "./error.ts";
import type { Node, OperatorTable } from "./operators.ts";
import { eachUnary } from "./unary.ts";
import { eachPair } from "./pairs.ts";

/** Bounds on the number of inputs and outputs, both inclusive. */
export interface Arity {
  /** Optional inputs make the difference. */
  readonly inputs: readonly [least: number, most: number];
  /** More than one for Split, DynamicQuantizeLinear, and batch normalisation and the loss in training. */
  readonly outputs: readonly [least: number, most: number];
}

const ONE: Arity = { inputs: [1, 1], outputs: [1, 1] };
const TWO: Arity = { inputs: [2, 2], outputs: [1, 1] };
const TWO_OR_THREE: Arity = { inputs: [2, 3], outputs: [1, 1] };

/** The arity of every operator. */
export const ARITY: OperatorTable<Arity> = {
  Conv: TWO_OR_THREE,
  ConvTranspose: TWO_OR_THREE,
  BatchNormalization: { inputs: [5, 5], outputs: [1, 1] },
  ...eachUnary(() => ONE),
  Add: TWO,
  Sub: TWO,
  Mul: TWO,
  Div: TWO,
  ...eachPair(() => TWO),
  MaxPool: ONE,
  AveragePool: ONE,
  GlobalAveragePool: ONE,
  ReduceMean: ONE,
  ReduceSum: ONE,
  ReduceMax: ONE,
  Gemm: TWO_OR_THREE,
  MatMul: TWO,
  Softmax: ONE,
  Concat: { inputs: [1, Infinity], outputs: [1, 1] },
  Split: { inputs: [1, 1], outputs: [1, Infinity] },
  Slice: ONE,
  Reshape: ONE,
  Transpose: ONE,
  TopK: { inputs: [1, 1], outputs: [2, 2] },
  GatherElements: TWO,
  Resize: ONE,
  Pad: ONE,
  QuantizeLinear: { inputs: [3, 3], outputs: [1, 1] },
  DequantizeLinear: { inputs: [3, 3], outputs: [1, 1] },
  DynamicQuantizeLinear: { inputs: [1, 1], outputs: [3, 3] },
  ConvInteger: { inputs: [4, 4], outputs: [1, 1] },
  MatMulInteger: { inputs: [4, 4], outputs: [1, 1] },
  Cast: ONE,
  UnpackWeights: TWO,
  ConvWeightGradient: TWO,
  BatchNormTraining: { inputs: [5, 5], outputs: [5, 5] },
  BatchNormGradient: { inputs: [5, 6], outputs: [3, 3] },
  BatchNormApply: { inputs: [5, 5], outputs: [1, 1] },
  ActivationGradient: TWO,
  MaxPoolGradient: TWO,
  ReduceMaxGradient: TWO,
  ResizeGradient: ONE,
  SoftmaxGradient: TWO,
  DetectionLoss: {
    inputs: [4, 4 * MAX_LOSS_LEVELS + 2],
    outputs: [2 + LOSS_RESULTS.length, 2 * MAX_LOSS_LEVELS + LOSS_RESULTS.length],
  },
  AnchorLoss: {
    inputs: [3, MAX_ANCHOR_LEVELS + 2],
    outputs: [1 + ANCHOR_LOSS_RESULTS.length, MAX_ANCHOR_LEVELS + ANCHOR_LOSS_RESULTS.length],
  },
  FakeQuantize: ONE,
  FakeQuantizeWeights: ONE,
  NoisyQuantize: ONE,
};

function bounds([least, most]: readonly [number, number]): string {
  if (least === most) return `${least}`;
  return most === Infinity ? `at least ${least}` : `${least} to ${most}`;
}

/** Throws FeatherdetError unless the node has as many inputs and outputs as its operator takes. */
export function checkArity(node: Node): void {
  if (!Object.hasOwn(ARITY, node.op)) {
    throw new FeatherdetError("operator is not known", { node: node.name, operator: node.op });
  }
  const arity = ARITY[node.op];
  for (const side of ["inputs", "outputs"] as const) {
    const [least, most] = arity[side];
    const count = node[side].length;
    if (count < least || count > most) {
      throw new FeatherdetError(`has ${count} ${side}, the operator takes ${bounds(arity[side])}`, {
        node: node.name,
        operator: node.op,
      });
    }
  }
}
