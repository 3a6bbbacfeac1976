/**
 * Which axes of two shapes of the same size hold the same elements.
 *
 * @module
 */

import type { Shape } from "../graph.ts";

/** Neighbouring axes of two shapes that hold the same elements. */
export interface AxisBlock {
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/** The smallest blocks of axes that a Reshape between two shapes of the same size works on. */
export function axisBlocks(from: Shape, to: Shape): AxisBlock[] {
  const blocks: AxisBlock[] = [];
  let i = 0, j = 0;
  while (i < from.length || j < to.length) {
    const [a, b]: [number[], number[]] = [[], []];
    let left = 1, right = 1;
    const takeFrom = () => {
      a.push(i);
      left *= from[i++];
    };
    const takeTo = () => {
      b.push(j);
      right *= to[j++];
    };
    if (i < from.length) takeFrom();
    if (j < to.length) takeTo();
    while (left !== right) left < right ? takeFrom() : takeTo();
    blocks.push({ from: a, to: b });
  }
  return blocks;
}
