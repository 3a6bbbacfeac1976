/** A meter of layers that computes times by a formula, and remembers what it was asked. */

import type { LayerMeter, LayerShape } from "../../src/compress/meter.ts";

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
