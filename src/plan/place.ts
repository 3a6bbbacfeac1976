/**
 * Gives every value of a plan its memory: roots are arranged in row memory or in the plain arena by liveness, views lie within
 * their roots.
 *
 * @module
 */

import { type ElementType, FeatherdetError, type Graph, sizeOf, type TensorType } from "../graph/mod.ts";
import type { BlockedLayout, Layout, StorageForm } from "../kernels/kernel.ts";
import { arrange, pagesOf, viewOfRoot } from "./arrange.ts";
import type { BorderLayouts } from "./convert.ts";
import { leafIntervals, type Life, lifetimes } from "./lifetimes.ts";
import { allocate, type Allocation, type Interval, lowerBound } from "./memory.ts";
import { type LayoutKind, type PlanNode, readsAs, writesAs } from "./node.ts";
import type { ViewTable } from "./views.ts";

/** Where a value lies. */
export interface Placement {
  /** How it lies there. */
  readonly layout: Layout;
  /** First page (blocked) or first byte (plain). */
  readonly offset: number;
  /** Pages (blocked) or bytes (plain). */
  readonly extent: number;
}

/** What is placed besides the nodes. */
export interface PlaceContext {
  readonly graph: Graph;
  readonly types: ReadonlyMap<string, TensorType>;
  readonly views: ViewTable;
  /** Plain values that lie where another does. */
  readonly aliases: ReadonlyMap<string, string>;
  /** Tensors of row memory that lie behind each other in one piece; each in one of them at most. */
  readonly pieces?: readonly (readonly string[])[];
}

/** What placing needs to know of the target. */
export interface PlaceOptions extends BorderLayouts {
  readonly form: Pick<StorageForm, "scalar" | "storage">;
  /** Most pages an arena may have. */
  readonly maxPages: number;
  /** Most bytes of one buffer. */
  readonly maxBufferBytes?: number;
  /** Whether the host reads blocked outputs (see `PlanOptions`). */
  readonly hostUsesCells?: boolean;
}

/** The memory of a plan. */
export interface Placed {
  readonly placements: ReadonlyMap<string, Placement>;
  /** Cells in a row of the arena. */
  readonly pitch: number;
  readonly pageShift: number;
  readonly pages: number;
  /** Pages of the arena of int8 cells, of the same pitch. */
  readonly int8Pages: number;
  readonly plainBytes: number;
  /** Whether plain values lie between the pages, in the same buffer. */
  readonly plainAmongPages: boolean;
  /** Bytes of all arenas. */
  readonly bytes: number;
  /** The largest sum of values live at one node. */
  readonly lowerBound: number;
}

/** Binary logarithms of the rows of a page that are tried: small pages waste least, large ones need fewer texture layers. */
const PAGE_SHIFTS = [3, 4, 5, 6, 7];

/** Every device allows storage buffer bindings at multiples of this. */
const PLAIN_ALIGNMENT = 256;

/** Bytes of an element in row memory. */
export function scalarBytes(form: Pick<StorageForm, "scalar">, dtype: ElementType): number {
  return isInt8(dtype) ? 1 : form.scalar === "f16" ? 2 : 4;
}

/** True for the element types that have int8 cells in row memory. */
export function isInt8(dtype: ElementType): dtype is "i8" | "u8" {
  return dtype === "i8" || dtype === "u8";
}

/** A tensor that holds memory of its own: when it lives, and the channel blocks of it at which pages have to begin. */
interface Root extends Life {
  readonly name: string;
  readonly kind: LayoutKind;
  readonly boundaries: ReadonlySet<number>;
  /** Whether the host reads of it when the plan has run. */
  readonly isReturned?: boolean;
}

/**
 * The channel blocks of each root at which pages have to begin: where one node writes a part of it and reads or writes another. In a buffer
 * no two parts may be bound in one page, even to be read.
 */
function pageBoundaries(
  nodes: readonly PlanNode[],
  kinds: ReadonlyMap<string, LayoutKind>,
  { types, views }: PlaceContext,
  { form: { storage } }: PlaceOptions,
): Map<string, Set<number>> {
  const found = new Map<string, Set<number>>();
  for (const { inputs, outputs } of nodes) {
    const values = [...new Set([...inputs, ...outputs])].filter((value) => kinds.get(value) === "blocked");
    const parts = values.map((value) => {
      const { root, block } = views.resolve(value), channels = types.get(value)!.shape[1];
      return { root, first: block, end: block + Math.ceil(channels / 4), isWritten: outputs.includes(value) };
    });
    for (const [i, a] of parts.entries()) {
      for (const b of parts.slice(i + 1)) {
        if (a.root !== b.root || !(a.isWritten || b.isWritten || storage === "buffer")) continue;
        const [before, behind] = a.first <= b.first ? [a, b] : [b, a];
        if (before.end > behind.first) continue;
        const boundaries = found.get(a.root) ?? new Set();
        found.set(a.root, boundaries.add(behind.first));
      }
    }
  }
  return found;
}

function rootsOf(
  lives: ReadonlyMap<string, Life>,
  kinds: ReadonlyMap<string, LayoutKind>,
  pages: ReadonlyMap<string, ReadonlySet<number>>,
  { views, aliases }: PlaceContext,
): Root[] {
  const roots = new Map<string, Root>();
  for (const [value, life] of lives) {
    const kind = kinds.get(value)!;
    const root = kind === "blocked" ? views.resolve(value).root : aliases.get(value) ?? value;
    const known = roots.get(root), boundaries = pages.get(root) ?? new Set();
    const first = Math.min(known?.first ?? life.first, life.first);
    const last = Math.max(known?.last ?? life.last, life.last);
    roots.set(root, { name: root, kind, boundaries, first, last });
  }
  return [...roots.values()];
}

interface Arena extends Allocation {
  readonly layouts: ReadonlyMap<string, BlockedLayout>;
  readonly pageShift: number;
}

/** Tensors that lie behind each other as one interval each, and what makes places of the tensors of those of the intervals. */
function gathered(intervals: readonly Interval[], pieces: NonNullable<PlaceContext["pieces"]>) {
  const byName = new Map(intervals.map((interval) => [interval.name, interval]));
  const joint = pieces.map((names) => names.flatMap((name) => byName.get(name) ?? [])).filter(({ length }) =>
    length > 1
  );
  const inPieces = new Set(joint.flat());
  const all = joint.map((members): Interval => ({
    name: members[0].name,
    size: members.reduce((sum, { size }) => sum + size, 0),
    first: Math.min(...members.map(({ first }) => first)),
    last: Math.max(...members.map(({ last }) => last)),
  }));
  const spread = ({ offsets, size }: Allocation): Allocation => {
    const result = new Map(offsets);
    for (const members of joint) {
      let offset = offsets.get(members[0].name)!;
      for (const member of members) {
        result.set(member.name, offset);
        offset += member.size;
      }
    }
    return { offsets: result, size };
  };
  return { intervals: [...intervals.filter((interval) => !inPieces.has(interval)), ...all], spread };
}

function arenaOf(
  roots: readonly Root[],
  { types, pieces = [] }: Pick<PlaceContext, "types" | "pieces">,
  pitch: number,
  pageShift: number,
): Arena {
  const layouts = new Map<string, BlockedLayout>();
  const intervals = roots.map(({ name, boundaries, isReturned: narrow, first, last }): Interval => {
    const { shape, dtype } = types.get(name)!;
    const layout = arrange({ shape, boundaries: [...boundaries], narrow }, pitch, 1 << pageShift);
    // The bytes of a quantized value are numbers of their own here; its readers may take them for what they stand for.
    const cells = isInt8(dtype) ? { int8: { scale: 1, zero: dtype === "u8" ? -128 : 0 } } : {};
    layouts.set(name, { ...layout, ...cells });
    return { name, size: pagesOf(layout, 1 << pageShift), first, last };
  });
  const { intervals: all, spread } = gathered(intervals, pieces);
  return { ...spread(allocate(all)), layouts, pageShift };
}

/**
 * Pages and plain values in one buffer, in bytes: what lives at other times shares memory whichever of both it is. Undefined where they
 * are memory of different kinds, or one buffer may not be so large.
 */
function shareBuffer(
  arena: Arena,
  roots: readonly Root[],
  plain: readonly Interval[],
  pageBytes: number,
  { form, maxBufferBytes = Infinity }: PlaceOptions,
): Allocation | undefined {
  if (form.storage !== "buffer" || plain.length === 0 || roots.length === 0) return undefined;
  const pages = roots.map(({ name, first, last }): Interval => {
    const size = pagesOf(arena.layouts.get(name)!, 1 << arena.pageShift) * pageBytes;
    return { name, size, first, last, alignment: pageBytes };
  });
  const together = allocate([...pages, ...plain]);
  return Math.ceil(together.size / pageBytes) * pageBytes <= maxBufferBytes ? together : undefined;
}

/** Places all values. Throws FeatherdetError if an arena has no room for them. */
export function place(nodes: readonly PlanNode[], context: PlaceContext, options: PlaceOptions): Placed {
  const { graph, types, views, aliases } = context;
  const kinds = new Map<string, LayoutKind>();
  for (const { name } of graph.inputs) kinds.set(name, options.blockedInputs?.includes(name) ? "blocked" : "plain");
  for (const node of nodes) {
    for (const value of node.inputs) if (!kinds.has(value)) kinds.set(value, readsAs(node, value));
    for (const value of node.outputs) kinds.set(value, writesAs(node, value));
  }
  const lives = lifetimes(nodes, graph, options);
  // What no node writes is an alias of a plain value, a joint tensor that its parts write, or a part of one.
  for (const value of lives.keys()) if (!kinds.has(value)) kinds.set(value, aliases.has(value) ? "plain" : "blocked");
  const shared = new Set([...aliases].flat());
  for (const name of options.external ?? []) if (!shared.has(name)) lives.delete(name);
  const boundaries = pageBoundaries(nodes, kinds, context, options);
  const roots = rootsOf(lives, kinds, boundaries, context).map((root) => ({
    ...root,
    isReturned: options.hostUsesCells && root.last === nodes.length,
  }));
  const blocked = roots.filter(({ kind }) => kind === "blocked");
  // Inputs that lie elsewhere count, so that all others lie as they do beside it.
  const wide = [...blocked.map(({ name }) => name), ...options.blockedInputs ?? []];
  const widest = wide.reduce((most, name) => Math.max(most, types.get(name)!.shape[3]), 1);
  const floats = blocked.filter(({ name }) => !isInt8(types.get(name)!.dtype));
  const bytes = blocked.filter(({ name }) => isInt8(types.get(name)!.dtype));
  // Pages of a storage buffer are bound alone: they begin at multiples of 256 bytes when rows are a multiple of 4 cells, of 8 cells
  // where a cell is one word.
  const unit = bytes.length > 0 ? 8 : 4;
  const pitch = Math.ceil(widest / unit) * unit;
  let arenas: readonly [floats: Arena, bytes: Arena] | undefined;
  for (const pageShift of PAGE_SHIFTS) {
    arenas = [arenaOf(floats, context, pitch, pageShift), arenaOf(bytes, context, pitch, pageShift)];
    if (arenas.every(({ size }) => size <= options.maxPages)) break;
  }
  let [{ size: pages }] = arenas!;
  const [{ pageShift }, { size: int8Pages }] = arenas!;
  const offsets = new Map(arenas!.flatMap((arena) => [...arena.offsets]));
  const layouts = new Map(arenas!.flatMap((arena) => [...arena.layouts]));
  if (Math.max(pages, int8Pages) > options.maxPages) {
    throw new FeatherdetError(
      `activations need ${Math.max(pages, int8Pages)} pages of ${pitch} x ${
        1 << pageShift
      } cells where the adapter has ${options.maxPages}: ` +
        "use a smaller batch or input",
      { file: graph.name },
    );
  }
  const plainIntervals = roots.filter(({ kind }) => kind === "plain").map(({ name, first, last }): Interval => {
    const bytes = sizeOf(types.get(name)!.shape) * 4;
    const size = Math.ceil(bytes / PLAIN_ALIGNMENT) * PLAIN_ALIGNMENT;
    return { name, size, first, last, alignment: PLAIN_ALIGNMENT };
  });
  const pageBytes = (pitch << pageShift) * 4 * scalarBytes(options.form, "f32");
  const apart = allocate(plainIntervals);
  const together = shareBuffer(arenas![0], floats, plainIntervals, pageBytes, options);
  const isTogether = together !== undefined && together.size < pages * pageBytes + apart.size;
  const plain = isTogether ? together : apart;
  if (isTogether) {
    for (const { name } of floats) offsets.set(name, together.offsets.get(name)! / pageBytes);
    pages = Math.ceil(together.size / pageBytes);
  }

  const placements = new Map<string, Placement>();
  for (const value of new Set([...lives.keys(), ...aliases.keys(), ...aliases.values()])) {
    const { shape } = types.get(value)!;
    if (kinds.get(value) === "blocked") {
      const { root, block } = views.resolve(value);
      const { layout, page } = viewOfRoot(layouts.get(root)!, block, shape[1], 1 << pageShift);
      const offset = offsets.get(root)! + page;
      placements.set(value, { layout, offset, extent: pagesOf(layout, 1 << pageShift) });
    } else {
      const offset = plain.offsets.get(aliases.get(value) ?? value)!;
      placements.set(value, { layout: { kind: "plain", shape }, offset, extent: Math.max(4, sizeOf(shape) * 4) });
    }
  }
  const bytesOf = (value: string) => scalarBytes(options.form, types.get(value)!.dtype);
  const cells = (pitch << pageShift) * 4;
  return {
    placements,
    pitch,
    pageShift,
    pages: Math.max(1, pages),
    int8Pages,
    plainBytes: isTogether ? 0 : plain.size,
    plainAmongPages: isTogether,
    bytes: cells * (pages * scalarBytes(options.form, "f32") + int8Pages) + (isTogether ? 0 : plain.size),
    lowerBound: lowerBound(leafIntervals(lives, views, aliases, types, kinds, bytesOf)),
  };
}
