/**
 * The planner: Graph in, Plan out. A Plan is the printable list of dispatches with the memory that each value has; nothing in it
 * depends on a device but the limits it was made for.
 *
 * @module
 */

import { FeatherdetError, type Graph, inferTypes, sizeOf, type TensorType, withNodes } from "../graph/mod.ts";
import type { Operand } from "../kernels/context.ts";
import { type BlockedLayout, type Kernel, type Layout, type StorageForm } from "../kernels/kernel.ts";
import { arrange, pageOfBlock, pagesOf, viewLayout } from "./arrange.ts";
import { foldBatchNormalization } from "./fuse/batch_norm.ts";
import { recogniseActivations } from "./fuse/activations.ts";
import { refoldWideConvolutions } from "./fuse/wide_conv.ts";
import { foldConstants } from "./fuse/constants.ts";
import { COMPOSITES } from "./fuse/composites.ts";
import { applyViews } from "./apply_views.ts";
import { type BorderLayouts, convert } from "./convert.ts";
import { leafIntervals, type Life, lifetimes, orderNodes } from "./lifetimes.ts";
import type { Target } from "../kernels/conv_tile.ts";
import { lower, type Tiling } from "./lower.ts";
import type { Tuning } from "./tuning.ts";
import { allocate, type Interval, lowerBound } from "./memory.ts";
import type { LayoutKind } from "./node.ts";
export { outputValue } from "./convert.ts";

/** What a plan is made for. */
export interface PlanOptions extends BorderLayouts {
  readonly form: Omit<StorageForm, "pageShift">;
  /** Most pages an arena may have (array layers of a texture). */
  readonly maxPages: number;
  /** Tiles found by measurement; where they lack an entry, the cost model chooses. */
  readonly tuning?: Tuning;
  /** What the cost model assumes. Default `software`. */
  readonly target?: Target;
}

/** Where a value lies. */
export interface Placement {
  readonly layout: Layout;
  /** First page (blocked) or first byte (plain). */
  readonly offset: number;
  /** Pages (blocked) or bytes (plain). */
  readonly extent: number;
}

/** One dispatch of a plan. */
export interface Step {
  readonly name: string;
  readonly operator: string;
  readonly kernel: Kernel;
  readonly macs: number;
}

/** Bytes of activation memory. */
export interface MemoryReport {
  /** What the plan allocates. */
  readonly planned: number;
  /** One buffer for every value that the unfused graph makes. */
  readonly naive: number;
  /** The largest sum of values that are live at one step: no plan can take less. */
  readonly lowerBound: number;
}

/** A graph made ready to run. */
export interface Plan {
  readonly graph: Graph;
  readonly form: StorageForm;
  /** Cells in a row of the arena. */
  readonly pitch: number;
  readonly pages: number;
  readonly plainBytes: number;
  readonly steps: readonly Step[];
  readonly placements: ReadonlyMap<string, Placement>;
  readonly types: ReadonlyMap<string, TensorType>;
  readonly memory: MemoryReport;
  /** Shapes of the convolutions that have a tile to choose (see `convKey`). */
  readonly convolutions: ReadonlySet<string>;
}

const PAGE_SHIFT = 3;
/** Every device allows storage buffer bindings at multiples of this. */
const PLAIN_ALIGNMENT = 256;

/** Passes from graph to graph, in order. */
const GRAPH_PASSES = [foldConstants, foldBatchNormalization, recogniseActivations, refoldWideConvolutions];

/** Makes a plan. Throws FeatherdetError where an operator has no kernel for its shapes or a tensor is too large. */
export function buildPlan(source: Graph, options: PlanOptions): Plan {
  const graph = GRAPH_PASSES.reduce((result, pass) => pass(result), withNodes(source, source.nodes));
  const types = new Map(inferTypes(graph));
  const composites = COMPOSITES.flatMap((find) => find({ graph, types }));
  const claimed = new Set(composites.flatMap(({ nodes }) => nodes));
  const convolutions = new Set<string>();
  const tiling: Tiling = { tuning: options.tuning, target: options.target ?? "software", seen: convolutions };
  const lowered = [...lower({ graph, types }, claimed, tiling), ...composites.map(({ node }) => node)];
  const ordered = orderNodes(lowered, graph);
  const { nodes, views, aliases } = applyViews(convert(ordered, graph, types, options), graph, types);

  const scalarBytes = options.form.scalar === "f16" ? 2 : 4;
  const kinds = new Map<string, LayoutKind>();
  for (const { name } of graph.inputs) kinds.set(name, options.blockedInputs?.includes(name) ? "blocked" : "plain");
  for (const node of nodes) {
    for (const value of node.inputs) if (!kinds.has(value)) kinds.set(value, node.reads);
    for (const value of node.outputs) kinds.set(value, node.writes);
  }
  const lives = lifetimes(nodes, graph, options);
  const rootLives = new Map<string, Life>();
  const boundaries = new Map<string, Set<number>>();
  const rootOf = (value: string) =>
    kinds.get(value) === "blocked" ? views.resolve(value).root : aliases.get(value) ?? value;
  for (const [value, life] of lives) {
    const root = rootOf(value);
    const known = rootLives.get(root);
    rootLives.set(
      root,
      known ? { first: Math.min(known.first, life.first), last: Math.max(known.last, life.last) } : { ...life },
    );
    if (kinds.get(value) !== "blocked") continue;
    kinds.set(root, "blocked");
    if (!boundaries.has(root)) boundaries.set(root, new Set());
    const { block } = views.resolve(value);
    boundaries.get(root)!.add(block).add(block + Math.ceil(types.get(value)!.shape[1] / 4));
  }

  const blockedRoots = [...rootLives].filter(([root]) => kinds.get(root) === "blocked");
  const widest = blockedRoots.reduce((most, [root]) => Math.max(most, types.get(root)!.shape[3]), 1);
  const pageRows = 1 << PAGE_SHIFT;
  const layouts = new Map<string, BlockedLayout>();
  const arrangement = (pitch: number) => {
    const intervals = blockedRoots.map(([root, life]): Interval => {
      const layout = arrange(
        { shape: types.get(root)!.shape, boundaries: [...boundaries.get(root)!] },
        pitch,
        pageRows,
      );
      layouts.set(root, layout);
      return { name: root, size: pagesOf(layout, pageRows), ...life };
    });
    return allocate(intervals);
  };
  // Pages of a storage buffer are bound alone: they begin at multiples of 256 bytes when rows are a multiple of 4 cells.
  const pitch = Math.ceil(widest / 4) * 4;
  const blockedMemory = arrangement(pitch);
  if (blockedMemory.size > options.maxPages) {
    throw new FeatherdetError(
      `activations need ${blockedMemory.size} pages of ${pitch} x ${pageRows} cells, the adapter has ${options.maxPages}: use a smaller batch or input`,
      { file: graph.name },
    );
  }
  const plainIntervals = [...rootLives].filter(([root]) => kinds.get(root) === "plain").map((
    [root, life],
  ): Interval => ({
    name: root,
    size: Math.ceil(sizeOf(types.get(root)!.shape) * 4 / PLAIN_ALIGNMENT) * PLAIN_ALIGNMENT,
    ...life,
  }));
  const plainMemory = allocate(plainIntervals);

  const placements = new Map<string, Placement>();
  for (const value of new Set([...lives.keys(), ...aliases.keys(), ...aliases.values()])) {
    if (kinds.get(value) === "blocked") {
      const { root, block } = views.resolve(value);
      const layout = viewLayout(layouts.get(root)!, types.get(value)!.shape[1]);
      const offset = blockedMemory.offsets.get(root)! + pageOfBlock(layouts.get(root)!, block, pageRows);
      placements.set(value, { layout, offset, extent: pagesOf(layout, pageRows) });
    } else {
      const { shape } = types.get(value)!;
      const offset = plainMemory.offsets.get(rootOf(value))!;
      placements.set(value, { layout: { kind: "plain", shape }, offset, extent: Math.max(4, sizeOf(shape) * 4) });
    }
  }

  const operand = (value: string): Operand => {
    const constant = graph.constants.get(value);
    const { shape } = types.get(value)!;
    return { value, shape, layout: placements.get(value)?.layout ?? { kind: "plain", shape }, constant };
  };
  const steps = nodes.flatMap((node): Step[] => {
    const kernels = node.kernels({ operand, pitch });
    return kernels.map((kernel, i) => ({
      name: node.name,
      operator: node.operator,
      kernel,
      macs: i === 0 ? node.macs : 0,
    }));
  });

  const memory: MemoryReport = {
    planned: blockedMemory.size * pageRows * pitch * 4 * scalarBytes + plainMemory.size,
    naive: [...inferTypes(source)].filter(([name]) => !source.constants.has(name))
      .reduce((sum, [, { shape }]) => sum + sizeOf(shape) * scalarBytes, 0),
    lowerBound: lowerBound(leafIntervals(lives, views, aliases, types, kinds, scalarBytes)),
  };
  return {
    graph,
    form: { ...options.form, pageShift: PAGE_SHIFT },
    pitch,
    pages: Math.max(1, blockedMemory.size),
    plainBytes: plainMemory.size,
    steps,
    placements,
    types,
    memory,
    convolutions,
  };
}
