/**
 * Turns graph nodes into plan nodes: decides the layout of each and fuses activations and residual additions into the
 * convolution before them.
 *
 * @module
 */

import { consumers, FeatherdetError, type Node, type Operator, sizeOf } from "../graph/mod.ts";
import { macsOf } from "../graph/analyze.ts";
import { type Activation, activationOf, NO_ACTIVATION } from "../kernels/activation.ts";
import type { Epilogue, KernelContext, OperandTypes, OperatorKernels } from "../kernels/context.ts";
import type { Target } from "../kernels/conv_tile.ts";
import type { ConvTile } from "../kernels/conv_direct.ts";
import { KERNELS } from "../kernels/table.ts";
import { WIDEST } from "./fuse/wide_conv.ts";
import type { PlanNode, TypedGraph } from "./node.ts";
import { convKey, type Tuning } from "./tuning.ts";

/** How tiles of convolutions are chosen. */
export interface Tiling {
  readonly tuning?: Tuning;
  readonly target: Target;
  /** Collects the convolutions that have a tile to choose. */
  readonly seen: Set<string>;
}

/** What follows a convolution and is computed with it. */
interface Fused {
  activation: Activation;
  residual?: { value: string; activateLast: boolean };
  /** All nodes, in order; the last one's output is what is stored. */
  nodes: Node[];
}

function kernelsOf(node: Node): OperatorKernels<Operator> {
  return KERNELS[node.op] as unknown as OperatorKernels<Operator>;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((extent, i) => extent === b[i]);
}

/** Lowers the nodes of a graph that no composite has claimed. */
export function lower({ graph, types }: TypedGraph, claimed: ReadonlySet<Node>, tiling: Tiling): PlanNode[] {
  const readers = consumers(graph);
  const absorbed = new Set<Node>();
  const isConstant = (name: string) => graph.constants.has(name);

  /** The only reader of a value that nobody else needs. */
  const soleReader = (value: string): Node | undefined => {
    const list = readers.get(value)!;
    if (list.length !== 1 || graph.outputs.includes(value) || claimed.has(list[0])) return undefined;
    if (absorbed.has(list[0])) return undefined;
    return list[0].inputs.filter((name) => name === value).length === 1 ? list[0] : undefined;
  };

  const fuse = (conv: Node): Fused => {
    const fused: Fused = { activation: NO_ACTIVATION, nodes: [conv] };
    const absorbActivation = () => {
      const next = soleReader(fused.nodes.at(-1)!.outputs[0]);
      const activation = next && activationOf(next);
      // Spare channels hold zero before the activation and must stay finite after it.
      if (!next || !activation || activation.name === "Log") return false;
      fused.activation = activation;
      fused.nodes.push(next);
      return true;
    };
    const before = absorbActivation();
    const value = fused.nodes.at(-1)!.outputs[0];
    const add = soleReader(value);
    if (add?.op === "Add") {
      const other = add.inputs[0] === value ? add.inputs[1] : add.inputs[0];
      // A convolution that is added to its own input would bind that input twice.
      if (
        !isConstant(other) && other !== conv.inputs[0] && sameShape(types.get(other)!.shape, types.get(value)!.shape)
      ) {
        fused.nodes.push(add);
        fused.residual = { value: other, activateLast: false };
        if (!before && absorbActivation()) fused.residual.activateLast = true;
      }
    }
    return fused;
  };

  const fusedAt = new Map<Node, Fused>();
  for (const node of graph.nodes) {
    if (node.op !== "Conv" || claimed.has(node) || absorbed.has(node)) continue;
    const fused = fuse(node);
    // The step stands where its last node stood, since a residual may be made after the convolution's input.
    for (const part of fused.nodes) absorbed.add(part);
    fusedAt.set(fused.nodes.at(-1)!, fused);
  }

  const kinds = new Map<string, "blocked" | "plain">();
  const operandTypes = (node: Node): OperandTypes => ({
    inputs: node.inputs.map((name) => ({ ...types.get(name)!, constant: graph.constants.get(name) })),
    outputs: node.outputs.map((name) => types.get(name)!),
  });
  const fits = (name: string) => types.get(name)!.shape.length === 4 && types.get(name)!.shape[3] <= WIDEST;

  const choose = (node: Node, values: readonly string[]): "blocked" | "plain" => {
    const { blocked, plain } = kernelsOf(node);
    const possible = blocked !== undefined && values.every(fits) && blocked.applies(node, operandTypes(node));
    if (!possible) {
      if (plain === undefined) {
        const shapes = node.inputs.map((name) => `[${types.get(name)!.shape}]`).join(", ");
        throw new FeatherdetError(`no kernel for inputs ${shapes}`, { node: node.name, operator: node.op });
      }
      return "plain";
    }
    if (plain === undefined || node.op === "Conv" || node.op === "ConvTranspose") return "blocked";
    // What can be computed either way follows its inputs, so that a chain is not converted back and forth.
    const inputs = node.inputs.filter((name) => !isConstant(name));
    return inputs.some((name) => kinds.get(name) === "blocked") ? "blocked" : "plain";
  };

  const tileFor = (node: Node<"Conv">, residual: boolean): ConvTile | undefined => {
    const [x, weight] = node.inputs.map((name) => types.get(name)!.shape);
    if (node.attributes.groups !== 1) return undefined;
    const key = convKey(x, weight, node.attributes, residual);
    tiling.seen.add(key);
    return tiling.tuning?.tiles[key];
  };

  const result: PlanNode[] = [];
  for (const last of graph.nodes) {
    if (claimed.has(last)) continue;
    const fused = fusedAt.get(last);
    if (!fused && absorbed.has(last)) continue;
    const node = fused?.nodes[0] ?? last;
    const residual = fused?.residual;
    const inputs = [
      ...new Set([...node.inputs.filter((name) => !isConstant(name)), ...residual ? [residual.value] : []]),
    ];
    const layout = choose(node, [...inputs, ...node.outputs]);
    const outputs = last.outputs;
    for (const name of outputs) kinds.set(name, layout);
    const view = viewOf(node, layout, types, isConstant);
    result.push({
      name: node.name,
      operator: (fused?.nodes ?? [node]).map(({ op }) => op).join("+"),
      inputs,
      outputs,
      reads: layout,
      writes: layout,
      macs: macsOf(node, node.inputs.map((name) => types.get(name)!.shape), types.get(node.outputs[0])!.shape),
      view,
      kernels: ({ operand, pitch }) => {
        const epilogue: Epilogue = {
          activation: fused?.activation ?? NO_ACTIVATION,
          residual: residual && { operand: operand(residual.value), activateLast: residual.activateLast },
        };
        const context: KernelContext = {
          node,
          inputs: node.inputs.map(operand),
          outputs: outputs.map(operand),
          epilogue,
          pitch,
          target: tiling.target,
          tile: node.op === "Conv" ? tileFor(node, residual !== undefined) : undefined,
        };
        return kernelsOf(node)[layout]!.kernels(context);
      },
    });
  }
  return result;
}

/** How a node can be done without moving data, if it can. */
function viewOf(
  node: Node,
  layout: "blocked" | "plain",
  types: TypedGraph["types"],
  isConstant: (name: string) => boolean,
): PlanNode["view"] {
  if (layout === "plain") return node.op === "Reshape" && !isConstant(node.inputs[0]) ? "reshape" : undefined;
  const aligned = (names: readonly string[]) =>
    names.slice(0, -1).every((name) => types.get(name)!.shape[1] % 4 === 0) &&
    names.every((name) => sizeOf(types.get(name)!.shape) > 0);
  if (node.op === "Concat" && node.attributes.axis === 1 && !node.inputs.some(isConstant) && aligned(node.inputs)) {
    return "concat";
  }
  if (node.op === "Split" && node.attributes.axis === 1 && aligned(node.outputs)) return "split";
  if (node.op === "Slice" && splitOffsets(node) !== undefined) return "split";
  return undefined;
}

/** Channel offsets of the outputs of a Split, or of a Slice on channels; undefined where they do not start on a block. */
export function splitOffsets(node: Node): number[] | undefined {
  if (node.op === "Split") {
    let sum = 0;
    return node.attributes.sizes.map((size) => (sum += size) - size);
  }
  if (node.op !== "Slice") return undefined;
  const { axes, starts, steps } = node.attributes;
  return axes.length === 1 && axes[0] === 1 && steps[0] === 1 && starts[0] % 4 === 0 ? [starts[0]] : undefined;
}
