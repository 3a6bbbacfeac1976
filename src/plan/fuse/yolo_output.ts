/**
 * Replaces the exported tail of a YOLO11 by kernels that decode straight from the head's maps.
 *
 * @module
 */

import { yoloOutput } from "../../kernels/detect/mod.ts";
import type { GraphIndex } from "../../graph/mod.ts";
import type { Composite } from "./composites.ts";
import { findYoloHead } from "./yolo_head.ts";

/** The tail of the graph as one composite, if it is one. */
export function findYoloOutput(index: GraphIndex): Composite[] {
  const head = findYoloHead(index);
  if (head === undefined) return [];
  const inputs = head.levels.flatMap(({ boxes, classes }) => [boxes, classes]);
  return [{
    nodes: head.tail,
    node: {
      name: head.tail.at(-1)!.name,
      operator: "YoloOutput",
      inputs,
      outputs: [head.output],
      reads: "blocked",
      writes: "plain",
      macs: 0,
      kernels: ({ operand, pitch }) =>
        yoloOutput({
          levels: head.levels.map(({ boxes, classes, stride }) => ({
            boxes: operand(boxes),
            classes: operand(classes),
            stride,
          })),
          output: operand(head.output),
          pitch,
        }),
    },
  }];
}
