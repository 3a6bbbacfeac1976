/**
 * Other classes for a detector: new last layers in the place of those that make its class logits.
 *
 * @module
 */

import {
  ANCHOR_FIELDS,
  type Constant,
  FeatherdetError,
  type Graph,
  GraphEditor,
  GraphIndex,
  type Node,
  type Shape,
  sizeOf,
  withNodes,
} from "../graph/mod.ts";
import { type AnchorHead, type DetectionHead, findTrainableHead, type TrainableHead } from "../passes/mod.ts";
import { anchorChannels, anchorPrior, appendAnchorTail } from "./heads/anchors.ts";
import { classPrior } from "./heads/yolo11.ts";
import { type Initialisation, initialised, lazyConstant } from "./initialise.ts";

/** The head of a detector as its structure shows it. Throws FeatherdetError for another graph. */
export function headOf(graph: Graph): TrainableHead {
  const head = findTrainableHead(GraphIndex.of(graph));
  if (head) return head;
  throw new FeatherdetError(
    `"${graph.name}" cannot be trained: its output is not made of boxes and classes as a YOLO11's or a YOLOv5's is`,
  );
}

/** The layer that makes the class logits of a level. Throws FeatherdetError where it is none with weights of its own. */
function logitLayer(graph: Graph, value: string): Node<"Conv"> {
  const maker = GraphIndex.of(graph).producerOf(value);
  const isPlain = maker?.op === "Conv" && maker.attributes.groups === 1 &&
    maker.inputs.slice(1).every((name) => graph.constants.get(name)?.dtype === "f32");
  if (isPlain) return maker as Node<"Conv">;
  throw new FeatherdetError(
    "makes class logits and is no convolution with weights in f32, so that it cannot be replaced",
    {
      file: graph.name,
      node: maker?.name ?? value,
      operator: maker?.op,
    },
  );
}

/** What a layer makes anew. */
interface NewLayer {
  /** The map. */
  readonly value: string;
  /** Its channels. */
  readonly channels: number;
  /** How its bias begins. */
  readonly bias: Initialisation;
  /** Channels of the old map that stay as they are, by channel of the new one; none where it is left out. */
  readonly kept?: (channel: number) => number | undefined;
}

/** Numbers of a constant with those of another in the place of some of its rows (axis 0). */
function withRows(fresh: Constant, old: Constant | undefined, kept: NewLayer["kept"]): Constant {
  if (kept === undefined) return fresh;
  const [rows, ...rest] = fresh.shape, row = sizeOf(rest);
  return lazyConstant(fresh.shape, () => {
    const data = Float32Array.from(fresh.data);
    for (let at = 0; at < rows; at++) {
      const from = kept(at);
      if (from === undefined) continue;
      if (old === undefined) data.fill(0, at * row, (at + 1) * row);
      else data.set((old.data as Float32Array).subarray(from * row, (from + 1) * row), at * row);
    }
    return data;
  });
}

/** New layers: the convolutions that replace others, and constants. */
function renewed(graph: Graph, layers: readonly NewLayer[], seed: number) {
  const constants = new Map(graph.constants), replaced = new Map<Node, Node>();
  const define = (name: string, shape: Shape, rule: Initialisation, old: string | undefined, { kept }: NewLayer) => {
    const before = old === undefined ? undefined : graph.constants.get(old);
    constants.set(name, withRows(initialised({ name, shape, rule, seed }), before, kept));
    return name;
  };
  for (const made of layers) {
    const layer = logitLayer(graph, made.value);
    const [x, weight, own] = layer.inputs, bias = own ?? `${layer.name}.bias`;
    const shape = [made.channels, ...graph.constants.get(weight)!.shape.slice(1)];
    const inputs = [
      x,
      define(weight, shape, "uniformFanIn", weight, made),
      define(bias, [made.channels], made.bias, own, made),
    ];
    replaced.set(layer, { ...layer, inputs });
  }
  return { constants, replaced };
}

/** Of a head whose class logits are maps of their own. */
function withNewMaps(graph: Graph, { levels }: DetectionHead, classes: number, seed: number): Graph {
  const index = GraphIndex.of(graph);
  const layers = levels.map(({ classes: value, stride }): NewLayer => {
    return { value, channels: classes, bias: classPrior(classes, stride) };
  });
  const { constants, replaced } = renewed(graph, layers, seed);
  for (const { value } of layers) {
    for (const node of index.readersOf(value)) {
      // The tail flattens each map by a shape that counts its channels.
      if (node.op !== "Reshape") continue;
      const [batch, , ...rest] = node.attributes.shape;
      replaced.set(node, { ...node, attributes: { ...node.attributes, shape: [batch, classes, ...rest] } });
    }
  }
  return withNodes({ ...graph, constants }, graph.nodes.map((node) => replaced.get(node) ?? node), constants);
}

/** Of a head whose maps hold boxes, objectness and classes: boxes stay, and the tail is written anew. */
function withNewAnchorMaps(
  graph: Graph,
  { levels, maps, tail, output, classes: old }: AnchorHead,
  classes: number,
  seed: number,
): Graph {
  const fields = ANCHOR_FIELDS + classes;
  const layers = levels.map(({ map, stride, anchors }): NewLayer => ({
    value: map,
    channels: anchorChannels(anchors.length, classes),
    bias: { repeat: anchorPrior(classes, stride) },
    kept: (channel) => {
      const field = channel % fields;
      return field < 4 ? Math.floor(channel / fields) * (ANCHOR_FIELDS + old) + field : undefined;
    },
  }));
  const { constants, replaced } = renewed(graph, layers, seed), gone = new Set(tail);
  const nodes = graph.nodes.filter((node) => !gone.has(node)).map((node) => replaced.get(node) ?? node);
  const editor = new GraphEditor(withNodes({ ...graph, constants, outputs: maps }, nodes, constants));
  const paths = levels.map(({ map }) => logitLayer(graph, map).name);
  appendAnchorTail(editor, levels.map((level, i) => ({ ...level, path: paths[i] })), output);
  return editor.finish({ outputs: [output] });
}

/**
 * The detector with class layers for so many classes: the last convolution of each level begins anew, everything before it, box layers and
 * the widths of all others stay as they are. A head with anchors has boxes, objectness and classes in one convolution: the channels of
 * boxes stay, those of objectness and classes begin anew, and outputs of bare maps go. First weights are those of a model that is built
 * with the seed.
 *
 * Throws FeatherdetError for a graph without a head that is trained, and where its class layers are rounded.
 */
export function withNewClassLayers(graph: Graph, classes: number, seed: number): Graph {
  const head = headOf(graph);
  return head.kind === "anchors"
    ? withNewAnchorMaps(graph, head, classes, seed)
    : withNewMaps(graph, head, classes, seed);
}
