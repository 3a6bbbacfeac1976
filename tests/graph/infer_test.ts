/**
 * What the shape rules refuse, and how they say so.
 *
 * @module
 */

import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { FeatherdetError, inferNode, inferTypes, type Node, type Shape } from "../../src/graph/mod.ts";
import { graphOf, node, PLAIN, weight } from "../support/tiny_graph.ts";

const POOL = { ...PLAIN, kernel: [2, 2], ceilMode: false } as const;
const RESIZE = { mode: "nearest", coordinates: "asymmetric", nearest: "floor" } as const;
const names = (count: number) => Array.from({ length: count }, (_, i) => `v${i}`);

const conv = (attributes: object, inputs = 2) =>
  node("Conv", names(inputs), ["y"], { ...PLAIN, groups: 1, ...attributes });
const transposed = (attributes: object, inputs = 2) =>
  node("ConvTranspose", names(inputs), ["y"], { ...PLAIN, groups: 1, outputPadding: [0, 0], ...attributes });
const maxPool = (attributes: object) => node("MaxPool", ["v0"], ["y"], { ...POOL, ...attributes });
const slice = (start: number, end: number, step: number, axis = 1) =>
  node("Slice", ["v0"], ["y"], { axes: [axis], starts: [start], ends: [end], steps: [step] });
const split = (sizes: number[], outputs: string[]) => node("Split", ["v0"], outputs, { axis: 1, sizes });
const pad = (pads: number[], mode: "constant" | "reflect" = "constant") =>
  node("Pad", ["v0"], ["y"], { mode, pads, value: 0 });

const REFUSED: readonly [what: string, node: Node, shapes: Shape[], message: string][] = [
  ["Conv on rank 3", conv({}), [[3, 5, 5], [4, 3, 1, 1]], "rank 4 [N,C,H,W] but is [3,5,5]"],
  ["Conv with a flat weight", conv({}), [[1, 3, 5, 5], [4, 3]], "weight must have rank 4 but is [4,3]"],
  ["Conv with other channels", conv({}), [[1, 5, 7, 7], [4, 3, 1, 1]], "the 5 channels of input [1,5,7,7]"],
  ["Conv with uneven groups", conv({ groups: 2 }), [[1, 6, 7, 7], [5, 3, 1, 1]], "weight [5,3,1,1] with 2 groups"],
  ["Conv with a short bias", conv({}, 3), [[1, 3, 5, 5], [4, 3, 1, 1], [3]], "bias must be [4] but is [3]"],
  ["Conv whose kernel is too large", conv({}), [[1, 1, 2, 9], [1, 1, 3, 3]], "kernel 3x3"],
  ["Conv with stride 0", conv({ strides: [0, 1] }), [[1, 1, 5, 5], [1, 1, 1, 1]], "strides [0,1]"],
  ["Conv with a negative pad", conv({ pads: [0, -1, 0, 0] }), [[1, 1, 5, 5], [1, 1, 1, 1]], "pads [0,-1,0,0]"],
  ["Conv with half a dilation", conv({ dilations: [1.5, 1] }), [[1, 1, 5, 5], [1, 1, 1, 1]], "dilations [1.5,1]"],
  ["Conv with no groups", conv({ groups: 0 }), [[1, 1, 5, 5], [1, 1, 1, 1]], "groups [0]"],
  ["Conv without a weight", conv({}, 1), [[1, 3, 5, 5]], "has 1 inputs, the operator takes 2 to 3"],
  ["ConvTranspose with other channels", transposed({}), [[1, 5, 4, 4], [4, 3, 2, 2]], "the 5 channels"],
  ["ConvTranspose padded away", transposed({ pads: [3, 0, 3, 0] }), [[1, 1, 4, 4], [1, 1, 1, 1]], "[1,1,-2,4]"],
  [
    "ConvTranspose with a wide output padding",
    transposed({ outputPadding: [0, 1] }),
    [[1, 1, 4, 4], [1, 1, 2, 2]],
    "outputPadding [0,1]",
  ],
  [
    "MaxPool with a pad as wide as its kernel",
    maxPool({ pads: [0, 2, 0, 0] }),
    [[1, 1, 5, 5]],
    "smaller than the kernel",
  ],
  ["MaxPool whose kernel is too large", maxPool({ kernel: [2, 6] }), [[1, 1, 5, 5]], "kernel 2x6"],
  ["MaxPool on rank 2", maxPool({}), [[5, 5]], "rank 4"],
  [
    "AveragePool with dilations",
    node("AveragePool", ["v0"], ["y"], { ...POOL, dilations: [2, 1], countIncludePad: false }),
    [[1, 1, 5, 5]],
    "dilations [2,1] must be 1",
  ],
  ["GlobalAveragePool on rank 3", node("GlobalAveragePool", ["v0"], ["y"], {}), [[1, 2, 3]], "rank 4"],
  [
    "Resize whose scales and size disagree",
    node("Resize", ["v0"], ["y"], { ...RESIZE, size: [10, 13], scales: [2, 2] }),
    [[1, 1, 5, 5]],
    "scales [2,2] do not lead from input [1,1,5,5] to size [10,13]",
  ],
  [
    "Resize to nothing",
    node("Resize", ["v0"], ["y"], { ...RESIZE, size: [0, 5], scales: [0.1, 1] }),
    [[1, 1, 5, 5]],
    "size [0,5]",
  ],
  ["Add of shapes that do not broadcast", node("Add", names(2), ["y"], {}), [[2, 3], [2, 4]], "[2,3] and [2,4]"],
  ["Clip with crossed bounds", node("Clip", ["v0"], ["y"], { min: 6, max: 0 }), [[3]], "bounds 6 and 0"],
  [
    "BatchNormalization with a short mean",
    node("BatchNormalization", names(5), ["y"], { epsilon: 1e-3 }),
    [[1, 4, 3, 3], [4], [4], [3], [4]],
    "mean must be [4] but is [3]",
  ],
  ["Softmax over a missing axis", node("Softmax", ["v0"], ["y"], { axis: 3 }), [[1, 2, 3]], "axis 3"],
  [
    "Gemm of matrices that do not fit",
    node("Gemm", names(2), ["y"], { alpha: 1, beta: 1, transposeA: false, transposeB: true }),
    [[2, 3], [3, 4]],
    "[2,3] and [3,4] transposed",
  ],
  [
    "Gemm with a C that is too large",
    node("Gemm", names(3), ["y"], { alpha: 1, beta: 1, transposeA: false, transposeB: false }),
    [[1, 3], [3, 4], [2, 4]],
    "C [2,4] does not broadcast to [1,4]",
  ],
  ["MatMul of a vector", node("MatMul", names(2), ["y"], {}), [[3], [3, 4]], "rank 2 or more"],
  [
    "MatMul of other depths",
    node("MatMul", names(2), ["y"], {}),
    [[1, 2, 3], [4, 5]],
    "inner extents of [1,2,3] and [4,5]",
  ],
  ["MatMul of other batches", node("MatMul", names(2), ["y"], {}), [[2, 2, 3], [3, 3, 5]], "leading axes"],
  [
    "ReduceMean of no axis",
    node("ReduceMean", ["v0"], ["y"], { axes: [], keepDims: true }),
    [[3]],
    "at least one axis",
  ],
  [
    "ReduceSum of unordered axes",
    node("ReduceSum", ["v0"], ["y"], { axes: [1, 0], keepDims: true }),
    [[3, 4]],
    "axes [1,0] must be ascending",
  ],
  [
    "Concat of other extents",
    node("Concat", names(2), ["y"], { axis: 1 }),
    [[1, 3, 4, 4], [1, 3, 5, 4]],
    "[1,3,4,4] and [1,3,5,4] differ outside axis 1",
  ],
  ["Concat of other ranks", node("Concat", names(2), ["y"], { axis: 0 }), [[3], [3, 1]], "[3] and [3,1]"],
  ["Split that does not add up", split([2, 3], ["a", "b"]), [[1, 6]], "sizes [2,3] do not add up to axis 1 of [1,6]"],
  ["Split with an output too many", split([6], ["a", "b"]), [[1, 6]], "has 2 outputs for sizes [6]"],
  ["Split with an empty part", split([6, 0], ["a", "b"]), [[1, 6]], "sizes [6,0]"],
  ["Slice of nothing", slice(3, 3, 1), [[1, 6]], "start 3, end 3, step 1"],
  ["Slice beyond the end", slice(0, 7, 1), [[1, 6]], "on axis 1 of [1,6]"],
  ["Slice with step 0", slice(0, 6, 0), [[1, 6]], "step 0"],
  ["Slice forwards by a negative step", slice(0, 6, -1), [[1, 6]], "step -1"],
  ["Slice of a missing axis", slice(0, 1, 1, 2), [[1, 6]], "axis 2"],
  ["Reshape to more elements", node("Reshape", ["v0"], ["y"], { shape: [4, 4] }), [[3, 5]], "15 elements of [3,5]"],
  [
    "Reshape to negative extents",
    node("Reshape", ["v0"], ["y"], { shape: [-3, -5] }),
    [[3, 5]],
    "[-3,-5] is not positive",
  ],
  ["Transpose of an axis twice", node("Transpose", ["v0"], ["y"], { perm: [0, 0] }), [[3, 5]], "perm [0,0]"],
  ["Pad of the wrong rank", pad([1, 1]), [[3, 5]], "2 pads do not go with input [3,5]"],
  ["Pad by less than nothing", pad([0, -1, 0, 0]), [[3, 5]], "pads [0,-1,0,0]"],
  ["Pad that reflects beyond the tensor", pad([0, 0, 3, 0], "reflect"), [[3, 5]], "reflecting pads"],
];

for (const [what, refused, shapes, message] of REFUSED) {
  Deno.test(`shape rules refuse ${what}`, () => {
    const types = shapes.map((shape) => ({ dtype: "f32" as const, shape }));
    const error = assertThrows(() => inferNode(refused, types), FeatherdetError, message);
    assertStringIncludes(error.message, `${refused.op} "${refused.name}": `);
  });
}

Deno.test("shape rules refuse integers where an operator computes, and keep them where it only moves", () => {
  const input = { dtype: "i8", shape: [2, 3] } as const;
  assertThrows(() => inferNode(node("Relu", ["x"], ["y"], {}), [input]), FeatherdetError, "input 0 is i8");
  assertEquals(inferNode(node("Reshape", ["x"], ["y"], { shape: [6] }), [input]), [{ dtype: "i8", shape: [6] }]);
  const mixed = node("Concat", ["a", "b"], ["y"], { axis: 0 });
  assertThrows(() => inferNode(mixed, [input, { ...input, dtype: "u8" }]), FeatherdetError, "mix i8 and u8");
});

Deno.test("an operator outside the union is named", () => {
  const strange = { ...node("Relu", ["x"], ["y"], {}), op: "Frobnicate" } as unknown as Node;
  assertThrows(() => inferNode(strange, [{ dtype: "f32", shape: [1] }]), FeatherdetError, 'Frobnicate "make_y"');
});

Deno.test("inferTypes gives every value, inputs and constants included", () => {
  const graph = graphOf(
    { x: [3, 1, 13, 127] },
    ["y"],
    [
      node("Conv", ["x", "w"], ["c"], { ...PLAIN, strides: [2, 3], groups: 1 }),
      node("Split", ["c"], ["left", "y"], { axis: 1, sizes: [1, 4] }),
    ],
    { w: weight([5, 1, 3, 3]) },
  );
  const shapes = Object.fromEntries([...inferTypes(graph)].map(([name, { shape }]) => [name, shape]));
  assertEquals<unknown>(shapes, {
    x: [3, 1, 13, 127],
    w: [5, 1, 3, 3],
    c: [3, 5, 6, 42],
    left: [3, 1, 6, 42],
    y: [3, 4, 6, 42],
  });
  const broken = { ...graph, nodes: [graph.nodes[1]] };
  assertThrows(() => inferTypes(broken), FeatherdetError, 'input "c" is made by no earlier node');
});
