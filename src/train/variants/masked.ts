/**
 * Training behind masks: weights that are zero stay zero, and the others go on (Zhu and Gupta 2017).
 *
 * @module
 */

import { applyMasks, hashOfMasks, type Masks } from "../../compress/prune/mod.ts";
import { FeatherdetError, type Graph, GraphEditor, GraphIndex, type Node } from "../../graph/mod.ts";
import type { ParameterGroup } from "../autodiff/training_graph.ts";
import { PLAIN, type TrainableGraph, type TrainingVariant } from "../variant.ts";

/** What checkpoints keep of masks. */
export interface MaskedSettings {
  /** SHA-256 of names and bits. */
  readonly hash: string;
  /** How many weights have masks. */
  readonly weights: number;
  /** Zeros in them. */
  readonly zeros: number;
}

function settingsOf(masks: Masks): MaskedSettings {
  let zeros = 0;
  for (const mask of masks.values()) zeros += mask.length - mask.reduce((sum, one) => sum + one, 0);
  return { hash: hashOfMasks(masks), weights: masks.size, zeros };
}

/** What rounds a weight to two levels, neither of which is zero. */
function refuseBinary(graph: Graph, weight: string, readers: readonly Node[]): void {
  const rounding = readers.find((node) => node.op === "FakeQuantizeWeights" && node.attributes.bits === 1);
  if (rounding === undefined) return;
  throw new FeatherdetError(`"${weight}" has a mask, and weights of one bit cannot be zero`, {
    file: graph.name,
    node: rounding.name,
    operator: rounding.op,
  });
}

/** Multiplies each weight by its mask, behind its rounding where it is rounded. */
function behindMasks({ graph, frozen, trained }: TrainableGraph, masks: Masks): TrainableGraph {
  const start = applyMasks(graph, masks), index = GraphIndex.of(start), editor = new GraphEditor(start);
  const groups = new Map<string, ParameterGroup>(trained);
  for (const [weight, mask] of masks) {
    const readers = index.readersOf(weight);
    refuseBinary(graph, weight, readers);
    const name = editor.constant(`${weight}/mask`, index.shapeOf(weight), Float32Array.from(mask));
    const roundings = readers.filter(({ op }) => op === "FakeQuantizeWeights");
    const hold = (value: string) =>
      editor.insert(
        value,
        () => editor.one("Mul", `${value}/masked`, [value, name], {}),
        ({ op }) => op !== "FakeQuantizeWeights",
      );
    if (roundings.length < readers.length) hold(weight);
    for (const { outputs } of roundings) hold(outputs[0]);
    groups.set(weight, "weight");
  }
  return { graph: editor.finish(), frozen, trained: groups };
}

/** Zeros in the floats that masks are for; in a quantized model they are zero already, since they were before they were rounded. */
function withZeros(model: Graph, masks: Masks): Graph {
  const floats = [...masks].filter(([name, mask]) => {
    const constant = model.constants.get(name);
    return constant?.dtype === "f32" && constant.data.length === mask.length;
  });
  return applyMasks(model, new Map(floats));
}

/**
 * Training in which weights stay zero where masks have zeros. It begins with zeros there, gradients do not reach them, and the exported
 * model has them. It combines with training for int8 and ternary weights, which it follows: a weight is rounded first, and zero is a level
 * of both.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { chooseMasks } from "../../compress/prune/mod.ts";
 * import { yolo11 } from "../../models/yolo11.ts";
 * import { trainableGraph } from "../variant.ts";
 * import { masked } from "./masked.ts";
 * const model = yolo11({ width: 0.0625, size: 64 });
 * const masks = chooseMasks(model, { sparsity: 0.5 });
 * const { graph } = masked(masks).trainable(trainableGraph(model));
 * assert.equal(graph.nodes.length, model.nodes.length + masks.size);
 * ```
 *
 * Its `trainable` throws FeatherdetError for masks of another model, and for weights that are rounded to one bit.
 */
export function masked(masks: Masks): TrainingVariant {
  return {
    ...PLAIN,
    name: "masked",
    settings: { masks: settingsOf(masks) },
    trainable: (model) => behindMasks(model, masks),
    exported: (model) => withZeros(model, masks),
  };
}
