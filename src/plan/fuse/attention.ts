/**
 * Finds multi-head self-attention over the pixels of a feature map, as YOLO11's C2PSA exports it, and computes it in one
 * dispatch without writing the [L, L] score matrix:
 *
 * qkv [N, h*(2dk+dv), H, W] -> Reshape [N,h,2dk+dv,L] -> Split q, k, v -> softmax(scale * q' k) -> v attn' -> Reshape [N,h*dv,H,W]
 *
 * @module
 */

import type { GraphIndex, Node } from "../../graph/mod.ts";
import { attentionKernel } from "../../kernels/attention.ts";
import type { PlanNode } from "../node.ts";
import type { Composite } from "./composites.ts";

const SWAP_LAST = [0, 1, 3, 2];

/** Finds every attention core of the graph. */
export function findAttention(index: GraphIndex): Composite[] {
  return index.graph.nodes.flatMap((node) => {
    const found = node.op === "Softmax" && node.attributes.axis === 3 ? matchAttention(index, node) : undefined;
    return found ? [found] : [];
  });
}

function matchAttention(index: GraphIndex, softmax: Node): Composite | undefined {
  const claimed: Node[] = [softmax];
  let scale = 1;

  /** Follows a value back through products with one constant, collecting the factor. */
  const unscaled = (value: string): string => {
    const mul = index.producerOf(value);
    if (mul?.op !== "Mul") return value;
    const side = mul.inputs.findIndex((name) => index.constantOf(name)?.data.length === 1);
    if (side < 0 || index.soleReader(value) === undefined) return value;
    claimed.push(mul);
    scale *= index.constantOf(mul.inputs[side])!.data[0];
    return mul.inputs[1 - side];
  };
  const transposed = (value: string): string | undefined => {
    const node = index.producerOf(value);
    if (node?.op !== "Transpose" || String(node.attributes.perm) !== String(SWAP_LAST)) return undefined;
    claimed.push(node);
    return node.inputs[0];
  };

  const scores = index.producerOf(unscaled(softmax.inputs[0]));
  if (scores?.op !== "MatMul") return undefined;
  const q = transposed(unscaled(scores.inputs[0]));
  if (q === undefined) return undefined;
  const queries = unscaled(q), keys = unscaled(scores.inputs[1]);
  const split = index.producerOf(queries);
  if (split?.op !== "Split" || split.attributes.axis !== 2 || split.outputs.length !== 3) return undefined;
  if (split.outputs[0] !== queries || split.outputs[1] !== keys) return undefined;
  const reshape = index.producerOf(split.inputs[0]);
  const turn = index.soleReader(softmax.outputs[0]);
  const product = turn?.op === "Transpose" && String(turn.attributes.perm) === String(SWAP_LAST)
    ? index.soleReader(turn.outputs[0])
    : undefined;
  const result = product?.op === "MatMul" && product.inputs[0] === split.outputs[2]
    ? index.soleReader(product.outputs[0])
    : undefined;
  if (reshape?.op !== "Reshape" || result?.op !== "Reshape") return undefined;

  const qkv = reshape.inputs[0];
  const [batch, channels, height, width] = index.shapeOf(qkv);
  const [, heads, , length] = index.shapeOf(split.inputs[0]);
  const [keyChannels, otherKeys, valueChannels] = split.attributes.sizes;
  const output = index.shapeOf(result.outputs[0]);
  if (index.shapeOf(qkv).length !== 4 || index.shapeOf(split.inputs[0]).length !== 4) return undefined;
  if (length !== height * width || heads * (keyChannels + otherKeys + valueChannels) !== channels) return undefined;
  if (keyChannels !== otherKeys || keyChannels % 4 !== 0 || valueChannels % 4 !== 0) return undefined;
  if (String(output) !== String([batch, heads * valueChannels, height, width])) return undefined;

  // The values also feed the positional encoding, as a map of their own.
  const others = index.readersOf(split.outputs[2]).filter((node) => node !== product);
  if (
    others.length > 1 ||
    others.some((node) => node.op !== "Reshape" || String(index.shapeOf(node.outputs[0])) !== String(output))
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
