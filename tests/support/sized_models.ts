/**
 * Models for any input size, written out as an exporter would for that size: each computes every number it bakes in itself.
 *
 * @module
 */

import type { Constant, Graph, Shape } from "../../src/graph/graph.ts";
import type { Node } from "../../src/graph/operators.ts";
import { graphOf, node, PLAIN, weight } from "./tiny_graph.ts";

/** Batch, height and width. */
export type Size = readonly [batch: number, height: number, width: number];
/** A model for a size. */
export type Model = (size: Size) => Graph;

/** A constant of the given shape, by a function of the index. */
export function table(shape: Shape, at: (...index: number[]) => number): Constant {
  const size = shape.reduce((product, extent) => product * extent, 1);
  const data = Float32Array.from({ length: size }, (_, position) => {
    const index = shape.map(() => 0);
    for (let axis = shape.length - 1, rest = position; axis >= 0; axis--) {
      index[axis] = rest % shape[axis];
      rest = Math.floor(rest / shape[axis]);
    }
    return at(...index);
  });
  return { dtype: "f32", shape, data };
}

/** A constant of one number. */
export function scalar(value: number): Constant {
  return { dtype: "f32", shape: [1], data: Float32Array.of(value) };
}

/** Levels of stride 8, 16 and 32, the second and third from one another, as `p3`, `p4`, `p5` with 6 channels. */
export function levels([, height, width]: Size) {
  const halve = (from: string, to: string, weights: string) =>
    node("Conv", [from, weights], [to], { ...PLAIN, strides: [2, 2], pads: [1, 1, 1, 1], groups: 1 });
  const nodes = [
    node("Conv", ["images", "w0"], ["p3"], { ...PLAIN, strides: [8, 8], pads: [1, 1, 1, 1], groups: 1 }),
    halve("p3", "p4", "w1"),
    halve("p4", "p5", "w2"),
  ];
  const constants = { w0: weight([6, 3, 9, 9]), w1: weight([6, 6, 3, 3], 2), w2: weight([6, 6, 3, 3], 3) };
  const maps = [8, 16, 32].map((stride) => ({ stride, h: Math.ceil(height / stride), w: Math.ceil(width / stride) }));
  const cells = maps.flatMap(({ stride, h, w }) =>
    Array.from({ length: h * w }, (_, cell) => ({ stride, y: Math.floor(cell / w), x: cell % w }))
  );
  return { nodes, constants, maps, cells };
}

/** A graph of one image input and one output. */
export function model(
  [batch, height, width]: Size,
  output: string,
  nodes: Node[],
  constants: Record<string, Constant> = {},
): Graph {
  return graphOf({ images: [batch, 3, height, width] }, [output], nodes, constants);
}

/** Level maps flattened and joined, with cell centres and strides as one table over all levels. */
function anchorFree(offset: number, premultiplied: boolean): Model {
  return (size) => {
    const [batch] = size;
    const { nodes, constants, maps, cells } = levels(size);
    maps.forEach(({ h, w }, level) =>
      nodes.push(node("Reshape", [`p${level + 3}`], [`flat${level}`], { shape: [batch, 6, h * w] }))
    );
    const centre = (axis: number, cell: number) => {
      const { x, y, stride } = cells[cell];
      return ((axis === 0 ? x : y) + offset) * (premultiplied ? stride : 1);
    };
    nodes.push(
      node("Concat", ["flat0", "flat1", "flat2"], ["all"], { axis: 2 }),
      node("Split", ["all"], ["near", "far", "rest"], { axis: 1, sizes: [2, 2, 2] }),
      node("Sub", ["centres", "near"], ["corner"], {}),
      node("Add", ["centres", "far"], ["opposite"], {}),
      node("Concat", ["corner", "opposite"], ["box"], { axis: 1 }),
      node("Mul", ["box", "strides"], ["y"], {}),
    );
    return model(size, "y", nodes, {
      ...constants,
      centres: table([1, 2, cells.length], (_, axis, cell) => centre(axis, cell)),
      strides: table([1, cells.length], (_, cell) => cells[cell].stride),
    });
  };
}

/** The same with the cells before the coordinates, the maps transposed before they are flattened. */
const cellsFirst: Model = (size) => {
  const [batch] = size;
  const { nodes, constants, maps, cells } = levels(size);
  maps.forEach(({ h, w }, level) =>
    nodes.push(
      node("Transpose", [`p${level + 3}`], [`t${level}`], { perm: [0, 2, 3, 1] }),
      node("Reshape", [`t${level}`], [`flat${level}`], { shape: [batch, h * w, 6] }),
    )
  );
  nodes.push(
    node("Concat", ["flat0", "flat1", "flat2"], ["all"], { axis: 1 }),
    node("Slice", ["all"], ["centre"], { axes: [2], starts: [0], ends: [2], steps: [1] }),
    node("Add", ["centre", "grid"], ["moved"], {}),
    node("Mul", ["moved", "strides"], ["y"], {}),
  );
  return model(size, "y", nodes, {
    ...constants,
    grid: table([cells.length, 2], (cell, axis) => axis === 0 ? cells[cell].x : cells[cell].y),
    strides: table([1, cells.length, 1], (_, cell) => cells[cell].stride),
  });
};

/** Anchor boxes: three a cell, grids and anchor sizes spread over `[1,3,h,w,2]`. */
const anchorBased: Model = (size) => {
  const [batch] = size;
  const { nodes, constants, maps } = levels(size);
  const tables: Record<string, Constant> = {};
  maps.forEach(({ h, w, stride }, level) => {
    nodes.push(
      node("Reshape", [`p${level + 3}`], [`r${level}`], { shape: [batch, 3, 2, h, w] }),
      node("Transpose", [`r${level}`], [`t${level}`], { perm: [0, 1, 3, 4, 2] }),
      node("Add", [`t${level}`, `grid${level}`], [`g${level}`], {}),
      node("Mul", [`g${level}`, `anchors${level}`], [`a${level}`], {}),
      node("Reshape", [`a${level}`], [`flat${level}`], { shape: [batch, 3 * h * w, 2] }),
    );
    tables[`grid${level}`] = table([1, 3, h, w, 2], (_, __, y, x, axis) => (axis === 0 ? x : y) - 0.5);
    tables[`anchors${level}`] = table(
      [1, 3, h, w, 2],
      (_, anchor, __, ___, axis) => 10 * stride + 7 * anchor + 3 * axis,
    );
  });
  nodes.push(node("Concat", ["flat0", "flat1", "flat2"], ["y"], { axis: 1 }));
  return model(size, "y", nodes, { ...constants, ...tables });
};

/** Attention as C2PSA has it: heads beside the batch, cells flattened and unfolded again. */
function attention(headsInBatch: boolean): Model {
  return (size) => {
    const [batch] = size;
    const { nodes, constants, maps: [, , { h, w }] } = levels(size);
    const lead = headsInBatch ? [batch * 2] : [batch, 2];
    const swap = headsInBatch ? [0, 2, 1] : [0, 1, 3, 2];
    nodes.push(
      node("Reshape", ["p5"], ["q"], { shape: [...lead, 3, h * w] }),
      node("Transpose", ["q"], ["k"], { perm: swap }),
      node("MatMul", ["k", "q"], ["scores"], {}),
      node("Softmax", ["scores"], ["weights"], { axis: lead.length + 1 }),
      node("MatMul", ["q", "weights"], ["mixed"], {}),
      node("Reshape", ["mixed"], ["map"], { shape: [batch, 6, h, w] }),
      node("Add", ["map", "p5"], ["y"], {}),
    );
    return model(size, "y", nodes, constants);
  };
}

/** Every second row and column, stacked. */
export const focus: Model = (size) => {
  const [, height, width] = size;
  const pick = (row: number, column: number, to: string) =>
    node("Slice", ["images"], [to], { axes: [2, 3], starts: [row, column], ends: [height, width], steps: [2, 2] });
  const nodes = [pick(0, 0, "a"), pick(1, 0, "b"), pick(0, 1, "c"), pick(1, 1, "d")];
  return model(size, "y", [...nodes, node("Concat", ["a", "b", "c", "d"], ["y"], { axis: 1 })]);
};

/** Backwards along the height, and halves of the width. */
const halves: Model = (size) => {
  const [, height, width] = size;
  return model(size, "y", [
    node("Slice", ["images"], ["flipped"], { axes: [2], starts: [height - 1], ends: [-1], steps: [-1] }),
    node("Split", ["flipped"], ["left", "right"], { axis: 3, sizes: [width / 2, width / 2] }),
    node("Sub", ["left", "right"], ["y"], {}),
  ]);
};

/** Joined levels taken apart again, by Slice and by Split, and unfolded. */
const takenApart: Model = (size) => {
  const [batch] = size;
  const { nodes, constants, maps } = levels(size);
  const counts = maps.map(({ h, w }) => h * w);
  maps.forEach((_, level) =>
    nodes.push(node("Reshape", [`p${level + 3}`], [`flat${level}`], { shape: [batch, 6, counts[level]] }))
  );
  nodes.push(
    node("Concat", ["flat0", "flat1", "flat2"], ["all"], { axis: 2 }),
    node("Slice", ["all"], ["tail"], {
      axes: [2],
      starts: [counts[0]],
      ends: [counts[0] + counts[1] + counts[2]],
      steps: [1],
    }),
    node("Split", ["tail"], ["middle", "small"], { axis: 2, sizes: [counts[1], counts[2]] }),
    node("Reshape", ["middle"], ["y"], { shape: [batch, 6, maps[1].h, maps[1].w] }),
  );
  return model(size, "y", nodes, constants);
};

/** Upsampling by a stated scale, and to the fixed size of another level. */
export const upsampled: Model = (size) => {
  const { nodes, constants, maps } = levels(size);
  const rest = { mode: "nearest", coordinates: "asymmetric", nearest: "floor" } as const;
  const [, middle, small] = maps;
  nodes.push(
    node("Resize", ["p5"], ["up"], {
      ...rest,
      size: [middle.h, middle.w],
      scales: [middle.h / small.h, middle.w / small.w],
    }),
    node("Add", ["up", "p4"], ["joined"], {}),
    node("Resize", ["joined"], ["y"], { ...rest, size: [2 * middle.h, 3 * middle.w], scales: [2, 3] }),
  );
  return model(size, "y", nodes, constants);
};

/** Channels to space and back, and channels shuffled in two groups. */
const shuffles: Model = (size) => {
  const [batch, height, width] = size;
  return model(size, "y", [
    node("Concat", ["images", "images", "images", "images"], ["twelve"], { axis: 1 }),
    node("Reshape", ["twelve"], ["r0"], { shape: [batch, 3, 2, 2, height, width] }),
    node("Transpose", ["r0"], ["r1"], { perm: [0, 1, 4, 2, 5, 3] }),
    node("Reshape", ["r1"], ["large"], { shape: [batch, 3, 2 * height, 2 * width] }),
    node("Reshape", ["large"], ["r2"], { shape: [batch, 3, height, 2, width, 2] }),
    node("Transpose", ["r2"], ["r3"], { perm: [0, 3, 5, 1, 2, 4] }),
    node("Reshape", ["r3"], ["back"], { shape: [batch, 12, height, width] }),
    node("Reshape", ["back"], ["grouped"], { shape: [batch, 2, 6, height, width] }),
    node("Transpose", ["grouped"], ["swapped"], { perm: [0, 2, 1, 3, 4] }),
    node("Reshape", ["swapped"], ["y"], { shape: [batch, 12, height, width] }),
  ]);
};

/** SimAM: the variance over all cells but one, then a mean spelled as sum and product. */
const counted: Model = (size) => {
  const [, height, width] = size;
  const axes = { axes: [2, 3], keepDims: true };
  return model(size, "y", [
    node("ReduceMean", ["images"], ["mean"], axes),
    node("Sub", ["images", "mean"], ["off"], {}),
    node("Mul", ["off", "off"], ["square"], {}),
    node("ReduceSum", ["square"], ["total"], axes),
    node("Div", ["total", "but_one"], ["variance"], {}),
    node("Div", ["square", "variance"], ["energy"], {}),
    node("ReduceSum", ["energy"], ["energies"], axes),
    node("Mul", ["share", "energies"], ["y"], {}),
  ], { but_one: scalar(height * width - 1), share: scalar(1 / (height * width)) });
};

/** Every model, by what is changed in it. */
export const MODELS: Record<string, Model> = {
  "cell centres and strides": anchorFree(0.5, false),
  "cell corners in pixels": anchorFree(0, true),
  "cell centres in pixels": anchorFree(0.5, true),
  "cells before coordinates": cellsFirst,
  "anchor boxes": anchorBased,
  "attention with heads of their own": attention(false),
  "attention with heads in the batch": attention(true),
  "every second pixel": focus,
  "flips and halves": halves,
  "joined levels taken apart": takenApart,
  "upsampling": upsampled,
  "shuffles": shuffles,
  "counts of elements": counted,
};
