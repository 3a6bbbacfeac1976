/**
 * 1x1 convolutions of enlarged maps are computed before the maps are enlarged: a 1x1 convolution mixes channels, a Resize mixes pixels, so
 * their order does not matter. Where a Concat joins the enlarged map with others, as on the way up of a feature pyramid, the product is cut
 * in two by its input channels:
 *
 *   Conv(Concat(Resize(a), b)) = Conv(b) + bias + Resize(Conv(a))
 *
 * which takes the products of `a` at the pixels that it has, and enlarges results instead of inputs.
 *
 * @module
 */

import { type Graph, GraphEditor, GraphIndex, type Node, sizeOf } from "../../graph/mod.ts";

type Conv = Node<"Conv">;

/** A part of what a convolution reads: which channels of its weights are of it, and the Resize that makes it, if one does. */
interface Part {
  readonly value: string;
  readonly first: number;
  readonly channels: number;
  readonly resize: Node<"Resize"> | undefined;
}

/** The Resize that makes a value for one reader alone, if it enlarges and leaves a convolution of so many outputs less to do. */
function enlarger(index: GraphIndex, value: string, outputs: number): Node<"Resize"> | undefined {
  const made = index.producerOf(value);
  if (made?.op !== "Resize" || !index.soleReader(value)) return undefined;
  const [, channels, ...to] = index.shapeOf(value), from = index.shapeOf(made.inputs[0]).slice(2);
  return sizeOf(from) < sizeOf(to) && outputs <= channels ? made : undefined;
}

/** What a 1x1 convolution in floats reads, part by part; nothing if that is no enlarged map. */
function partsOf(index: GraphIndex, node: Conv): Part[] | undefined {
  const [x, weights] = node.inputs, { strides, pads, groups } = node.attributes;
  if (index.constantOf(weights)?.dtype !== "f32") return undefined;
  const [outputs, , ...kernel] = index.shapeOf(weights);
  if (groups !== 1 || kernel.some((k) => k !== 1) || strides.some((s) => s !== 1) || pads.some((p) => p !== 0)) {
    return undefined;
  }
  const concat = index.producerOf(x);
  const isJoined = concat?.op === "Concat" && concat.attributes.axis === 1 && index.soleReader(x) !== undefined;
  const values = isJoined ? concat.inputs : [x];
  let first = 0;
  const parts = values.map((value): Part => {
    const channels = index.shapeOf(value)[1];
    first += channels;
    return { value, first: first - channels, channels, resize: enlarger(index, value, outputs) };
  });
  const early = parts.filter(({ resize }) => resize);
  // Something must be there that the enlarged results are added to.
  return early.length > 0 && (parts.length === 1 || early.length < parts.length) ? parts : undefined;
}

/** The weights `[O,I,1,1]` of some input channels, one range behind the other. */
function weightsOf(data: Float32Array, inputs: number, parts: readonly Part[]): Float32Array<ArrayBuffer> {
  const outputs = data.length / inputs, count = parts.reduce((sum, { channels }) => sum + channels, 0);
  const some = new Float32Array(outputs * count);
  for (let output = 0, to = 0; output < outputs; output++) {
    for (const { first, channels } of parts) {
      some.set(data.subarray(output * inputs + first, output * inputs + first + channels), to);
      to += channels;
    }
  }
  return some;
}

/** Writes what takes the place of a convolution. */
function rewrite(editor: GraphEditor, index: GraphIndex, node: Conv, parts: readonly Part[]): void {
  const { name, attributes, inputs: [, weights, ...bias], outputs: [y] } = node;
  const { data, shape: [outputs, inputs] } = index.constantOf(weights)!;
  const cut = (what: string, some: readonly Part[]) => {
    const cutData = weightsOf(data as Float32Array, inputs, some);
    return editor.constant(editor.uniqueName(`${weights}/${what}`), [outputs, cutData.length / outputs, 1, 1], cutData);
  };
  const [whole] = parts;
  if (parts.length === 1) {
    const { inputs: [small], attributes: enlarged } = whole.resize!;
    const made = editor.uniqueName(`${name}/early`);
    editor.put({ ...node, inputs: [small, weights, ...bias], outputs: [made] });
    editor.nodeWithOutputs("Resize", editor.uniqueName(`${name}/enlarged`), [made], enlarged, [y]);
    return;
  }
  const late = parts.filter(({ resize }) => !resize), values = late.map(({ value }) => value);
  const joined = values.length === 1 ? values[0] : editor.one("Concat", `${name}/late`, values, { axis: 1 });
  const early = parts.filter(({ resize }) => resize).map((part) => {
    const { inputs: [small], attributes: enlarged } = part.resize!;
    const product = editor.one("Conv", `${name}/early`, [small, cut("early", [part])], attributes);
    return editor.one("Resize", `${name}/enlarged`, [product], enlarged);
  });
  const names = early.map((_, at) => at < early.length - 1 ? editor.uniqueName(`${name}/sum`) : y);
  const made = editor.uniqueName(`${name}/late`);
  editor.put({ ...node, inputs: [joined, cut("late", late), ...bias], outputs: [made] });
  early.reduce(
    (sum, term, at) => editor.nodeWithOutputs("Add", editor.uniqueName(`${name}/add`), [sum, term], {}, [names[at]])[0],
    made,
  );
}

/** The graph with such convolutions before the Resize. */
export function convolveBeforeResize(graph: Graph): Graph {
  const index = GraphIndex.of(graph), editor = new GraphEditor(graph);
  let changed = 0;
  for (const node of graph.nodes) {
    const parts = node.op === "Conv" ? partsOf(index, node) : undefined;
    if (parts === undefined) continue;
    editor.replace(node, () => rewrite(editor, index, node as Conv, parts));
    changed++;
  }
  return changed === 0 ? graph : editor.finish();
}
