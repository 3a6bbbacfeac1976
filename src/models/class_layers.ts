/**
 * Other classes for a detector: new last layers in the place of those that make its class logits.
 *
 * @module
 */

import { type Constant, FeatherdetError, type Graph, GraphIndex, type Node, withNodes } from "../graph/mod.ts";
import { type DetectionHead, findDetectionHead } from "../passes/mod.ts";
import { classPrior } from "./heads/yolo11.ts";
import { initialised } from "./initialise.ts";

/** The head of a detector as its structure shows it. Throws FeatherdetError for another graph. */
export function headOf(graph: Graph): DetectionHead {
  const head = findDetectionHead(GraphIndex.of(graph));
  if (head) return head;
  throw new FeatherdetError(
    `"${graph.name}" cannot be trained: its output is not made of boxes and classes as a YOLO11's is`,
  );
}

/** The layer that makes the class logits of a level. Throws FeatherdetError where it is none with weights of its own. */
function logitLayer(graph: Graph, maker: Node | undefined, value: string): Node<"Conv"> {
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

/**
 * The detector with class layers for so many classes: the last convolution of each level begins anew, everything before it, box layers and
 * the widths of all others stay as they are. First weights are those of a model that is built with the seed.
 *
 * Throws FeatherdetError for a graph without the head of a YOLO11, and where its class layers are rounded.
 */
export function withNewClassLayers(graph: Graph, classes: number, seed: number): Graph {
  const { levels } = headOf(graph), index = GraphIndex.of(graph);
  const constants = new Map(graph.constants);
  const replaced = new Map<Node, Node>();
  const define = (name: string, constant: Constant): string => {
    constants.set(name, constant);
    return name;
  };
  for (const { classes: value, stride } of levels) {
    const layer = logitLayer(graph, index.producerOf(value), value);
    const [x, weight, bias = `${layer.name}.bias`] = layer.inputs;
    const shape = [classes, ...graph.constants.get(weight)!.shape.slice(1)];
    const inputs = [
      x,
      define(weight, initialised({ name: weight, shape, rule: "uniformFanIn", seed })),
      define(bias, initialised({ name: bias, shape: [classes], rule: classPrior(classes, stride), seed })),
    ];
    replaced.set(layer, { ...layer, inputs });
    for (const node of index.readersOf(value)) {
      // The tail flattens each map by a shape that counts its channels.
      if (node.op !== "Reshape") continue;
      const [batch, , ...rest] = node.attributes.shape;
      replaced.set(node, { ...node, attributes: { ...node.attributes, shape: [batch, classes, ...rest] } });
    }
  }
  return withNodes({ ...graph, constants }, graph.nodes.map((node) => replaced.get(node) ?? node), constants);
}
