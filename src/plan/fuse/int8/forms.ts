/**
 * What becomes of every operator between quantized values. The planner's rewrites ask this table, docs/operators.md prints it, and
 * `tests/plan/int8_forms_test.ts` compares it with plans.
 *
 * @module
 */

import { eachPair, eachUnary, type OperatorTable } from "../../../graph/mod.ts";

/**
 * - `integers`: sums whole numbers where its weights are bytes; activation, residual and QuantizeLinear join it (see `kernels/int8/`).
 * - `moves`: moves or compares the bytes as they are (see `moves.ts`). Resize does where it is nearest, others on the channels of images.
 * - `table`: 256 results between the bytes of one value and those of another (see `tables.ts`).
 * - `cells`: reads and writes int8 cells by the numbers that they stand for, and computes in f32: no dispatch quantizes (see `around.ts`).
 * - `float`: reads and writes plain floats, with dispatches between these and the bytes.
 * - `training`: a matter of training, where nothing is stored in int8.
 */
export type Int8Form = "integers" | "moves" | "table" | "cells" | "float" | "training";

/** The form that every operator has at best: over images, with constant weights. */
export const INT8_FORMS: OperatorTable<Int8Form> = {
  Conv: "integers",
  ConvTranspose: "cells",
  BatchNormalization: "cells",
  ...eachUnary(() => "table"),
  Add: "cells",
  Sub: "cells",
  Mul: "cells",
  Div: "cells",
  ...eachPair(() => "cells"),
  MaxPool: "moves",
  AveragePool: "cells",
  GlobalAveragePool: "cells",
  ReduceMean: "cells",
  ReduceSum: "cells",
  ReduceMax: "cells",
  Gemm: "integers",
  MatMul: "integers",
  Softmax: "float",
  Concat: "moves",
  Split: "moves",
  Slice: "moves",
  Reshape: "float",
  Transpose: "float",
  TopK: "float",
  GatherElements: "float",
  Resize: "moves",
  Pad: "cells",
  QuantizeLinear: "cells",
  DequantizeLinear: "cells",
  DynamicQuantizeLinear: "float",
  ConvInteger: "integers",
  MatMulInteger: "integers",
  Cast: "table",
  UnpackWeights: "float",
  ConvWeightGradient: "training",
  BatchNormTraining: "training",
  BatchNormGradient: "training",
  BatchNormApply: "training",
  ActivationGradient: "training",
  MaxPoolGradient: "training",
  ReduceMaxGradient: "training",
  ResizeGradient: "training",
  SoftmaxGradient: "training",
  DetectionLoss: "training",
  AnchorLoss: "training",
  FakeQuantize: "training",
  FakeQuantizeWeights: "training",
  NoisyQuantize: "training",
};
