/**
 * Sums over axes of plain tensors: reductions, Softmax, matrix products. Shaders: `shaders/tensor/plain_reduce.wgsl`,
 * `plain_softmax.wgsl`, `plain_matmul.wgsl`.
 *
 * @module
 */

import { type Shape, sizeOf, stridesOf } from "../graph/graph.ts";
import type { Node } from "../graph/operators.ts";
import { activationConstants, activationParameters } from "./activation.ts";
import type { KernelContext, Operand } from "./context.ts";
import { f32, i32, type Kernel, vec4i } from "./kernel.ts";
import { linearGroups } from "./linear.ts";
import { readPlain, refuseEpilogue, refuseResidual, write } from "./operand.ts";
import { alignedStrides, axes, collapse, reductionWalk } from "./strided.ts";

/** Plain kernels of the reductions. */
export function reducePlain(context: KernelContext<"ReduceMean" | "ReduceSum" | "ReduceMax">): Kernel[] {
  refuseEpilogue(context);
  const { node, inputs: [x], outputs: [y] } = context;
  const { rank, parameters } = reductionWalk(x.shape, node.attributes.axes);
  const size = sizeOf(y.shape), count = sizeOf(x.shape) / size;
  return [{
    label: `${node.op.toLowerCase()} plain`,
    shader: "tensor/plain_reduce.wgsl",
    constants: { RANK: rank, MODE: node.op === "ReduceMax" ? "maximum" : "sum" },
    parameters: { ...parameters, size: i32(size), factor: f32(node.op === "ReduceMean" ? 1 / count : 1) },
    bindings: [readPlain(node, x), write(y)],
    workgroups: linearGroups(size),
  }];
}

/** Plain kernels of Softmax. */
export function softmaxPlain(context: KernelContext<"Softmax">): Kernel[] {
  refuseEpilogue(context);
  const { node, inputs: [x], outputs: [y] } = context;
  const extent = x.shape[node.attributes.axis];
  const step = stridesOf(x.shape)[node.attributes.axis];
  const lines = sizeOf(x.shape) / extent;
  return [{
    label: `softmax plain ${extent}`,
    shader: "tensor/plain_softmax.wgsl",
    constants: {},
    parameters: { lines: i32(lines), extent: i32(extent), step: i32(step) },
    bindings: [readPlain(node, x), write(y)],
    workgroups: linearGroups(lines),
  }];
}

/** A matrix operand: steps along its rows and columns, and along the leading axes of the output. */
interface Matrix {
  readonly operand: Operand;
  readonly row: number;
  readonly column: number;
  readonly lead: readonly number[];
}

interface Product {
  readonly a: Matrix;
  readonly b: Matrix;
  /** Added times `beta`. */
  readonly c?: Matrix;
  readonly alpha: number;
  readonly beta: number;
  readonly depth: number;
}

function product(context: KernelContext<"MatMul" | "Gemm">, { a, b, c, alpha, beta, depth }: Product): Kernel {
  refuseResidual(context);
  const node: Node = context.node;
  const [y] = context.outputs;
  const { activation } = context.epilogue;
  const [rows, columns] = y.shape.slice(-2);
  const lead = y.shape.slice(0, -2);
  const { extents, steps: [leadA, leadB] } = collapse(lead, [a.lead, b.lead]);
  // A single row or column leaves nothing to reuse along the other axis.
  const tile = { x: columns < 8 ? 1 : 8, y: rows < 4 ? 1 : 4 };
  const tilesX = Math.ceil(columns / tile.x), tilesY = Math.ceil(rows / tile.y);
  const same = a.operand.value === b.operand.value;
  return {
    label: `matmul ${rows}x${depth}x${columns}`,
    shader: "tensor/plain_matmul.wgsl",
    constants: {
      RANK: extents.length,
      TILE_X: tile.x,
      TILE_Y: tile.y,
      SAME: same ? 1 : 0,
      ADDEND: c ? 1 : 0,
      ...activationConstants(activation),
    },
    parameters: {
      extents: axes(extents),
      leadA: axes(leadA),
      leadB: axes(leadB),
      steps: vec4i([a.row, a.column, b.row, b.column]),
      rowC: i32(c?.row ?? 0),
      columnC: i32(c?.column ?? 0),
      products: i32(sizeOf(lead)),
      rows: i32(rows),
      columns: i32(columns),
      depth: i32(depth),
      tilesX: i32(tilesX),
      tilesY: i32(tilesY),
      alpha: f32(alpha),
      beta: f32(beta),
      ...activationParameters(activation),
    },
    bindings: [
      readPlain(node, a.operand),
      write(y),
      ...same ? [] : [readPlain(node, b.operand)],
      ...c ? [readPlain(node, c.operand)] : [],
    ],
    workgroups: linearGroups(tilesX * tilesY * sizeOf(lead)),
  };
}

/** Plain kernels of MatMul. */
export function matMulPlain(context: KernelContext<"MatMul">): Kernel[] {
  const { inputs: [a, b], outputs: [y] } = context;
  const matrix = (operand: Operand): Matrix => {
    const target: Shape = [...y.shape.slice(0, -2), ...operand.shape.slice(-2)];
    const lead = alignedStrides(operand.shape, target).slice(0, -2);
    return { operand, row: operand.shape[operand.shape.length - 1], column: 1, lead };
  };
  return [product(context, { a: matrix(a), b: matrix(b), alpha: 1, beta: 0, depth: a.shape[a.shape.length - 1] })];
}

/** Plain kernels of Gemm. */
export function gemmPlain(context: KernelContext<"Gemm">): Kernel[] {
  const { node, inputs: [a, b, c], outputs: [y] } = context;
  const { alpha, beta, transposeA, transposeB } = node.attributes;
  const matrix = (operand: Operand, transposed: boolean): Matrix => {
    const [row, column] = transposed ? [1, operand.shape[1]] : [operand.shape[1], 1];
    return { operand, row, column, lead: [] };
  };
  const [row, column] = c ? alignedStrides(c.shape, y.shape) : [0, 0];
  return [product(context, {
    a: matrix(a, transposeA),
    b: matrix(b, transposeB),
    c: c && { operand: c, row, column, lead: [] },
    alpha,
    beta,
    depth: a.shape[transposeA ? 0 : 1],
  })];
}
