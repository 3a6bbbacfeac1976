/** Kernels of matrix products, reductions and Softmax over plain tensors, against the reference. */

import type { Node } from "../../src/graph/operators.ts";
import { FORMS } from "../support/compare.ts";
import { gpuTest } from "../support/gpu.ts";
import { type CaseInput, checkKernels } from "../support/kernel_case.ts";
import { node } from "../support/tiny_graph.ts";

type Case = readonly [string, Node, Readonly<Record<string, CaseInput>>];

const matMul = (what: string, a: readonly number[], b: readonly number[], constant = false): Case => [
  `MatMul, ${what}`,
  node("MatMul", ["a", "b"], ["y"], {}),
  { a: { shape: a }, b: { shape: b, constant } },
];

const gemm = (
  what: string,
  [rows, depth, columns]: readonly [number, number, number],
  [transposeA, transposeB]: readonly [boolean, boolean],
  c?: readonly number[],
): Case => [
  `Gemm, ${what}`,
  node("Gemm", c ? ["a", "b", "c"] : ["a", "b"], ["y"], { alpha: 0.5, beta: 2, transposeA, transposeB }),
  {
    a: { shape: transposeA ? [depth, rows] : [rows, depth] },
    b: { shape: transposeB ? [columns, depth] : [depth, columns], constant: true },
    ...c ? { c: { shape: c, constant: true } } : {},
  },
];

const CASES: readonly Case[] = [
  matMul("odd extents", [13, 17], [17, 127]),
  matMul("one row", [1, 33], [33, 5]),
  matMul("batches", [2, 3, 13, 8], [2, 3, 8, 9]),
  matMul("broadcast left", [8, 9], [2, 3, 9, 10]),
  matMul("broadcast both", [2, 1, 4, 5], [3, 5, 9], true),
  matMul("depth 1", [5, 1], [1, 13]),
  ["MatMul of a matrix with itself", node("MatMul", ["a", "a"], ["y"], {}), { a: { shape: [2, 9, 9] } }],
  gemm("linear layer", [3, 37, 13], [false, true], [13]),
  gemm("both transposed", [9, 6, 10], [true, true], [9, 1]),
  gemm("without C", [5, 7, 3], [true, false]),
  gemm("scalar C", [5, 7, 8], [false, false], []),
  gemm("full C", [6, 3, 9], [false, false], [6, 9]),
  ["Softmax on the last axis", node("Softmax", ["x"], ["y"], { axis: 2 }), {
    x: { shape: [3, 13, 127], range: [-9, 9] },
  }],
  ["Softmax on the first axis", node("Softmax", ["x"], ["y"], { axis: 0 }), { x: { shape: [5, 7], range: [80, 99] } }],
  ["Softmax within", node("Softmax", ["x"], ["y"], { axis: 1 }), { x: { shape: [2, 16, 4, 5] } }],
  ["Softmax of one", node("Softmax", ["x"], ["y"], { axis: 1 }), { x: { shape: [13, 1] } }],
  ["ReduceMean of everything", node("ReduceMean", ["x"], ["y"], { axes: [0, 1, 2], keepDims: false }), {
    x: { shape: [3, 5, 7] },
  }],
  ["ReduceSum within", node("ReduceSum", ["x"], ["y"], { axes: [1], keepDims: true }), { x: { shape: [3, 13, 7] } }],
  ["ReduceMax on alternating axes", node("ReduceMax", ["x"], ["y"], { axes: [0, 2, 4], keepDims: false }), {
    x: { shape: [2, 3, 4, 2, 3], range: [-2, -1] },
  }],
  ["ReduceMean on neighbours", node("ReduceMean", ["x"], ["y"], { axes: [2, 3], keepDims: false }), {
    x: { shape: [3, 5, 9, 13] },
  }],
];

gpuTest("matrix products, Softmax and reductions of plain tensors", async (_, step) => {
  for (const [what, computed, inputs] of CASES) {
    await step(what, () => checkKernels(computed, inputs, { form: FORMS[0], layout: "plain", slack: 4 }));
  }
});

gpuTest("Gemm with an activation", async () => {
  const [, computed, inputs] = gemm("", [3, 37, 13], [false, true], [13]);
  const epilogue = { activation: node("Relu", ["y"], ["z"], {}) };
  await checkKernels(computed, inputs, { form: FORMS[0], layout: "plain", epilogue, slack: 4 });
});
