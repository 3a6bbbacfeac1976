/**
 * The Graph: types, shape inference, verification, printing, cost and rewriting.
 *
 * @module
 */

export { recogniseActivations } from "./activations.ts";
export { type Analysis, analyze, type Cost, ELEMENT_BYTES, type LayerCost } from "./analyze.ts";
export { ARITY, type Arity } from "./arity.ts";
export { type ErrorPlace, FeatherdetError } from "./error.ts";
export * from "./graph.ts";
export { inferNode, inferTypes } from "./infer.ts";
export * from "./operators.ts";
export { printGraph } from "./print.ts";
export { consumers, namesOf, producers, replaceNodes, sortTopologically, uniqueName, withNodes } from "./rewrite.ts";
export { verify } from "./verify.ts";
export { WEIGHT_INPUTS, type WeightInputs, weightsOf } from "./weights.ts";
