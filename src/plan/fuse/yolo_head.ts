/**
 * Finds the detection head of a YOLO11 (or YOLOv8) export: the maps of box distributions and class logits, level by level, that
 * the exported tail turns into `[N, 4 + classes, anchors]`.
 *
 * The tail is recognised by what it computes, not by how it is spelt: its box part is evaluated on a probe and compared with
 * the head's formula (DFL expectation, anchor points at cell centres, boxes as centre and size in input pixels).
 *
 * @module
 */

import { type Node, producers, sizeOf } from "../../graph/mod.ts";
import { evaluateNode, type ReferenceTensor, referenceTensor } from "../../reference/run.ts";
import type { TypedGraph } from "../node.ts";

/** One level of the pyramid. */
export interface HeadLevel {
  /** Value `[N, 4 * bins, h, w]`: distributions of the distances left, top, right, bottom, in cells. */
  readonly boxes: string;
  /** Value `[N, classes, h, w]`: logits. */
  readonly classes: string;
  /** Input pixels a cell. */
  readonly stride: number;
}

/** A recognised head. */
export interface YoloHead {
  readonly levels: readonly HeadLevel[];
  readonly classes: number;
  readonly bins: number;
  /** The graph output that the tail makes. */
  readonly output: string;
  /** Nodes of the tail, in order. */
  readonly tail: readonly Node[];
}

/** Finds the head of the graph's only output; undefined where it is no such head. */
export function findYoloHead({ graph, types }: TypedGraph): YoloHead | undefined {
  const makers = producers(graph);
  const [output] = graph.outputs;
  const shapeOf = (value: string) => types.get(value)!.shape;
  const last = makers.get(output);
  const input = graph.inputs[0]?.shape;
  if (graph.outputs.length !== 1 || last?.op !== "Concat" || last.attributes.axis !== 1 || last.inputs.length !== 2) {
    return undefined;
  }
  if (shapeOf(output).length !== 3 || shapeOf(last.inputs[0])[1] !== 4 || input?.length !== 4) return undefined;

  /** The maps behind a Concat over levels, with the nodes that flatten them. */
  const levelsOf = (value: string): { maps: string[]; nodes: Node[] } | undefined => {
    const concat = makers.get(value);
    if (concat?.op !== "Concat" || concat.attributes.axis !== 2) return undefined;
    const flat = concat.inputs.map((name) => makers.get(name));
    if (flat.some((node) => node?.op !== "Reshape" || shapeOf(node.inputs[0]).length !== 4)) return undefined;
    return { maps: flat.map((node) => node!.inputs[0]), nodes: [...flat as Node[], concat] };
  };

  const sigmoid = makers.get(last.inputs[1]);
  const classPart = sigmoid?.op === "Sigmoid" ? levelsOf(sigmoid.inputs[0]) : undefined;
  if (!classPart) return undefined;

  const decode: Node[] = [];
  const seen = new Set<Node>();
  let boxPart: ReturnType<typeof levelsOf>;
  const walk = (value: string): boolean => {
    const node = makers.get(value);
    if (node === undefined) return graph.constants.has(value);
    if (seen.has(node)) return true;
    const levels = levelsOf(value);
    if (levels) {
      boxPart = levels;
      return true;
    }
    seen.add(node);
    if (!node.inputs.every(walk)) return false;
    decode.push(node);
    return decode.length < 64;
  };
  if (!walk(last.inputs[0]) || boxPart === undefined || boxPart.maps.length !== classPart.maps.length) return undefined;

  const classes = shapeOf(last.inputs[1])[1];
  const bins = shapeOf(boxPart.maps[0])[1] / 4;
  const levels: HeadLevel[] = [];
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
  const joint = boxPart.nodes.at(-1)!.outputs[0];
  if (
    !Number.isInteger(bins) || bins < 2 ||
    !decodesAsExpected({ graph, types }, decode, joint, last.inputs[0], levels, bins)
  ) return undefined;
  return { levels, classes, bins, output, tail: [...boxPart.nodes, ...decode, ...classPart.nodes, sigmoid!, last] };
}

/** Evaluates the box part on one-hot-like distributions and compares it with the formula at every anchor. */
function decodesAsExpected(
  { graph, types }: TypedGraph,
  nodes: readonly Node[],
  joint: string,
  result: string,
  levels: readonly HeadLevel[],
  bins: number,
): boolean {
  const { shape } = types.get(joint)!;
  const [batch, channels, anchors] = shape;
  const probe = new Float64Array(sizeOf(shape));
  // A slowly varying logit for each bin, different for the four sides and along the anchors.
  for (let n = 0; n < batch; n++) {
    for (let c = 0; c < channels; c++) {
      for (let a = 0; a < anchors; a++) probe[(n * channels + c) * anchors + a] = ((c * 7 + a * 3 + n) % 11) * 0.2;
    }
  }
  const values = new Map<string, ReferenceTensor>([[joint, { shape, data: probe }]]);
  const get = (name: string): ReferenceTensor => {
    const known = values.get(name);
    if (known) return known;
    const constant = graph.constants.get(name)!;
    return referenceTensor(constant.shape, constant.data, constant.dtype);
  };
  for (const node of nodes) {
    evaluateNode(node, node.inputs.map(get)).forEach((tensor, i) => values.set(node.outputs[i], tensor));
  }
  const boxes = values.get(result)!.data;
  let first = 0;
  for (const { boxes: map, stride } of levels) {
    const [, , height, width] = types.get(map)!.shape;
    for (let cell = 0; cell < height * width; cell++) {
      const anchor = first + cell;
      const distance = (side: number): number => {
        let sum = 0, weighted = 0;
        for (let bin = 0; bin < bins; bin++) {
          const weight = Math.exp(probe[(side * bins + bin) * anchors + anchor]);
          sum += weight;
          weighted += weight * bin;
        }
        return weighted / sum;
      };
      const [left, top, right, bottom] = [0, 1, 2, 3].map(distance);
      const x = cell % width + 0.5, y = Math.floor(cell / width) + 0.5;
      const expected = [x + (right - left) / 2, y + (bottom - top) / 2, left + right, top + bottom];
      for (let k = 0; k < 4; k++) {
        if (Math.abs(boxes[k * anchors + anchor] - expected[k] * stride) > 1e-3 * stride) return false;
      }
    }
    first += height * width;
  }
  return first === anchors;
}
