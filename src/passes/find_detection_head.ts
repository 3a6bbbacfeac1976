/**
 * Finds the detection head of a YOLO11 (or YOLOv8) by its structure: the maps of box distributions and class logits, level by level,
 * that its tail flattens, joins and decodes into `[N, 4 + classes, anchors]`.
 *
 * Names do not matter, and how the boxes are decoded is not looked at: who replaces the tail compares what it computes first.
 *
 * @module
 */

import type { Graph } from "../graph/graph.ts";
import type { GraphIndex } from "../graph/graph_index.ts";
import type { Node } from "../graph/operators.ts";

/** One level of the pyramid. */
export interface DetectionLevel {
  /** Value `[N, 4 * bins, h, w]`: distributions of the distances left, top, right, bottom, in strides. */
  readonly boxes: string;
  /** Value `[N, classes, h, w]`: logits. */
  readonly classes: string;
  /** Input pixels from one anchor to the next. */
  readonly stride: number;
}

/** A head and the nodes of its tail. */
export interface DetectionHead {
  /** Boxes are distances with distributions. */
  readonly kind: "distributions";
  /** Values that the tail decodes, level by level. */
  readonly maps: readonly string[];
  /** In the order of the anchors. */
  readonly levels: readonly DetectionLevel[];
  readonly classes: number;
  readonly bins: number;
  /** The output that the tail makes. */
  readonly output: string;
  /** The box logits of all levels, joined: `[N, 4 * bins, anchors]`. */
  readonly joint: string;
  /** The class logits of all levels, joined: `[N, classes, anchors]`. */
  readonly logits: string;
  /** What is decoded from them: `[N, 4, anchors]`. */
  readonly boxes: string;
  /** Nodes between the two, in order. */
  readonly decode: readonly Node[];
  /** All nodes of the tail, in order. */
  readonly tail: readonly Node[];
}

/** Metadata key of a part of a graph: the shape of the whole graph's first input, by which strides are told. */
export const CUT_FROM = "cut_from";

/** The shape of the pictures that a graph, or the graph that it was cut from, takes. */
export function pictureShape({ metadata, inputs }: Graph): readonly number[] | undefined {
  return Object.hasOwn(metadata, CUT_FROM) ? metadata[CUT_FROM].split(",").map(Number) : inputs[0]?.shape;
}

/** Most nodes of a decode: more is something else. */
const MOST_NODES = 64;

/** The head that makes an output of a graph, the first unless another is named; undefined if none does. */
export function findDetectionHead(
  index: GraphIndex,
  output: string = index.graph.outputs[0],
): DetectionHead | undefined {
  const shapeOf = (value: string) => index.shapeOf(value);
  const last = index.producerOf(output);
  const input = pictureShape(index.graph);
  if (last?.op !== "Concat" || last.attributes.axis !== 1 || last.inputs.length !== 2) return undefined;
  if (shapeOf(output).length !== 3 || shapeOf(last.inputs[0])[1] !== 4 || input?.length !== 4) return undefined;

  /** The maps behind a Concat over levels, with the nodes that flatten them. */
  const levelsOf = (value: string): { maps: string[]; nodes: Node[] } | undefined => {
    const concat = index.producerOf(value);
    if (concat?.op !== "Concat" || concat.attributes.axis !== 2) return undefined;
    const flat = concat.inputs.map((name) => index.producerOf(name));
    if (flat.some((node) => node?.op !== "Reshape" || shapeOf(node.inputs[0]).length !== 4)) return undefined;
    return { maps: flat.map((node) => node!.inputs[0]), nodes: [...flat as Node[], concat] };
  };

  const sigmoid = index.producerOf(last.inputs[1]);
  const classPart = sigmoid?.op === "Sigmoid" ? levelsOf(sigmoid.inputs[0]) : undefined;
  if (!classPart) return undefined;

  const decode: Node[] = [];
  const seen = new Set<Node>();
  let boxPart: ReturnType<typeof levelsOf>;
  const walk = (value: string): boolean => {
    const node = index.producerOf(value);
    if (node === undefined) return index.isConstant(value);
    if (seen.has(node)) return true;
    const levels = levelsOf(value);
    if (levels) {
      boxPart = levels;
      return true;
    }
    seen.add(node);
    if (!node.inputs.every(walk)) return false;
    decode.push(node);
    return decode.length < MOST_NODES;
  };
  if (!walk(last.inputs[0]) || boxPart === undefined || boxPart.maps.length !== classPart.maps.length) return undefined;

  const classes = shapeOf(last.inputs[1])[1];
  const bins = shapeOf(boxPart.maps[0])[1] / 4;
  const levels: DetectionLevel[] = [];
  for (let i = 0; i < boxPart.maps.length; i++) {
    const [, , height, width] = shapeOf(boxPart.maps[i]);
    const stride = input[2] / height;
    const fits = input[3] / width === stride && shapeOf(classPart.maps[i])[2] === height &&
      shapeOf(classPart.maps[i])[3] === width;
    if (!fits || shapeOf(boxPart.maps[i])[1] !== 4 * bins || shapeOf(classPart.maps[i])[1] !== classes) {
      return undefined;
    }
    levels.push({ boxes: boxPart.maps[i], classes: classPart.maps[i], stride });
  }
  if (!Number.isInteger(bins) || bins < 2) return undefined;
  return {
    kind: "distributions",
    maps: levels.flatMap(({ boxes, classes }) => [boxes, classes]),
    levels,
    classes,
    bins,
    output,
    joint: boxPart.nodes.at(-1)!.outputs[0],
    logits: sigmoid!.inputs[0],
    boxes: last.inputs[0],
    decode,
    tail: [...boxPart.nodes, ...decode, ...classPart.nodes, sigmoid!, last],
  };
}
