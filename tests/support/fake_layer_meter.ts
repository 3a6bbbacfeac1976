/** A meter of layers that computes times by a formula, and remembers what it was asked. */

import type { LayerMeter, LayerShape } from "../../src/compress/meter.ts";

/** The formula by multiply-accumulates, as a meter of layers would see them if devices were simple. */
export const byWork = ({ kernel, strides, map, groups, inputs, outputs }: LayerShape): number =>
  1e-3 + 1e-6 * kernel[0] * kernel[1] * (groups === "each" ? 1 : inputs / groups) * outputs * map[1] * map[2] /
    (strides[0] * strides[1]);

/** Times that `formula` says; `dispatches` of a graph are its convolutions of `times` milliseconds each, and `rest` of one more. */
export function fakeLayerMeter(
  formula: (layer: LayerShape) => number,
  { rest = 0 }: { readonly rest?: number } = {},
): LayerMeter & { readonly asked: LayerShape[][] } {
  const asked: LayerShape[][] = [];
  return {
    asked,
    place: "nowhere",
    revision: () => "1",
    milliseconds(layers) {
      asked.push([...layers]);
      return Promise.resolve(layers.map(formula));
    },
    dispatches(graph) {
      const convolutions = graph.nodes.filter(({ op }) => op === "Conv");
      return Promise.resolve([
        ...convolutions.map(({ name }) => ({ name, milliseconds: 1 })),
        { name: "the rest", milliseconds: rest },
      ]);
    },
  };
}
