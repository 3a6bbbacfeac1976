/**
 * Whether a graph computes every image of its batch by itself, so that a batch may be run in several parts.
 *
 * @module
 */

import { type Graph, GraphIndex, type Node, traitOf } from "../../graph/mod.ts";

/** Operators whose windows and channels are those of one image, axis 0 being the image's number. */
const PER_IMAGE: ReadonlySet<Node["op"]> = new Set([
  "Conv",
  "ConvInteger",
  "ConvTranspose",
  "MaxPool",
  "AveragePool",
  "GlobalAveragePool",
  "Resize",
]);

/** The axes along which elements of a node's inputs meet or are chosen; undefined where no attribute says so. */
function axesOf(node: Node): readonly number[] | undefined {
  switch (node.op) {
    case "Softmax":
    case "Concat":
    case "Split":
    case "TopK":
    case "GatherElements":
      return [node.attributes.axis];
    case "Slice":
    case "ReduceMean":
    case "ReduceSum":
    case "ReduceMax":
      return node.attributes.axes;
    default:
      return undefined;
  }
}

/**
 * Whether each output's images, along axis 0, depend on those images of the inputs alone. Only what is certain counts: an operator that is
 * not known here makes it false.
 */
export function imagesAreApart(graph: Graph): boolean {
  const index = GraphIndex.of(graph);
  const [batch] = graph.inputs[0]?.shape ?? [];
  if (batch === undefined || graph.inputs.some(({ shape }) => shape[0] !== batch)) return false;
  /** Values that have the images along axis 0. */
  const carried = new Set(graph.inputs.map(({ name }) => name));
  for (const node of graph.nodes) {
    const images = node.inputs.filter((name) => carried.has(name));
    if (images.length === 0) continue;
    const others = node.inputs.filter((name) => !carried.has(name)).map((name) => index.shapeOf(name));
    const out = index.shapeOf(node.outputs[0]);
    if (!keepsApart(node, images.map((name) => index.shapeOf(name)), others, out)) return false;
    if (node.outputs.some((name) => index.shapeOf(name)[0] !== batch)) return false;
    for (const name of node.outputs) carried.add(name);
  }
  return graph.outputs.every((name) => carried.has(name));
}

type Shape = readonly number[];

function keepsApart(node: Node, images: readonly Shape[], others: readonly Shape[], out: Shape): boolean {
  /** Whether what does not depend on the images is the same for each of them. */
  const isCommon = others.every((shape) => shape.length < out.length || shape[0] === 1);
  const axes = axesOf(node);
  if (axes !== undefined) {
    // What is put together or looked up must have the images too.
    const needsAll = node.op === "Concat" || node.op === "GatherElements";
    return !axes.includes(0) && (!needsAll || others.length === 0);
  }
  if (PER_IMAGE.has(node.op)) return images.length === 1;
  switch (node.op) {
    case "Transpose":
      return node.attributes.perm[0] === 0;
    case "Reshape":
      return images[0][0] === out[0];
    case "Pad":
      // Those before all axes come first, then those behind them.
      return node.attributes.pads[0] === 0 && node.attributes.pads[out.length] === 0;
    case "MatMul":
      // Matrices of one batch are multiplied one by one, with the same one or with one another.
      return images.every((shape) => shape.length >= 3 && shape.length === out.length) &&
        others.every((shape) => shape.length <= 2 || shape[0] === 1);
    default:
      return traitOf(node, "reads") === "element" && isCommon && images.every(({ length }) => length === out.length);
  }
}
