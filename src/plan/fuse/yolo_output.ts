/**
 * Replaces the exported tail of a YOLO11 by kernels that decode straight from the head's maps.
 *
 * @module
 */

import { yoloOutput } from "../../kernels/detect/mod.ts";
import type { GraphIndex, Shape } from "../../graph/mod.ts";
import { converted } from "../convert.ts";
import type { PlanNode } from "../node.ts";
import type { Composite } from "./composites.ts";
import { findYoloHead } from "./yolo_head.ts";

/** The anchors as the pixels of a map: no wider than the head's own, which arenas have room for, and otherwise as wide as can be. */
function mapOf([batch, rows, anchors]: Shape, widest: number): Shape {
  let width = Math.min(widest, anchors);
  while (anchors % width !== 0) width--;
  return [batch, rows, anchors / width, width];
}

/** The tail of the graph as one composite, if it is one. */
export function findYoloOutput(index: GraphIndex): Composite[] {
  const head = findYoloHead(index);
  if (head === undefined) return [];
  const inputs = head.levels.flatMap(({ boxes, classes }) => [boxes, classes]);
  const writing = (output: string) => ({
    name: head.tail.at(-1)!.name,
    operator: "YoloOutput",
    inputs,
    outputs: [output],
    reads: "blocked",
    macs: 0,
    kernels: ({ operand, pitch }) =>
      yoloOutput({
        levels: head.levels.map(({ boxes, classes, stride }) => ({
          boxes: operand(boxes),
          classes: operand(classes),
          stride,
        })),
        output: operand(output),
        pitch,
      }),
  } as const satisfies Omit<PlanNode, "writes">);
  const shape = mapOf(index.shapeOf(head.output), Math.max(...inputs.map((map) => index.shapeOf(map)[3])));
  const node: PlanNode = { ...writing(converted(head.output, "blocked")), writes: "blocked" };
  return [{ nodes: head.tail, node: { ...writing(head.output), writes: "plain", inCells: { node, shape } } }];
}
