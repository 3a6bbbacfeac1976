/**
 * ONNX operators that choose elements by their numbers.
 *
 * @module
 */

import type { OnnxOperator } from "../draft.ts";
import { draft } from "../draft.ts";
import { DraftList } from "../draft_list.ts";

/** k as an attribute before operator set 10, as an input since. Results that need not be sorted are sorted all the same. */
export const topK: OnnxOperator = (node) => {
  const axis = node.axis(node.int("axis", -1), node.shape(0).length);
  const k = node.opset < 10 ? node.int("k", 0) : node.scalar(1, "k", NaN);
  const largest = node.opset < 11 || node.int("largest", 1) !== 0;
  if (node.opset >= 11) node.ignore("sorted");
  const outputs = ["values", "places"].map((what, index) => node.outputs[index] || node.freshValue(what));
  return draft(node, "TopK", { axis, k, largest }, { outputs });
};

/** The place of the greatest element along an axis, or of the least; of equal ones the first. */
export function argExtreme(largest: boolean): OnnxOperator {
  return (node) => {
    const shape = node.shape(0), axis = node.axis(node.int("axis", 0), shape.length);
    if (node.int("select_last_index", 0) !== 0) node.fail("select_last_index is not supported");
    const keepDims = node.int("keepdims", 1) !== 0;
    const list = new DraftList(node);
    const places = node.freshValue("places");
    const chosen = draft(node, "TopK", { axis, k: 1, largest }, { outputs: [node.freshValue("values"), places] });
    list.take(...chosen);
    const kept = shape.map((extent, at) => at === axis ? 1 : extent);
    list.add("Reshape", [places], { shape: keepDims ? kept : kept.filter((_, at) => at !== axis) });
    return list.finish();
  };
}

/** Places along one axis; whole numbers that are known at import, or that TopK and others compute. */
export const gatherElements: OnnxOperator = (node) => {
  const axis = node.axis(node.int("axis", 0), node.shape(0).length);
  const places = node.tensor(1);
  const extent = node.shape(0)[axis];
  const outside = places && Array.from(places.data).find((place) => !(place >= -extent && place < extent));
  if (outside !== undefined) node.fail(`place ${outside} is outside axis ${axis} of [${node.shape(0).join(",")}]`);
  return draft(node, "GatherElements", { axis }, { inputs: node.operands(2, 2) });
};
