/**
 * Sums over many pixels in several dispatches: chunks of the pixels are added up at the same time, each into a copy of the result of its
 * own, and the copies then in fixed order, so that equal inputs give equal bits. Shader of the last ones: `shaders/train/sum_copies.wgsl`.
 *
 * @module
 */

import { sizeOf } from "../../graph/graph.ts";
import type { Operand } from "../context.ts";
import type { Target } from "../target.ts";
import { i32, type Kernel, type KernelBinding } from "../kernel.ts";
import { linearGroups } from "../linear.ts";
import { write } from "../operand.ts";

/** How the items of a sum are cut. */
export interface Chunks {
  /** Number of chunks. */
  readonly count: number;
  /** Items of each but the last. */
  readonly each: number;
}

/** Threads that keep an adapter busy; on software adapters they are vector lanes of a few cores. */
const THREADS: { readonly [T in Target]: number } = { software: 64, hardware: 16384 };

/** Most items of a chunk: the error of a sum grows with its length. */
const LONGEST = 512;

/** Most bytes of all copies together; that of a storage binding which every adapter allows is twice as much. */
const MOST_BYTES = 64 << 20;

/**
 * Cuts the `items` of a sum, each of them some pixels: into chunks enough to keep the adapter busy where `threads` of them work on a
 * chunk, and each no longer than exact sums allow, while the copies of a result of `size` elements find room.
 */
export function chunksOf(items: number, threads: number, size: number, target: Target): Chunks {
  const wanted = Math.max(Math.ceil(THREADS[target] / threads), Math.ceil(items / LONGEST));
  const room = Math.max(1, Math.floor(MOST_BYTES / (4 * size)));
  const each = Math.ceil(items / Math.max(1, Math.min(wanted, room, items)));
  return { count: Math.ceil(items / each), each };
}

/** Most copies that one thread adds up; more are added up in parts first, since there may be few elements. */
const MOST_COPIES = 64;

/** The dispatches that add up `count` copies of `y`. */
function sumsOf(y: Operand, copies: KernelBinding & { readonly kind: "scratch" }, count: number): Kernel[] {
  const size = sizeOf(y.shape);
  const sums = count > MOST_COPIES ? Math.ceil(count / MOST_COPIES) : 1;
  const each = Math.ceil(count / sums);
  const parts = { kind: "scratch", name: `sums of ${copies.name}`, bytes: 4 * size * sums } as const;
  return [{
    label: `sum of ${each} copies`,
    shader: "train/sum_copies.wgsl",
    constants: {},
    parameters: { size: i32(size), count: i32(count), each: i32(each), sums: i32(sums) },
    bindings: [copies, sums === 1 ? write(y) : parts],
    workgroups: linearGroups(size * sums),
  }, ...sums === 1 ? [] : sumsOf(y, parts, sums)];
}

/**
 * A dispatch whose last binding is the copies of `y` that its chunks write, followed by those that add them up; alone where there is one
 * chunk, which writes `y` itself.
 */
export function summed(y: Operand, { count }: Chunks, kernel: Kernel): Kernel[] {
  if (count === 1) return [{ ...kernel, bindings: [...kernel.bindings, write(y)] }];
  const copies = { kind: "scratch", name: "partial sums", bytes: 4 * sizeOf(y.shape) * count } as const;
  return [{ ...kernel, bindings: [...kernel.bindings, copies] }, ...sumsOf(y, copies, count)];
}
