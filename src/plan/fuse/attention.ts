/**
 * Finds multi-head self-attention over the pixels of a feature map, as YOLO11's C2PSA exports it, and computes it in one
 * dispatch without writing the [L, L] score matrix:
 *
 * qkv [N, h*(2dk+dv), H, W] -> Reshape [N,h,2dk+dv,L] -> Split q, k, v -> softmax(scale * q' k) -> v attn' -> Reshape [N,h*dv,H,W]
 *
 * @module
 */

import { consumers, type Node, producers } from "../../graph/mod.ts";
import { attentionKernel } from "../../kernels/attention.ts";
import type { PlanNode, TypedGraph } from "../node.ts";
import type { Composite } from "./composites.ts";

const SWAP_LAST = [0, 1, 3, 2];

/** Finds every attention core of the graph. */
export function findAttention(typed: TypedGraph): Composite[] {
  return typed.graph.nodes.flatMap((node) => {
    const found = node.op === "Softmax" && node.attributes.axis === 3 ? matchAttention(typed, node) : undefined;
    return found ? [found] : [];
  });
}

function matchAttention({ graph, types }: TypedGraph, softmax: Node): Composite | undefined {
  const makers = producers(graph), readers = consumers(graph);
  const claimed: Node[] = [softmax];
  let scale = 1;

  /** Follows a value back through products with one constant, collecting the factor. */
  const unscaled = (value: string): string => {
    const mul = makers.get(value);
    if (mul?.op !== "Mul") return value;
    const side = mul.inputs.findIndex((name) => graph.constants.get(name)?.data.length === 1);
    if (side < 0 || readers.get(value)!.length !== 1) return value;
    claimed.push(mul);
    scale *= graph.constants.get(mul.inputs[side])!.data[0];
    return mul.inputs[1 - side];
  };
  const transposed = (value: string): string | undefined => {
    const node = makers.get(value);
    if (node?.op !== "Transpose" || String(node.attributes.perm) !== String(SWAP_LAST)) return undefined;
    claimed.push(node);
    return node.inputs[0];
  };
  const only = (value: string): Node | undefined => {
    const list = readers.get(value)!;
    return list.length === 1 && !graph.outputs.includes(value) ? list[0] : undefined;
  };

  const scores = makers.get(unscaled(softmax.inputs[0]));
  if (scores?.op !== "MatMul") return undefined;
  const q = transposed(unscaled(scores.inputs[0]));
  if (q === undefined) return undefined;
  const queries = unscaled(q), keys = unscaled(scores.inputs[1]);
  const split = makers.get(queries);
  if (split?.op !== "Split" || split.attributes.axis !== 2 || split.outputs.length !== 3) return undefined;
  if (split.outputs[0] !== queries || split.outputs[1] !== keys) return undefined;
  const reshape = makers.get(split.inputs[0]);
  const turn = only(softmax.outputs[0]);
  const product = turn?.op === "Transpose" && String(turn.attributes.perm) === String(SWAP_LAST)
    ? only(turn.outputs[0])
    : undefined;
  const result = product?.op === "MatMul" && product.inputs[0] === split.outputs[2]
    ? only(product.outputs[0])
    : undefined;
  if (reshape?.op !== "Reshape" || result?.op !== "Reshape") return undefined;

  const qkv = reshape.inputs[0];
  const [batch, channels, height, width] = types.get(qkv)!.shape;
  const [, heads, , length] = types.get(split.inputs[0])!.shape;
  const [keyChannels, otherKeys, valueChannels] = split.attributes.sizes;
  const output = types.get(result.outputs[0])!.shape;
  if (types.get(qkv)!.shape.length !== 4 || types.get(split.inputs[0])!.shape.length !== 4) return undefined;
  if (length !== height * width || heads * (keyChannels + otherKeys + valueChannels) !== channels) return undefined;
  if (keyChannels !== otherKeys || keyChannels % 4 !== 0 || valueChannels % 4 !== 0) return undefined;
  if (String(output) !== String([batch, heads * valueChannels, height, width])) return undefined;

  // The values also feed the positional encoding, as a map of their own.
  const others = readers.get(split.outputs[2])!.filter((node) => node !== product);
  if (
    others.length > 1 ||
    others.some((node) => node.op !== "Reshape" || String(types.get(node.outputs[0])!.shape) !== String(output))
  ) {
    return undefined;
  }
  claimed.push(scores, split, reshape, turn!, product!, result, ...others);
  const outputs = [result.outputs[0], ...others.map((node) => node.outputs[0])];
  const node: PlanNode = {
    name: softmax.name,
    operator: "Attention",
    inputs: [qkv],
    outputs,
    reads: "blocked",
    writes: "blocked",
    macs: batch * heads * length * length * (keyChannels + valueChannels),
    kernels: ({ operand, pitch }) => [
      attentionKernel({
        qkv: operand(qkv),
        output: operand(outputs[0]),
        values: outputs[1] === undefined ? undefined : operand(outputs[1]),
        heads,
        keyChannels,
        valueChannels,
        scale,
        pitch,
      }),
    ],
  };
  return { node, nodes: claimed };
}
