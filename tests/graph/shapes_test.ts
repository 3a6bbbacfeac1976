/**
 * The shape rules against the shapes that the reference produces, over seeded odd cases.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { FeatherdetError, inferNode, type Node, type Shape, sizeOf, type TensorType } from "../../src/graph/mod.ts";
import { evaluateNode, referenceTensor } from "../../src/reference/run.ts";
import { randomTensor, seededRandom } from "../support/random.ts";
import { node } from "../support/tiny_graph.ts";

type Draw = (low: number, high: number) => number;
type Maker = (draw: Draw) => { node: Node; shapes: Shape[] };

const pair = (draw: Draw, low: number, high: number) => [draw(low, high), draw(low, high)] as const;
const pads = (draw: Draw, high: number) => [draw(0, high), draw(0, high), draw(0, high), draw(0, high)] as const;
const shape = (draw: Draw, rank = draw(1, 4)) => Array.from({ length: rank }, () => draw(1, 6));

function pool(draw: Draw) {
  const kernel = pair(draw, 1, 4);
  return { kernel, strides: pair(draw, 1, 4), pads: pads(draw, 2), ceilMode: draw(0, 1) === 1 };
}

function image(draw: Draw): Shape {
  return [draw(1, 3), draw(1, 3), draw(1, 13), draw(1, 13)];
}

const MAKERS: Readonly<Record<string, Maker>> = {
  Conv: (draw) => {
    const groups = draw(1, 3), depth = draw(1, 3);
    const attributes = { strides: pair(draw, 1, 3), pads: pads(draw, 3), dilations: pair(draw, 1, 3), groups };
    const x = [draw(1, 3), groups * depth, draw(1, 13), draw(1, 13)];
    return {
      node: node("Conv", ["x", "w"], ["y"], attributes),
      shapes: [x, [groups * draw(1, 3), depth, ...pair(draw, 1, 4)]],
    };
  },
  ConvTranspose: (draw) => {
    const groups = draw(1, 3), strides = pair(draw, 1, 3);
    const outputPadding = [draw(0, strides[0] - 1), draw(0, strides[1] - 1)] as const;
    const attributes = { strides, pads: pads(draw, 2), dilations: pair(draw, 1, 3), groups, outputPadding };
    const channels = groups * draw(1, 3);
    return {
      node: node("ConvTranspose", ["x", "w"], ["y"], attributes),
      shapes: [[draw(1, 2), channels, ...pair(draw, 1, 6)], [channels, draw(1, 3), ...pair(draw, 1, 4)]],
    };
  },
  MaxPool: (draw) => ({
    node: node("MaxPool", ["x"], ["y"], { ...pool(draw), dilations: pair(draw, 1, 3) }),
    shapes: [image(draw)],
  }),
  AveragePool: (draw) => ({
    node: node("AveragePool", ["x"], ["y"], { ...pool(draw), dilations: [1, 1], countIncludePad: draw(0, 1) === 1 }),
    shapes: [image(draw)],
  }),
  Mul: (draw) => {
    const full = shape(draw);
    const part = full.map((extent) => draw(0, 2) === 0 ? 1 : extent).slice(draw(0, full.length));
    const other = full.map((extent) => draw(0, 2) === 0 ? 1 : extent);
    return { node: node("Mul", ["a", "b"], ["y"], {}), shapes: draw(0, 1) === 0 ? [part, other] : [other, part] };
  },
  ReduceMax: (draw) => {
    const x = shape(draw);
    const axes = x.map((_, axis) => axis).filter(() => draw(0, 1) === 1);
    return { node: node("ReduceMax", ["x"], ["y"], { axes, keepDims: draw(0, 1) === 1 }), shapes: [x] };
  },
  MatMul: (draw) => {
    const depth = draw(1, 7), batch = draw(1, 3);
    const shapes = [[batch, draw(1, 5), depth], [...(draw(0, 1) ? [1] : []), depth, draw(1, 5)]];
    return { node: node("MatMul", ["a", "b"], ["y"], {}), shapes };
  },
  Gemm: (draw) => {
    const depth = draw(1, 5), rows = draw(1, 5), columns = draw(1, 5);
    const transposeA = draw(0, 1) === 1, transposeB = draw(0, 1) === 1;
    return {
      node: node("Gemm", ["a", "b", "c"], ["y"], { alpha: 1, beta: 1, transposeA, transposeB }),
      shapes: [
        transposeA ? [depth, rows] : [rows, depth],
        transposeB ? [columns, depth] : [depth, columns],
        [[], [columns], [rows, 1], [rows, columns]][draw(0, 3)],
      ],
    };
  },
  Concat: (draw) => {
    const x = shape(draw), axis = draw(0, x.length - 1);
    const shapes = Array.from({ length: draw(1, 4) }, () => x.map((extent, i) => i === axis ? draw(1, 5) : extent));
    return { node: node("Concat", shapes.map((_, i) => `x${i}`), ["y"], { axis }), shapes };
  },
  Split: (draw) => {
    const sizes = Array.from({ length: draw(1, 4) }, () => draw(1, 4));
    const x = [draw(1, 3), sizes.reduce((a, b) => a + b), draw(1, 3)];
    return { node: node("Split", ["x"], sizes.map((_, i) => `y${i}`), { axis: 1, sizes }), shapes: [x] };
  },
  Slice: (draw) => {
    const x = [draw(1, 13), draw(1, 13)];
    const step = draw(0, 1) === 0 ? draw(1, 4) : -draw(1, 4);
    const start = draw(0, x[1] - 1), end = draw(-1, x[1]);
    return {
      node: node("Slice", ["x"], ["y"], { axes: [1], starts: [start], ends: [end], steps: [step] }),
      shapes: [x],
    };
  },
  Transpose: (draw) => {
    const x = shape(draw);
    const perm = x.map((_, axis) => axis).sort(() => draw(0, 1) - 0.5);
    return { node: node("Transpose", ["x"], ["y"], { perm }), shapes: [x] };
  },
  Resize: (draw) => {
    const x = image(draw), size = pair(draw, 1, 17);
    const attributes = { mode: "linear", coordinates: "half_pixel", nearest: "floor" } as const;
    const scales = [size[0] / x[2], size[1] / x[3]] as const;
    return { node: node("Resize", ["x"], ["y"], { ...attributes, size, scales }), shapes: [x] };
  },
  Pad: (draw) => {
    const x = shape(draw);
    const mode = (["constant", "reflect", "edge"] as const)[draw(0, 2)];
    return {
      node: node("Pad", ["x"], ["y"], { mode, pads: [...x, ...x].map(() => draw(0, 3)), value: 2 }),
      shapes: [x],
    };
  },
};

for (const [operator, make] of Object.entries(MAKERS)) {
  Deno.test(`the shape rule of ${operator} says what the reference produces`, () => {
    const random = seededRandom(operator.length * 31 + operator.charCodeAt(0));
    const draw: Draw = (low, high) => low + Math.floor(random() * (high - low + 1));
    let fitting = 0;
    for (let round = 0; round < 300; round++) {
      const { node, shapes } = make(draw);
      let types: TensorType[];
      try {
        types = inferNode(node, shapes.map((shape) => ({ dtype: "f32", shape })));
      } catch (error) {
        if (error instanceof FeatherdetError) continue;
        throw error;
      }
      fitting++;
      const outputs = evaluateNode(
        node,
        shapes.map((shape, i) => referenceTensor(shape, randomTensor(shape, round + i))),
      );
      const detail = JSON.stringify({ node, shapes });
      assertEquals(outputs.map((output) => [...output.shape]), types.map((type) => [...type.shape]), detail);
      assert(outputs.every((output) => output.data.length === sizeOf(output.shape)), detail);
      assert(outputs.every((output) => output.data.every(Number.isFinite)), detail);
    }
    assert(fitting > 60, `only ${fitting} of 300 draws fit`);
  });
}
