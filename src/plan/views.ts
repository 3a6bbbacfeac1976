/**
 * Views: which blocked values are channel ranges of others, so that Concat and Split move nothing.
 *
 * A value's parent holds it at an offset in channel blocks. Producers of a Concat's parts write their range of the joint tensor;
 * readers of a Split's outputs read their range of the input.
 *
 * @module
 */

import type { TensorType } from "../graph/mod.ts";
import type { PlanNode } from "./node.ts";

/** Place of a view within its root. */
export interface Place {
  readonly root: string;
  /** First channel block of the view within the root. */
  readonly block: number;
}

/** Blocked values and the tensors that hold them. */
export class ViewTable {
  readonly #parents = new Map<string, { value: string; block: number }>();

  /** Declares `value` to be the blocks of `parent` from `block` on. */
  set(value: string, parent: string, block: number): void {
    this.#parents.set(value, { value: parent, block });
  }

  /** True where the value lies in another. */
  has(value: string): boolean {
    return this.#parents.has(value);
  }

  /** The outermost tensor that holds the value, and where. */
  resolve(value: string): Place {
    let block = 0;
    for (let parent = this.#parents.get(value); parent; parent = this.#parents.get(value)) {
      block += parent.block;
      value = parent.value;
    }
    return { root: value, block };
  }
}

/** Places a Split (or channel Slice): each output becomes a range of the input. */
export function placeSplit(views: ViewTable, node: PlanNode, offsets: readonly number[]): void {
  node.outputs.forEach((output, i) => views.set(output, node.inputs[0], offsets[i] / 4));
}

/**
 * Places a Concat on channels: each part that is free becomes a range of the output. Returns the indices of the parts that are
 * not free (they lie in another tensor already, come twice, or are graph inputs) and have to be copied.
 */
export function placeConcat(
  views: ViewTable,
  node: PlanNode,
  types: ReadonlyMap<string, TensorType>,
  fixed: ReadonlySet<string>,
): number[] {
  const [output] = node.outputs;
  const channels = (value: string) => types.get(value)!.shape[1];
  const offsets: number[] = [];
  node.inputs.reduce((sum, part) => (offsets.push(sum), sum + channels(part)), 0);
  const copies: number[] = [];
  const seen = new Set<string>();
  for (let i = 0; i < node.inputs.length; i++) {
    const part = node.inputs[i];
    if (fixed.has(part) || seen.has(part)) {
      copies.push(i);
    } else if (!views.has(part)) {
      views.set(part, output, offsets[i] / 4);
    } else {
      // Consecutive parts that together are a whole tensor (the halves of a Split) take that tensor along.
      const { root } = views.resolve(part);
      let end = i, covered = 0;
      while (end < node.inputs.length) {
        const place = views.resolve(node.inputs[end]);
        if (place.root !== root || place.block * 4 !== covered) break;
        covered += channels(node.inputs[end++]);
      }
      if (covered === types.get(root)!.shape[1] && root !== output && !fixed.has(root)) {
        views.set(root, output, offsets[i] / 4);
        for (; i < end; i++) seen.add(node.inputs[i]);
        i = end - 1;
      } else {
        copies.push(i);
      }
    }
    seen.add(part);
  }
  return copies;
}
