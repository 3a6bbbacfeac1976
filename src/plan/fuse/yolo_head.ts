/**
 * Finds the detection head of a YOLO11 (or YOLOv8) export whose tail can be replaced by kernels.
 *
 * The tail is recognised by what it computes, not by how it is spelt: its box part is evaluated on a probe and compared with
 * the head's formula (DFL expectation, anchor points at cell centres, boxes as centre and size in input pixels).
 *
 * @module
 */

import { type GraphIndex, type Node, sizeOf } from "../../graph/mod.ts";
import { type DetectionHead, type DetectionLevel, findDetectionHead } from "../../passes/mod.ts";
import { evaluateNode, type ReferenceTensor, referenceTensor } from "../../reference/run.ts";

/** Finds the head of the graph's only output; undefined if it is no such head. */
export function findYoloHead(index: GraphIndex): DetectionHead | undefined {
  if (index.graph.outputs.length !== 1) return undefined;
  const head = findDetectionHead(index);
  if (head === undefined) return undefined;
  const { decode, joint, boxes, levels, bins } = head;
  return decodesAsExpected(index, decode, joint, boxes, levels, bins) ? head : undefined;
}

/** Different logits of the probe. */
const PHASES = 11;

/** Evaluates the box part on one-hot-like distributions and compares it with the formula at every anchor. */
function decodesAsExpected(
  index: GraphIndex,
  nodes: readonly Node[],
  joint: string,
  result: string,
  levels: readonly DetectionLevel[],
  bins: number,
): boolean {
  const shape = index.shapeOf(joint);
  const [batch, channels, anchors] = shape;
  const probe = new Float64Array(sizeOf(shape));
  // A slowly varying logit for each bin, different for the four sides and along the anchors, by its place in a short row of numbers.
  const phaseOf = (n: number, c: number, a: number) => (c * 7 + a * 3 + n) % PHASES;
  for (let n = 0, at = 0; n < batch; n++) {
    for (let c = 0; c < channels; c++) {
      let phase = phaseOf(n, c, 0);
      for (let a = 0; a < anchors; a++) {
        probe[at++] = phase * 0.2;
        phase = (phase + 3) % PHASES;
      }
    }
  }
  // Anchors of one phase have the same distances in the first image.
  const distances = Array.from({ length: PHASES }, (_, anchor) =>
    [0, 1, 2, 3].map((side) => {
      let sum = 0, weighted = 0;
      for (let bin = 0; bin < bins; bin++) {
        const weight = Math.exp(0.2 * phaseOf(0, side * bins + bin, anchor));
        sum += weight;
        weighted += weight * bin;
      }
      return weighted / sum;
    }));
  const values = new Map<string, ReferenceTensor>([[joint, { shape, data: probe }]]);
  const get = (name: string): ReferenceTensor => {
    const known = values.get(name);
    if (known) return known;
    const constant = index.constantOf(name)!;
    return referenceTensor(constant.shape, constant.data, constant.dtype);
  };
  for (const node of nodes) {
    evaluateNode(node, node.inputs.map(get)).forEach((tensor, i) => values.set(node.outputs[i], tensor));
  }
  const boxes = values.get(result)!.data;
  let first = 0;
  for (const { boxes: map, stride } of levels) {
    const [, , height, width] = index.shapeOf(map);
    for (let cell = 0; cell < height * width; cell++) {
      const anchor = first + cell;
      const [left, top, right, bottom] = distances[anchor % PHASES];
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
