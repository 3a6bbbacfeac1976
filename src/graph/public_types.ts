/**
 * The types of graphs that signatures of entry points mention.
 *
 * @module
 */

export type { ErrorPlace } from "./error.ts";
export type { Constant, ConstantData, ElementType, Graph, GraphInput, Shape, TensorType } from "./graph.ts";
export type {
  ActivationAttributes,
  ActivationOperator,
  AnchorLossAttributes,
  BoxLoss,
  ConvAttributes,
  CoordinateMode,
  DetectionLossAttributes,
  NearestMode,
  NoAttributes,
  Node,
  Operator,
  OperatorAttributes,
  Pads,
  Pair,
  PairAttributes,
  PoolAttributes,
  ReduceAttributes,
  UnaryAttributes,
} from "./operators.ts";
export type { WeightBits } from "./packed_weights.ts";
export type { RegroupedExtent, SamePads, SizeRule, SizeRules } from "./size_rules.ts";
