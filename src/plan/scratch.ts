/**
 * Places scratch memory: what the dispatches of one node hand to each other lives from the first of them that names it to the last, and
 * shares its bytes with all that lives at other times.
 *
 * @module
 */

import type { KernelBinding } from "../kernels/kernel.ts";
import { allocate, type Interval } from "./memory.ts";
import type { Dispatch } from "./plan.ts";

/** Nodes whose scratch has places. */
export interface PlacedDispatches {
  readonly dispatches: readonly Dispatch[];
  /** Bytes of the scratch memory that holds them all. */
  readonly scratchBytes: number;
}

/** Every device allows storage buffer bindings at multiples of this. */
const ALIGNMENT = 256;

type Scratch = KernelBinding & { readonly kind: "scratch" };

/** Scratch of the nodes, by node and name: bytes and the dispatches between which it lives. */
function lives(nodes: readonly (readonly Dispatch[])[]): Map<string, Interval> {
  const found = new Map<string, Interval>();
  let dispatch = 0;
  nodes.forEach((dispatches, node) => {
    for (const { kernel } of dispatches) {
      for (const binding of kernel.bindings) {
        if (binding.kind !== "scratch") continue;
        const name = nameOf(node, binding);
        const { size = 0, first = dispatch } = found.get(name) ?? {};
        const bytes = Math.ceil(binding.bytes / ALIGNMENT) * ALIGNMENT;
        found.set(name, { name, size: Math.max(size, bytes), first, last: dispatch });
      }
      dispatch++;
    }
  });
  return found;
}

const nameOf = (node: number, { name }: Scratch) => `${node}#${name}`;

/** Gives the scratch of dispatches its places; those of one node come as one list. */
export function placeScratch(nodes: readonly (readonly Dispatch[])[]): PlacedDispatches {
  const { offsets, size } = allocate([...lives(nodes).values()]);
  const dispatches = nodes.flatMap((dispatches, node) =>
    dispatches.map((dispatch): Dispatch => {
      if (!dispatch.kernel.bindings.some(({ kind }) => kind === "scratch")) return dispatch;
      const bindings = dispatch.kernel.bindings.map((binding): KernelBinding =>
        binding.kind === "scratch" ? { ...binding, offset: offsets.get(nameOf(node, binding))! } : binding
      );
      return { ...dispatch, kernel: { ...dispatch.kernel, bindings } };
    })
  );
  return { dispatches, scratchBytes: size };
}
