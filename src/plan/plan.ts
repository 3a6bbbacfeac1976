/**
 * The planner: Graph in, Plan out. A Plan is the printable list of dispatches with the memory that each value has; nothing in it
 * depends on a device but the limits it was made for.
 *
 * @module
 */

import { type Graph, GraphIndex, inferTypes, sizeOf, type TensorType, withNodes } from "../graph/mod.ts";
import { foldBatchNormalization, foldShapeCounts, recogniseActivations } from "../passes/mod.ts";
import type { Operand } from "../kernels/context.ts";
import type { Kernel, StorageForm } from "../kernels/kernel.ts";
import { convolveBeforeResize } from "./fuse/early_conv.ts";
import { refoldWideConvolutions } from "./fuse/wide_conv.ts";
import { copyConstantOutputs } from "./fuse/constant_outputs.ts";
import { foldConstants, foldDequantized } from "./fuse/constants.ts";
import { findComposites } from "./fuse/composites.ts";
import { moveBytes } from "./fuse/int8/moves.ts";
import { convolveProducts } from "./fuse/int8/products.ts";
import { lowerIntegerProducts } from "./fuse/integer_products.ts";
import type { BorderLayouts } from "./convert.ts";
import { inputElsewhere } from "./input_elsewhere.ts";
import { layOut } from "./lay_out.ts";
import { orderNodes } from "./lifetimes.ts";
import type { Target } from "../kernels/target.ts";
import type { KernelChoice } from "./choose_kernels.ts";
import { shareJoined } from "../kernels/join.ts";
import { type JoinedNodes, joinNodes } from "./join.ts";
import { lower } from "./lower.ts";
import type { KernelMaker, PlanNode } from "./node.ts";
import { placeScratch } from "./scratch.ts";
import { layoutApart } from "./sketch.ts";
import type { Tuning } from "./tuning.ts";
import { place, type Placement, scalarBytes } from "./place.ts";
export { outputValue } from "./convert.ts";
export type { Placement } from "./place.ts";

/** What a plan is made for: a form of storage, limits of the device, tuning. */
export interface PlanOptions extends BorderLayouts {
  /** How activations are stored. */
  readonly form: Omit<StorageForm, "pageShift">;
  /** Most pages an arena may have (array layers of a texture). */
  readonly maxPages: number;
  /** Most bytes of one buffer; no limit unless given. */
  readonly maxBufferBytes?: number;
  /** Kernels found by measurement. Estimated costs choose the others. */
  readonly tuning?: Tuning;
  /** Kind of adapter that estimates assume. Default `software`. */
  readonly target?: Target;
  /** Whether packed dot products of bytes passed the device's check; false unless given. */
  readonly packedDot?: boolean;
  /** Whether weights of convolutions stay in floats even if one, two or four bits would hold them; false unless given. */
  readonly floatWeights?: boolean;
  /** Whether products of convolutions may be computed in f16, of which the device has arithmetic; false unless given. */
  readonly halfProducts?: boolean;
  /**
   * Whether kernels that compile quickly come before those that run quickly, for a first run: of all nodes, or of those whose weights are
   * `trained` alone; false unless given.
   */
  readonly light?: boolean | "trained";
  /** Gives every node dispatches of its own; by default nodes that do not need each other share one where their kernels are the same. */
  readonly separate?: boolean;
  /**
   * Whether the host puts inputs where the plan has them and takes outputs from there, in row memory too (`engine/upload.ts`,
   * `engine/download.ts`). Inputs that nodes read there alone then have no plain copy, nor have outputs that nodes leave there. Only where
   * activations are textures of f32, which share no memory with plain values; false unless given.
   */
  readonly hostUsesCells?: boolean;
  /**
   * Whether the first dispatch, which alone reads an input in row memory, is to read something else in its place; asked of its kernel. That
   * input has no memory then, and nothing competes for the node.
   */
  readonly readsElsewhere?: (kernel: Kernel, input: string) => boolean;
  /** Greatest number of storage textures that a dispatch may bind, if activations are textures; 4 by default, as on every adapter. */
  readonly maxStorageTextures?: number;
}

/** One dispatch of a plan. */
export interface Dispatch {
  /** Name of the graph node. */
  readonly name: string;
  /** Operators it computes, such as `Conv+Silu`. */
  readonly operator: string;
  /** The dispatch. */
  readonly kernel: Kernel;
  /** Multiply-accumulates. */
  readonly macs: number;
}

/** Bytes of activation memory. */
export interface MemoryReport {
  /** What the plan allocates. */
  readonly planned: number;
  /** With one buffer for every value of the unfused graph. */
  readonly naive: number;
  /** The largest sum of values that are live at one dispatch: no plan can take less. */
  readonly lowerBound: number;
  /** Scratch memory, which is not among the others. */
  readonly scratch: number;
}

/** One way to compute a node for which kernels compete (see `kernels/candidate.ts`). */
export interface PlannedOption {
  /** Name of the kernel among its operator's candidates. */
  readonly kernel: string;
  /** Name of its variant. */
  readonly variant: string;
  /** Estimated cost: comparable with those of the other options. */
  readonly cost: number;
  /** Estimates may not choose it, only measuring. */
  readonly measured: boolean;
  /** Makes the node's dispatches, on the memory of the plan. */
  readonly dispatches: () => Dispatch[];
}

/** A node for which kernels compete. */
export interface PlannedContest {
  /** What tuning records call it. */
  readonly key: string;
  /** A hash of what competes; measurements of another revision say nothing. */
  readonly revision: string;
  /** All that competes. */
  readonly options: readonly PlannedOption[];
  /** What the plan has. */
  readonly chosen: PlannedOption;
  /** Nodes of the plan that are equal work. */
  readonly count: number;
}

/** A graph made ready to run. */
export interface Plan {
  /** The graph after the passes. */
  readonly graph: Graph;
  /** How activations are stored. */
  readonly form: StorageForm;
  /** Cells in a row of the arena. */
  readonly pitch: number;
  /** Pages of the arena. */
  readonly pages: number;
  /** Pages of the arena of int8 cells, which has the same pitch. */
  readonly int8Pages: number;
  /** Bytes of the arena of plain values. */
  readonly plainBytes: number;
  /** Whether plain values lie between the pages instead, in the same buffer: their offsets count from its beginning. */
  readonly plainAmongPages: boolean;
  /** Bytes of the memory in which the dispatches of one node hand numbers to each other. */
  readonly scratchBytes: number;
  /** Outputs that the host finds in row memory, as their own names or the converted ones say (`outputValue`). */
  readonly outputsInCells: readonly string[];
  /** Dispatches, in order. */
  readonly dispatches: readonly Dispatch[];
  /** Memory of each value. */
  readonly placements: ReadonlyMap<string, Placement>;
  /** Type of each value. */
  readonly types: ReadonlyMap<string, TensorType>;
  /** Bytes of activation memory, beside those without planning. */
  readonly memory: MemoryReport;
  /** Nodes for which several kernels compete, by the keys of their contests; of those with one key the first. */
  readonly contests: ReadonlyMap<string, PlannedContest>;
}

/** Memory that dispatches of several nodes may take, by what it would be if each had its own. */
const MOST_MEMORY = 4 / 3;

/** Passes from graph to graph, in order. */
const GRAPH_PASSES = [
  lowerIntegerProducts,
  foldShapeCounts,
  foldConstants,
  foldBatchNormalization,
  recogniseActivations,
  refoldWideConvolutions,
  convolveBeforeResize,
  convolveProducts,
  moveBytes,
  foldDequantized,
  copyConstantOutputs,
];

/** The nodes without the DequantizeLinears whose floats nobody reads, since their readers take them along. */
function withoutUnread(nodes: readonly PlanNode[], graph: Graph): PlanNode[] {
  const read = new Set([...graph.outputs, ...nodes.flatMap(({ inputs }) => inputs)]);
  return nodes.filter(({ operator, outputs }) => operator !== "DequantizeLinear" || read.has(outputs[0]));
}

/** The dispatches of a node. */
function describeDispatches(node: PlanNode, maker: KernelMaker): Dispatch[] {
  const kernels = node.kernels(maker);
  // Packing weights comes before the kernel that computes.
  const packs = ({ bindings }: Kernel) => bindings.some((one) => one.kind === "packed" && one.access === "write");
  const computes = kernels.findIndex((kernel) => !packs(kernel));
  return kernels.map((kernel, i) => ({
    name: node.name,
    operator: node.operator,
    kernel,
    macs: i === computes ? node.macs : 0,
  }));
}

/** The contest for a node as others may look at it. */
function plannedContest(node: PlanNode, { contest, option: won }: KernelChoice, maker: KernelMaker): PlannedContest {
  const options = contest.options.map((option): PlannedOption => {
    const { kernel, variant, cost, measured } = option;
    return { kernel, variant, cost, measured, dispatches: () => describeDispatches(node, { ...maker, option }) };
  });
  const { key, revision } = contest;
  return { key, revision, options, chosen: options[contest.options.indexOf(won)], count: 1 };
}

/** Makes a plan. Throws FeatherdetError if an operator has no kernel for its shapes or a tensor is too large. */
export function buildPlan(source: Graph, options: PlanOptions): Plan {
  const graph = GRAPH_PASSES.reduce((result, pass) => pass(result), withNodes(source, source.nodes));
  const index = GraphIndex.of(graph);
  const target = options.target ?? "software";
  const composites = findComposites(index, target);
  // Every adapter binds eight storage buffers, which is more than any kernel asks for.
  const maxTensors = options.form.storage === "texture" ? options.maxStorageTextures ?? 4 : 8;
  const { tuning, packedDot = false, floatWeights = false, halfProducts = false, light = false } = options;
  const lowered = withoutUnread([
    ...lower(index, composites, {
      tuning,
      target: { adapter: target, packedDot, floatWeights, halfProducts, light },
      maxTensors,
    }),
    ...composites.map(({ node }) => node),
  ], graph);
  const ordered = orderNodes(lowered, graph);
  const unplaced = (known: ReadonlyMap<string, TensorType>) => (value: string): Operand => {
    const { shape, dtype } = known.get(value)!;
    return { value, shape, dtype, layout: { kind: "plain", shape }, constant: graph.constants.get(value) };
  };
  const away = inputElsewhere(ordered, graph, index.types, { operand: unplaced(index.types), pitch: 0 }, options);
  const external = [...options.external ?? [], ...away === undefined ? [] : [away]];
  const laid = layOut(ordered, graph, index.types, { ...options, external });
  const { nodes: alone, context, placed: separate, outputsInCells } = laid, { types } = context;
  const unplacedOperand = unplaced(types);
  const placeJoined = ({ nodes, pieces }: JoinedNodes) => place(nodes, { ...context, pieces }, laid.options);
  // A plan that stores no input may join as much as one that does.
  const awayBytes = away === undefined
    ? 0
    : 4 * sizeOf(types.get(away)!.shape.with(1, 1)) * scalarBytes(options.form, "f32");
  const joined = options.separate ? { nodes: alone, pieces: [] } : joinNodes(alone, {
    ...context,
    maker: { operand: unplacedOperand, pitch: 0 },
    fits: (some) => placeJoined(some).bytes <= MOST_MEMORY * (separate.bytes + awayBytes),
  });
  const { nodes } = joined, placed = nodes === alone ? separate : placeJoined(joined);
  const { pitch } = placed, placements = new Map(placed.placements);
  if (away !== undefined) {
    placements.set(away, { layout: layoutApart(types.get(away)!, "blocked"), offset: 0, extent: 0 });
  }
  const form = { ...options.form, pageShift: placed.pageShift };

  const operand = (value: string): Operand => {
    const known = unplacedOperand(value);
    return { ...known, layout: placements.get(value)?.layout ?? known.layout };
  };
  const maker: KernelMaker = { operand, pitch, memory: { form, placements } };
  const contests = new Map<string, PlannedContest>();
  for (const node of alone) {
    if (!node.choice || away !== undefined && node.inputs.includes(away)) continue;
    const { key } = node.choice.contest, known = contests.get(key);
    contests.set(key, known ? { ...known, count: known.count + 1 } : plannedContest(node, node.choice, maker));
  }
  const scratched = placeScratch(nodes.map((node) => describeDispatches(node, maker))), { scratchBytes } = scratched;
  const shared = shareJoined(scratched.dispatches.map(({ kernel }) => kernel), { form, placements });
  const dispatches = scratched.dispatches.map((dispatch, i): Dispatch => ({ ...dispatch, kernel: shared[i] }));
  const naive = [...inferTypes(source)].filter(([name]) => !source.constants.has(name))
    .reduce((sum, [, { shape, dtype }]) => sum + sizeOf(shape) * scalarBytes(options.form, dtype), 0);
  return {
    graph,
    form,
    pitch,
    pages: placed.pages,
    int8Pages: placed.int8Pages,
    plainBytes: placed.plainBytes,
    plainAmongPages: placed.plainAmongPages,
    outputsInCells,
    dispatches,
    scratchBytes,
    placements,
    types,
    memory: { planned: placed.bytes, naive, lowerBound: placed.lowerBound, scratch: scratchBytes },
    contests,
  };
}
