/**
 * Single convolutions as graphs, so that they can be planned and timed: each with what is fused behind it, several side by side.
 *
 * @module
 */

import { type LayerShape, layerText } from "../compress/meter.ts";
import { type Graph, GraphEditor, type Node } from "../graph/mod.ts";

/** Most layers that are timed in turn, and most elements of their maps. */
const TOGETHER = 24, ELEMENTS = 1 << 24;

/** Numbers without a pattern of few levels, which kernels would read in fewer bits. */
function weights(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => (Math.imul(i + 1, 2654435761) >>> 8) / 2 ** 24 - 0.5);
}

/** Adds a layer to a graph and returns its result. */
function addLayer(editor: GraphEditor, name: string, layer: LayerShape): string {
  const { kernel, strides, dilations, pads, map: [batch, ...map], behind, inputs, outputs } = layer;
  const groups = layer.groups === "each" ? outputs : layer.groups;
  const x = editor.input(`${name}/x`, [batch, inputs, ...map]);
  const shape = [outputs, inputs / groups, ...kernel];
  const weight = editor.constant(`${name}/weight`, shape, weights(shape.reduce((a, b) => a * b)));
  const bias = editor.constant(`${name}/bias`, [outputs], weights(outputs));
  let value = editor.one("Conv", name, [x, weight, bias], { strides, dilations, pads, groups });
  for (const [i, { op, attributes }] of behind.entries()) {
    const operands = op === "Add" ? [value, editor.input(`${name}/residual ${i}`, editor.shapeOf(value))] : [value];
    const node = {
      op,
      name: `${name}/${i}`,
      inputs: operands,
      outputs: [`${name}/${i}`],
      attributes,
    } as unknown as Node;
    [value] = editor.put(node);
  }
  return value;
}

/** One graph of several layers that do not know of each other, named by their positions (see `namedLayer`). */
export function layersGraph(layers: readonly LayerShape[]): Graph {
  const editor = new GraphEditor();
  const outputs = layers.map((layer, i) => addLayer(editor, `layer ${i}`, layer));
  return editor.finish({ name: "layers", outputs });
}

/** The position of the layer that a dispatch computes, by its name in a plan of `layersGraph`; undefined where it computes none. */
export function namedLayer(name: string): number | undefined {
  const layer = name.match(/^layer (\d+)$/)?.[1];
  return layer === undefined ? undefined : Number(layer);
}

function elementsOf({ map: [batch, height, width], inputs, outputs }: LayerShape): number {
  return batch * height * width * (inputs + outputs);
}

/** Layers, by position, in lots that fit together, those of equal form beside each other. */
export function lotsOf(layers: readonly LayerShape[]): number[][] {
  const form = layers.map((layer) => layerText({ ...layer, inputs: 0, outputs: 0 }));
  const order = layers.map((_, i) => i).sort((a, b) => form[a] < form[b] ? -1 : form[a] > form[b] ? 1 : a - b);
  const lots: number[][] = [];
  let elements = Infinity;
  for (const i of order) {
    elements += elementsOf(layers[i]);
    if (elements > ELEMENTS || lots.at(-1)!.length === TOGETHER) {
      lots.push([]);
      elements = elementsOf(layers[i]);
    }
    lots.at(-1)!.push(i);
  }
  return lots;
}
