/**
 * Constants that exporters bake in for one input size, made again for another: cell grids and values that are the same over a
 * whole feature level.
 *
 * Nothing is taken on trust: a rule is read off the first elements of each level and then has to give every old value exactly.
 *
 * @module
 */

import { type Constant, type ConstantData, sizeOf, stridesOf } from "../../graph/graph.ts";
import { changes, type Dim, type Dims, type Factor, partsOf, shapeOf, valueOf } from "./dim.ts";

/** A factor of the table as a loop: how far apart its steps lie in the old and in the new data. */
interface Loop {
  readonly factor: Factor;
  readonly oldStep: number;
  readonly newStep: number;
}

/** Part of the table over which one rule holds: a feature level, or all of it. */
interface Segment {
  readonly oldStart: number;
  readonly newStart: number;
  /** Over factors that do not change; the rule may differ from one step to the next. */
  readonly fixed: readonly Loop[];
  /** Over factors that change. */
  readonly changing: readonly Loop[];
}

function loopsOf(dim: Dim, oldStride: number, newStride: number): Loop[] {
  const loops: Loop[] = [];
  for (const factor of [...dim].reverse()) {
    loops.unshift({ factor, oldStep: oldStride, newStep: newStride });
    oldStride *= valueOf(factor, "old");
    newStride *= valueOf(factor, "new");
  }
  return loops;
}

/** One segment per part of the axis that is a sum; undefined if there is a sum that is not the whole of one axis. */
function segmentsOf(dims: Dims): Segment[] | undefined {
  const oldStrides = stridesOf(shapeOf(dims, "old")), newStrides = stridesOf(shapeOf(dims, "new"));
  const sums = dims.map((dim, axis) => ({ axis, parts: partsOf(dim) })).filter(({ parts }) => parts.length > 1);
  if (sums.length > 1) return undefined;
  const axis = sums[0]?.axis ?? 0;
  const parts = sums[0]?.parts ?? [dims[axis]];
  let oldStart = 0, newStart = 0;
  const segments = parts.map((part) => {
    const loops = dims.flatMap((dim, index) =>
      loopsOf(index === axis ? part : dim, oldStrides[index], newStrides[index])
    );
    const segment: Segment = {
      oldStart: oldStart * oldStrides[axis],
      newStart: newStart * newStrides[axis],
      fixed: loops.filter(({ factor }) => typeof factor === "number"),
      changing: loops.filter(({ factor }) => typeof factor !== "number"),
    };
    oldStart += valueOf(part, "old");
    newStart += valueOf(part, "new");
    return segment;
  });
  const nested = segments.some(({ changing }) =>
    changing.some(({ factor }) => typeof factor !== "number" && factor.parts)
  );
  return nested ? undefined : segments;
}

type Which = "old" | "new";

/** Calls `visit` with the position and the index of every step of nested loops. */
function each(
  loops: readonly Loop[],
  which: Which,
  start: number,
  visit: (position: number, index: readonly number[]) => void,
): void {
  const index = loops.map(() => 0);
  const step = (depth: number, position: number) => {
    if (depth === loops.length) return visit(position, index);
    const stride = which === "old" ? loops[depth].oldStep : loops[depth].newStep;
    const extent = valueOf(loops[depth].factor, which);
    for (index[depth] = 0; index[depth] < extent; index[depth]++) step(depth + 1, position + index[depth] * stride);
  };
  step(0, start);
}

/** `base + slopes . index`, with at most one slope that is not zero. */
interface Rule {
  readonly base: number;
  readonly slopes: readonly number[];
}

/** Where in a cell a grid may have its point, as a share of the cell. */
const OFFSETS = [0, 0.5, -0.5];

/** The rule that the first elements follow; undefined if they follow none that is known to hold for other extents. */
function readRule(
  data: ConstantData,
  start: number,
  changing: readonly Loop[],
  extents: readonly number[],
): Rule | undefined {
  const base = data[start];
  const slopes: number[] = [];
  for (const { factor, oldStep } of changing) {
    const atom = factor as Exclude<Factor, number>;
    // Along an extent of 1 nothing shows how values change; only along the batch is it known that they do not.
    if (atom.old === 1 && atom.kind !== "n") return undefined;
    slopes.push(atom.old === 1 ? 0 : data[start + oldStep] - base);
  }
  const sloped = slopes.filter((slope) => slope !== 0);
  if (sloped.length === 0) return isShare(base, extents) ? undefined : { base, slopes };
  const [slope] = sloped;
  // Whole pixels a cell: 1, or the level's stride. Anything else may depend on the extents themselves.
  const isGrid = sloped.length === 1 && Number.isInteger(slope) && slope > 0 && OFFSETS.includes(base / slope);
  return isGrid ? { base, slopes } : undefined;
}

/** Whether a value looks like a number of pixels divided by the exported input size, which would be another for another size. */
function isShare(value: number, extents: readonly number[]): boolean {
  const size = Math.abs(value);
  if (size === 0 || size >= 1 || size === 0.5 || size === 0.25) return false;
  return extents.some((extent) => Math.abs(size * extent - Math.round(size * extent)) < 1e-4);
}

/**
 * The table for the new extents; undefined if its values follow no rule that says what they are.
 *
 * `dims` are those of the constant, with the structure of the axes they are broadcast against; `extents` the exported input
 * heights and widths that change.
 */
export function remakeTable(constant: Constant, dims: Dims, extents: readonly number[]): Constant | undefined {
  if (!dims.some(changes)) return constant;
  const segments = constant.dtype === "f32" ? segmentsOf(dims) : undefined;
  if (!segments) return undefined;
  const shape = shapeOf(dims, "new");
  const data = new Float32Array(sizeOf(shape));
  for (const segment of segments) {
    const newStarts: number[] = [];
    each(segment.fixed, "new", segment.newStart, (position) => newStarts.push(position));
    let combination = 0, holds = true;
    each(segment.fixed, "old", segment.oldStart, (start) => {
      const rule = readRule(constant.data, start, segment.changing, extents);
      if (!rule) holds = false;
      if (!rule || !holds) return;
      const value = (index: readonly number[]) =>
        Math.fround(rule.slopes.reduce((total, slope, axis) => total + slope * index[axis], rule.base));
      each(segment.changing, "old", start, (position, index) => holds &&= constant.data[position] === value(index));
      each(segment.changing, "new", newStarts[combination++], (position, index) => data[position] = value(index));
    });
    if (!holds) return undefined;
  }
  return { dtype: "f32", shape, data };
}
