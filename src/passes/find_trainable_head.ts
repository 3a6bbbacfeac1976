/**
 * Finds the detection head of a graph of any kind whose loss is known: its maps can be trained.
 *
 * @module
 */

import type { GraphIndex } from "../graph/graph_index.ts";
import { type AnchorHead, findAnchorHead } from "./find_anchor_head.ts";
import { type DetectionHead, findDetectionHead } from "./find_detection_head.ts";

/** A head that can be trained, told apart by `kind`. */
export type TrainableHead = DetectionHead | AnchorHead;

/** The head that makes the first output of a graph; undefined if it is of no kind that is trained. */
export function findTrainableHead(index: GraphIndex): TrainableHead | undefined {
  return findDetectionHead(index) ?? findAnchorHead(index);
}
