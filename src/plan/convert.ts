/**
 * Makes layouts meet: inserts conversions between row memory and plain buffers where a node reads what another wrote differently.
 *
 * @module
 */

import type { Graph, TensorType } from "../graph/mod.ts";
import type { Layout } from "../kernels/kernel.ts";
import { toBlocked, toPlain } from "../kernels/layout.ts";
import { type LayoutKind, type PlanNode, readsAs, writesAs } from "./node.ts";

/** Values that cross the border of the plan in row memory instead of as plain buffers. */
export interface BorderLayouts {
  /** Inputs that arrive in row memory, written there by an earlier dispatch. */
  readonly blockedInputs?: readonly string[];
  /** Outputs that are left in row memory for a later dispatch. */
  readonly blockedOutputs?: readonly string[];
  /**
   * Inputs and outputs that lie elsewhere: plain ones in buffers of the caller, who hands them to the program by name. The plan still places
   * such a value if another value shares its memory; it has to be copied then.
   */
  readonly external?: readonly string[];
}

/** Value that holds `value` in the other layout. */
export const converted = (value: string, kind: LayoutKind) => `${value}#${kind}`;

/** Inputs in floats that some node reads, and every one in row memory. */
export function readInCells(nodes: readonly PlanNode[], graph: Graph): string[] {
  return graph.inputs.filter(({ name, dtype }) => {
    const readers = nodes.filter(({ inputs }) => inputs.includes(name));
    return dtype === "f32" && readers.length > 0 && readers.every((node) => readsAs(node, name) === "blocked");
  }).map(({ name }) => name);
}

/** Nodes that leave outputs of the graph in row memory. */
export interface LeftInCells {
  readonly nodes: readonly PlanNode[];
  readonly outputs: readonly string[];
  /** All types, with those of the values that outputs are in row memory. */
  readonly types: ReadonlyMap<string, TensorType>;
}

/** Outputs in floats that nodes leave in row memory, or can; inputs among them where they arrive there. */
export function leaveInCells(
  nodes: readonly PlanNode[],
  graph: Graph,
  types: ReadonlyMap<string, TensorType>,
  blockedInputs: readonly string[],
): LeftInCells {
  const outputs: string[] = [], all = new Map(types), others = new Map<PlanNode, PlanNode>();
  for (const output of graph.outputs.filter((name) => types.get(name)!.dtype === "f32")) {
    const writer = nodes.find((node) => node.outputs.includes(output));
    const isThere = writer ? writesAs(writer, output) === "blocked" : blockedInputs.includes(output);
    const isRead = nodes.some(({ inputs }) => inputs.includes(output));
    if (isThere) outputs.push(output);
    if (isThere || isRead || writer?.inCells === undefined) continue;
    const { node, shape } = writer.inCells;
    outputs.push(output);
    others.set(writer, node);
    all.set(converted(output, "blocked"), { ...types.get(output)!, shape });
  }
  return { nodes: nodes.map((node) => others.get(node) ?? node), outputs, types: all };
}

/** Makes layouts meet: adds conversions between nodes, and before and after the graph. */
export function convert(
  nodes: PlanNode[],
  graph: Graph,
  types: Map<string, TensorType>,
  options: BorderLayouts,
): PlanNode[] {
  const kinds = new Map<string, LayoutKind>();
  const result: PlanNode[] = [];
  for (const { name } of graph.inputs) kinds.set(name, options.blockedInputs?.includes(name) ? "blocked" : "plain");
  const inLayout = (value: string, kind: LayoutKind): string => {
    if (kinds.get(value) === kind) return value;
    const name = converted(value, kind);
    if (!kinds.has(name)) {
      types.set(name, types.get(value)!);
      kinds.set(name, kind);
      result.push({
        name,
        operator: kind === "blocked" ? "ToBlocked" : "ToPlain",
        inputs: [value],
        outputs: [name],
        reads: kind === "blocked" ? "plain" : "blocked",
        writes: kind,
        macs: 0,
        kernels: (
          { operand, pitch },
        ) => [(kind === "blocked" ? toBlocked : toPlain)(operand(value), operand(name), pitch)],
      });
    }
    return name;
  };
  for (const node of nodes) {
    const renamed = new Map(node.inputs.map((value) => [value, inLayout(value, readsAs(node, value))] as const));
    for (const value of node.outputs) kinds.set(value, writesAs(node, value));
    const inputs = node.inputs.map((value) => renamed.get(value)!);
    const kernels: PlanNode["kernels"] = (maker) =>
      node.kernels({ ...maker, operand: (value) => maker.operand(renamed.get(value) ?? value) });
    const layouts = node.layouts &&
      new Map([...node.layouts].map(([value, kind]) => [renamed.get(value) ?? value, kind]));
    result.push({ ...node, inputs, kernels, layouts });
  }
  for (const output of graph.outputs) inLayout(output, options.blockedOutputs?.includes(output) ? "blocked" : "plain");
  return result;
}

/** Name under which an output of the graph is found in the plan's placements. */
export function outputValue(
  plan: { readonly placements: ReadonlyMap<string, { readonly layout: Layout }> },
  output: string,
  kind: LayoutKind = "plain",
): string {
  return plan.placements.get(output)?.layout.kind === kind ? output : converted(output, kind);
}
