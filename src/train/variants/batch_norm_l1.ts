/**
 * Network slimming (Liu et al. 2017, https://arxiv.org/abs/1708.06519): the sum of the absolute scales of BatchNormalization is a loss.
 * Scales of channels that the detector can do without go to zero, so that these channels can be pruned.
 *
 * @module
 */

import { FeatherdetError, GraphEditor } from "../../graph/mod.ts";
import type { LossWeight } from "../losses/named_loss.ts";
import { type GraphLosses, PLAIN, type TrainableGraph, type TrainingVariant } from "../variant.ts";

/** How scales are drawn to zero. */
export interface BatchNormL1Options {
  /** Weight of the sum of absolute scales: that of the paper is 1e-4. It may change over the run. */
  readonly weight: LossWeight;
  /** Which layers take part, by the name of the BatchNormalization; all by default. */
  readonly layers?: (name: string) => boolean;
}

/** Name of the loss. */
const LOSS = "gammaL1";

/** Scales of the layers that take part, without frozen ones, each once. */
function scalesOf({ graph, frozen }: TrainableGraph, layers: (name: string) => boolean): string[] {
  const scales = graph.nodes.flatMap(({ op, name, inputs }) =>
    op === "BatchNormalization" && layers(name) && graph.constants.has(inputs[1]) ? [inputs[1]] : []
  );
  return [...new Set(scales)].filter((name) => !frozen.has(name));
}

function withL1(trained: TrainableGraph, { weight, layers = () => true }: BatchNormL1Options): GraphLosses {
  const { graph } = trained;
  const scales = scalesOf(trained, layers);
  if (scales.length === 0) {
    throw new FeatherdetError("there is no BatchNormalization whose scales could be drawn to zero", {
      file: graph.name,
    });
  }
  const editor = new GraphEditor(graph);
  const base = (what: string) => `loss/${LOSS}/${what}`;
  const joint = editor.one("Concat", base("scales"), scales, { axis: 0 });
  // Of |x| = max(x, 0) + max(-x, 0) the gradient at 0 is 0, so that a scale which is there stays.
  const above = editor.one("Relu", base("above"), [joint], {});
  const below = editor.one("Relu", base("below"), [editor.one("Neg", base("negative"), [joint], {})], {});
  const absolute = editor.one("Add", base("absolute"), [above, below], {});
  const sum = editor.one("ReduceSum", base("sum"), [absolute], { axes: [0], keepDims: false });
  return { graph: editor.finish({ keepUnread: true }), losses: [{ name: LOSS, value: sum, weight }] };
}

/**
 * Training with the sum of the absolute scales of BatchNormalization as a loss, `gammaL1`. The scales move by their own gradient and,
 * each towards zero, by `weight`; the model stays what it is.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { yolo11 } from "../../models/yolo11.ts";
 * import { trainableGraph } from "../variant.ts";
 * import { batchNormL1 } from "./batch_norm_l1.ts";
 * const model = yolo11({ width: 0.0625, size: 64 });
 * const { losses } = batchNormL1({ weight: 1e-4 }).losses(trainableGraph(model));
 * assert.deepEqual([losses[0].name, losses[0].weight], ["gammaL1", 1e-4]);
 * ```
 *
 * Its `losses` throws FeatherdetError for a model without such a layer.
 */
export function batchNormL1(options: BatchNormL1Options): TrainingVariant {
  return {
    ...PLAIN,
    name: "gamma L1",
    settings: { [LOSS]: { weight: options.weight } },
    losses: (trained) => withL1(trained, options),
  };
}
