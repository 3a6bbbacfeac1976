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
 * Places a Concat in the tensor that holds some of its parts already, each where the Concat has it: the others are written over what is
 * no longer needed of it, as when one half of a Split is worked on and joined to the other half again. Returns false, and does nothing,
 * where that is not so; `nodes` are all nodes in their order, `kept` the values that have to be left as they are.
 */
export function placeConcatOver(
  views: ViewTable,
  { inputs: parts, outputs: [output] }: Pick<PlanNode, "inputs" | "outputs">,
  types: ReadonlyMap<string, TensorType>,
  nodes: readonly PlanNode[],
  kept: ReadonlySet<string>,
): boolean {
  const blocks = (value: string) => Math.ceil(types.get(value)!.shape[1] / 4);
  let block = 0;
  const placed = parts.map((value) => {
    const part = { value, block, end: block + blocks(value) };
    block = part.end;
    return part;
  });
  const held = placed.filter(({ value }) => views.has(value)), others = placed.filter(({ value }) => !views.has(value));
  if (held.length === 0 || others.length === 0 || new Set(parts).size < parts.length || views.has(output)) return false;
  const { root } = views.resolve(held[0].value);
  const isHeld = held.every(({ value, block }) => {
    const place = views.resolve(value);
    return place.root === root && place.block === block;
  });
  if (!isHeld || root === output || blocks(root) !== block || types.get(root)!.dtype !== types.get(output)!.dtype) {
    return false;
  }
  const overlaps = (value: string, part: { readonly block: number; readonly end: number }) => {
    const place = views.resolve(value);
    return place.root === root && place.block < part.end && part.block < place.block + blocks(value);
  };
  const isFree = others.every((part) => {
    const writer = nodes.findIndex(({ outputs }) => outputs.includes(part.value));
    const isNeeded = [...kept].some((value) => value === part.value || types.has(value) && overlaps(value, part));
    const isRead = nodes.some((node, at) =>
      at >= writer && node.view !== "split" && node.outputs[0] !== output &&
      node.inputs.some((value) => overlaps(value, part))
    );
    return writer >= 0 && !isNeeded && !isRead;
  });
  if (!isFree) return false;
  views.set(output, root, 0);
  for (const { value, block } of others) views.set(value, root, block);
  return true;
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
