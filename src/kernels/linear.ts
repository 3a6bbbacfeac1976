/**
 * Dispatches of threads numbered in one line; the counterpart of `shaders/lib/linear.wgsl` and `shaders/lib/strip.wgsl`.
 *
 * @module
 */

import { type BlockedLayout, blocksOf } from "./kernel.ts";

/** Most workgroups that one axis of a dispatch holds. */
const MOST = 65535;

/** Threads of a workgroup unless the kernel says otherwise. */
export const WORKGROUP = 64;

/** Pixels of a strip unless the kernel says otherwise. */
export const STRIP = 4;

/** A grid of at least `groups` workgroups; shaders see to it that the few beyond do no harm. */
export function groupGrid(groups: number): [number, number, number] {
  const rows = Math.max(1, Math.ceil(groups / MOST));
  return [Math.max(1, Math.ceil(groups / rows)), rows, 1];
}

/** Workgroups for a number of threads. */
export function linearGroups(threads: number, workgroup = WORKGROUP): [number, number, number] {
  return groupGrid(Math.ceil(threads / workgroup));
}

/** Threads of a tensor of row memory, one a strip. */
export function stripsOf(layout: BlockedLayout, strip = STRIP): number {
  return Math.ceil(layout.width / strip) * layout.height * blocksOf(layout) * layout.batch;
}
