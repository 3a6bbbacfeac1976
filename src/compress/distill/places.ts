/**
 * Where the values are that a student learns from its teacher, found in either by structure.
 *
 * @module
 */

import { FeatherdetError, type Graph, GraphIndex, type Pair } from "../../graph/mod.ts";
import { type DetectionHead, findDetectionHead } from "../../passes/mod.ts";

/** Values of one detector. */
export interface DistilPlaces {
  /** Class logits of all levels, `[N, classes, anchors]`. */
  readonly logits: string;
  /** Logits of the distances left, top, right, bottom of all levels, `[N, 4 * bins, anchors]`. */
  readonly distributions: string;
  /** Height and width of each level's maps, in the order of the anchors. */
  readonly sizes: readonly Pair[];
  /** How many classes it knows. */
  readonly classes: number;
  /** Bins of each distance's distribution. */
  readonly bins: number;
  /** The maps that enter the head, one a level: what both of its branches read. */
  readonly features: readonly string[];
}

/** Values that a value is made of, itself among them. */
function ancestors(index: GraphIndex, value: string): Set<string> {
  const found = new Set<string>(), open = [value];
  while (open.length > 0) {
    const name = open.pop()!;
    if (found.has(name)) continue;
    found.add(name);
    open.push(...index.producerOf(name)?.inputs ?? []);
  }
  return found;
}

/** The map behind which the branches of a level part: the last of those that both are made of. */
function mapBefore(index: GraphIndex, { boxes, classes }: DetectionHead["levels"][number]): string | undefined {
  const other = ancestors(index, classes);
  const size = index.shapeOf(boxes).slice(2).join();
  const common = [...ancestors(index, boxes)].filter((name) => {
    const { shape, dtype } = index.types.get(name)!;
    return other.has(name) && dtype === "f32" && shape.length === 4 && shape.slice(2).join() === size;
  });
  const made = new Set(common);
  return index.graph.nodes.flatMap(({ outputs }) => outputs).findLast((name) => made.has(name));
}

/**
 * The values of the detector that makes the graph's first output.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { yolo11 } from "../../models/yolo11.ts";
 * import { distilPlaces } from "./places.ts";
 * const { features, sizes } = distilPlaces(yolo11({ width: 0.0625, size: 64 }));
 * assert.deepEqual(features, ["model.16.cv2.act", "model.19.cv2.act", "model.22.cv2.act"]);
 * assert.deepEqual(sizes, [[8, 8], [4, 4], [2, 2]]);
 * ```
 *
 * Throws FeatherdetError for a model without a head of YOLO11, such as an image classifier.
 */
export function distilPlaces(graph: Graph): DistilPlaces {
  const index = GraphIndex.of(graph), head = findDetectionHead(index);
  if (head === undefined) {
    const outputs = graph.outputs.map((name) => `"${name}" [${index.types.get(name)?.shape.join(",") ?? "?"}]`);
    throw new FeatherdetError(
      `has no head of a YOLO11 to learn from or to teach, its outputs are ${outputs.join(", ")}`,
      { file: graph.name },
    );
  }
  const { logits, joint, classes, bins, levels } = head;
  const features = levels.map((level) => {
    const found = mapBefore(index, level);
    if (found !== undefined) return found;
    throw new FeatherdetError(`"${level.boxes}" and "${level.classes}" of its head share no map`, { file: graph.name });
  });
  const sizes = levels.map(({ boxes }): Pair => [index.shapeOf(boxes)[2], index.shapeOf(boxes)[3]]);
  return { logits, distributions: joint, sizes, classes, bins, features };
}
