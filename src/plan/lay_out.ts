/**
 * Lowered nodes with their memory: layouts meet, what moves no data is a view, and what crosses the border of the plan lies as the host
 * takes it.
 *
 * @module
 */

import { readRowBytes } from "../gpu/read_range.ts";
import { FeatherdetError, type Graph, sizeOf, type TensorType } from "../graph/mod.ts";
import { type Layout, rowsOf } from "../kernels/kernel.ts";
import { applyViews } from "./apply_views.ts";
import { cellsAcross } from "./arrange.ts";
import { type BorderLayouts, convert, leaveInCells, outputValue, readInCells } from "./convert.ts";
import type { PlanNode } from "./node.ts";
import { place, type PlaceContext, type Placed, type PlaceOptions } from "./place.ts";
import { separateReads } from "./separate_reads.ts";

/** Nodes with memory, as if each had dispatches of its own. */
export interface LaidOut {
  readonly nodes: readonly PlanNode[];
  readonly context: PlaceContext & { readonly types: Map<string, TensorType> };
  readonly placed: Placed;
  /** What was placed with, and may be placed with again. */
  readonly options: PlaceOptions;
  /** Outputs that the host finds in row memory. */
  readonly outputsInCells: readonly string[];
}

/** Bytes that come back of a value which the host reads: rows of cells, whole, or the numbers as they are. */
export function returnedSize(layout: Layout): number {
  return layout.kind === "plain" ? 4 * sizeOf(layout.shape) : rowsOf(layout) * readRowBytes(cellsAcross(layout));
}

function laidOut(
  nodes: readonly PlanNode[],
  graph: Graph,
  given: ReadonlyMap<string, TensorType>,
  options: PlaceOptions,
  outputsInCells: readonly string[],
): LaidOut {
  const types = new Map(given);
  const { nodes: viewed, views, aliases } = applyViews(convert([...nodes], graph, types, options), graph, types);
  const alone = options.form.storage === "buffer" ? separateReads(viewed, views, types) : viewed;
  const context = { graph, types, views, aliases };
  return { nodes: alone, context, placed: place(alone, context, options), options, outputsInCells };
}

/** Bytes of activations and of one run's results on their way back. */
function bytesOf({ placed, context: { graph }, outputsInCells }: LaidOut): number {
  const back = graph.outputs.map((output) => {
    const kind = outputsInCells.includes(output) ? "blocked" : "plain";
    return returnedSize(placed.placements.get(outputValue(placed, output, kind))!.layout);
  });
  return back.reduce((sum, bytes) => sum + bytes, placed.bytes);
}

/**
 * Lays out nodes in their order. Where the host uses cells and activations are textures of f32, inputs that nodes read in row memory alone
 * have no plain copy, and neither have outputs that are left there, if that takes fewer bytes. Throws FeatherdetError if there is no room.
 */
export function layOut(
  nodes: readonly PlanNode[],
  graph: Graph,
  types: ReadonlyMap<string, TensorType>,
  options: PlaceOptions,
): LaidOut {
  const { form: { storage, scalar }, hostUsesCells = false } = options;
  if (!hostUsesCells || storage !== "texture" || scalar !== "f32") return laidOut(nodes, graph, types, options, []);
  const blockedInputs = readInCells(nodes, graph);
  const usual = () => laidOut(nodes, graph, types, { ...options, blockedInputs }, []);
  const left = leaveInCells(nodes, graph, types, blockedInputs);
  if (left.outputs.length === 0) return usual();
  const border: BorderLayouts = { blockedInputs, blockedOutputs: left.outputs };
  try {
    const inCells = laidOut(left.nodes, graph, left.types, { ...options, ...border }, left.outputs);
    const plain = usual();
    return bytesOf(inCells) < bytesOf(plain) ? inCells : plain;
  } catch (error) {
    // All outputs together may be too many pages where copies of them are not.
    if (error instanceof FeatherdetError) return usual();
    throw error;
  }
}
