/**
 * ONNX operators that move blocks of pixels to channels and back.
 *
 * @module
 */

import type { OnnxOperator } from "../draft.ts";
import { DraftList } from "../draft_list.ts";
import type { NodeReader } from "../reader.ts";

function image(node: NodeReader): { extents: readonly number[]; size: number } {
  const extents = node.shape(0), size = node.int("blocksize", 0);
  if (extents.length !== 4 || size < 1) node.fail(`cannot regroup [${extents.join(",")}] by blocks of ${size}`);
  return { extents, size };
}

/** Reshape, Transpose and Reshape. */
function regroup(node: NodeReader, apart: readonly number[], perm: readonly number[], together: readonly number[]) {
  const list = new DraftList(node);
  const split = list.add("Reshape", [node.input(0)], { shape: apart });
  list.add("Reshape", [list.add("Transpose", [split], { perm })], { shape: together });
  return list.finish();
}

/** Channels to pixels; `DCR` counts the place in the block before the channel, `CRD` behind. */
export const depthToSpace: OnnxOperator = (node) => {
  const { extents: [n, c, h, w], size } = image(node);
  const channels = c / size ** 2;
  if (!Number.isInteger(channels)) node.fail(`${c} channels do not make blocks of ${size}x${size}`);
  const mode = node.string("mode", "DCR");
  const together = [n, channels, h * size, w * size];
  if (mode === "DCR") return regroup(node, [n, size, size, channels, h, w], [0, 3, 4, 1, 5, 2], together);
  if (mode !== "CRD") node.fail(`mode "${mode}" is not known`);
  return regroup(node, [n, channels, size, size, h, w], [0, 1, 4, 2, 5, 3], together);
};

/** Pixels to channels, by default the place in the block before the channel. */
export const spaceToDepth: OnnxOperator = (node) => {
  const { extents: [n, c, h, w], size } = image(node);
  if (h % size !== 0 || w % size !== 0) node.fail(`${h}x${w} pixels do not make blocks of ${size}x${size}`);
  const apart = [n, c, h / size, size, w / size, size], together = [n, c * size ** 2, h / size, w / size];
  const mode = node.string("mode", "DCR");
  if (mode === "DCR") return regroup(node, apart, [0, 3, 5, 1, 2, 4], together);
  if (mode !== "CRD") node.fail(`mode "${mode}" is not known`);
  return regroup(node, apart, [0, 1, 3, 5, 2, 4], together);
};
