/**
 * What removing and zeroing channels share: the slices that a list of coupling groups stands for, checked against the graph.
 *
 * @module
 */

import type { CouplingGroup } from "../graph/channels/mod.ts";
import { type Constant, FeatherdetError, type Graph, type Shape } from "../graph/mod.ts";

/** Indices by axis, by the name of a constant or value. */
export type Slices = Map<string, Map<number, Set<number>>>;

function add(slices: Slices, name: string, axis: number, indices: readonly number[]): void {
  let axes = slices.get(name);
  if (!axes) slices.set(name, axes = new Map());
  const set = axes.get(axis);
  if (set) { for (const index of indices) set.add(index); }
  else axes.set(axis, new Set(indices));
}

/** Slices of constants that groups stand for; with `zeroed`, of those alone that have to be zero. */
export function constantSlices(graph: Graph, groups: readonly CouplingGroup[], zeroed = false): Slices {
  const slices: Slices = new Map();
  for (const group of groups) {
    for (const { node, operator, constant, axis, extent, indices, zeroed: isZeroed } of group.members) {
      const shape = graph.constants.get(constant)?.shape;
      if (shape?.[axis] !== extent) {
        const found = shape === undefined ? "there is none" : `it is [${shape.join(",")}]`;
        throw new FeatherdetError(
          `a coupling group of another graph: constant "${constant}" had ${extent} slices along axis ${axis}, here ${found}`,
          { node, operator },
        );
      }
      if (isZeroed || !zeroed) add(slices, constant, axis, indices);
    }
  }
  return slices;
}

/** Slices of values that groups stand for. */
export function valueSlices(groups: readonly CouplingGroup[]): Slices {
  const slices: Slices = new Map();
  for (const { values } of groups) {
    for (const { value, axis, indices } of values) add(slices, value, axis, indices);
  }
  return slices;
}

/** Calls `visit` with the start and length of every run of elements that lies in the slice at an index along an axis. */
function forEachRun(shape: Shape, axis: number, visit: (index: number, start: number, length: number) => void): void {
  const inner = shape.slice(axis + 1).reduce((product, extent) => product * extent, 1);
  const outer = shape.slice(0, axis).reduce((product, extent) => product * extent, 1);
  for (let row = 0; row < outer; row++) {
    for (let index = 0; index < shape[axis]; index++) visit(index, (row * shape[axis] + index) * inner, inner);
  }
}

/** The constant with slices along an axis set to zero. */
export function withZeros(constant: Constant, axis: number, indices: ReadonlySet<number>): Constant {
  const data = constant.data.slice();
  forEachRun(constant.shape, axis, (index, start, length) => {
    if (indices.has(index)) data.fill(0, start, start + length);
  });
  return { ...constant, data };
}

/** The constant without slices along an axis. */
export function withoutSlices(constant: Constant, axis: number, indices: ReadonlySet<number>): Constant {
  const shape = constant.shape.map((extent, at) => at === axis ? extent - indices.size : extent);
  const { data } = constant;
  const kept = data.slice(0, shape.reduce((product, extent) => product * extent, 1));
  let to = 0;
  forEachRun(constant.shape, axis, (index, start, length) => {
    if (indices.has(index)) return;
    kept.set(data.subarray(start, start + length), to);
    to += length;
  });
  return { dtype: constant.dtype, shape, data: kept };
}
