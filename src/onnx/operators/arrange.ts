/**
 * ONNX operators that pick, join and move elements.
 *
 * @module
 */

import { boundsWithin, equalParts } from "../../passes/sizes/rule.ts";
import { ALIAS, type Draft, draft, type OnnxOperator } from "../draft.ts";
import { sizeOf } from "../../graph/graph.ts";
import { DraftList } from "../draft_list.ts";
import { broadcast } from "../fold/evaluate.ts";
import type { NodeReader } from "../reader.ts";

/** From here on exporters mean "to the end" (int32's largest number; int64's is larger still). */
const TO_THE_END = 2 ** 31 - 1;

export const concat: OnnxOperator = (node) => {
  const inputs = node.operands(1);
  if (!node.gives("axis")) node.fail(`lacks attribute "axis"`);
  return draft(node, "Concat", { axis: node.axis(node.int("axis", 0), node.shape(0).length) }, { inputs });
};

export const split: OnnxOperator = (node) => {
  const shape = node.shape(0);
  const axis = node.axis(node.int("axis", 0), shape.length);
  const given = node.opset < 13 ? node.ints("split") : node.numbers(1, "sizes");
  const count = node.int("num_outputs", node.outputs.length);
  if (count !== node.outputs.length) node.fail(`num_outputs ${count} but ${node.outputs.length} outputs`);
  const outputs = node.outputs.map((name, index) => name || node.fail(`output ${index} has no name`));
  if (given) return draft(node, "Split", { axis, sizes: given }, { outputs });
  const sizeRule = { uneven: node.opset >= 18 };
  return draft(node, "Split", { axis, sizes: equalParts(shape[axis], count, sizeRule) }, { outputs, sizeRule });
};

/** Attributes before operator set 10, inputs since. */
function sliceLists(node: NodeReader) {
  const list = (name: string, index: number) => node.opset < 10 ? node.ints(name) : node.numbers(index, name);
  const starts = list("starts", 1) ?? node.fail("lacks starts");
  const ends = list("ends", 2) ?? node.fail("lacks ends");
  const axes = list("axes", 3) ?? starts.map((_, index) => index);
  const steps = node.opset < 10 ? starts.map(() => 1) : list("steps", 4) ?? starts.map(() => 1);
  if ([ends, axes, steps].some(({ length }) => length !== starts.length)) {
    node.fail(
      `${starts.length} starts, ${ends.length} ends, ${axes.length} axes and ${steps.length} steps do not match`,
    );
  }
  return { starts, ends, axes, steps };
}

export const slice: OnnxOperator = (node) => {
  const shape = node.shape(0);
  const given = sliceLists(node);
  const axes = given.axes.map((axis) => node.axis(axis, shape.length));
  const { steps } = given;
  const { starts, ends } = boundsWithin(shape, { axes, steps }, given);
  // Bounds counted from the end move with it; those counted from the front may be an extent that the exporter fixed.
  const follows = given.ends.every((end) => end < 0 || end >= TO_THE_END);
  const sizeRule = follows ? { starts: given.starts, ends: given.ends } : undefined;
  return draft(node, "Slice", { axes, starts, ends, steps }, { sizeRule });
};

export const transpose: OnnxOperator = (node) => {
  const rank = node.shape(0).length;
  const perm = node.ints("perm") ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  return draft(node, "Transpose", { perm });
};

/** Elements at fixed indices: one, or evenly spaced ones, as Slice (and Reshape where the axis goes away). */
export const gather: OnnxOperator = (node) => {
  const shape = node.shape(0);
  const axis = node.axis(node.int("axis", 0), shape.length);
  const indices = node.known(1, "indices") ?? node.fail("lacks indices");
  const numbers = Array.from(indices.data, (index) => index < 0 ? index + shape[axis] : index);
  const outside = numbers.find((index) => !(index >= 0 && index < shape[axis]));
  if (outside !== undefined) node.fail(`index ${outside} is outside axis ${axis} of [${shape.join(",")}]`);
  const runs = evenRuns(numbers);
  if (runs.length === 0 || runs.length > MOST_RUNS) {
    node.fail(`${numbers.length} indices fall into ${runs.length} evenly spaced runs; 1 to ${MOST_RUNS} are supported`);
  }
  const list = new DraftList(node);
  const parts = runs.map(({ start, step, count }) => {
    const end = start + count * step;
    return list.add("Slice", [node.input(0)], {
      axes: [axis],
      starts: [start],
      // Never beyond the extent, as the last step may be.
      ends: [step < 0 ? Math.max(-1, end) : Math.min(shape[axis], end)],
      steps: [step],
    });
  });
  const joined = parts.length === 1 ? parts[0] : list.add("Concat", parts, { axis });
  if (indices.shape.length !== 1) {
    list.add("Reshape", [joined], { shape: [...shape.slice(0, axis), ...indices.shape, ...shape.slice(axis + 1)] });
  }
  return list.finish();
};

/** Parts that a Gather or Tile is made of; each is a dispatch. */
const MOST_RUNS = 64;

/** Evenly spaced indices one behind the other. */
function evenRuns(indices: readonly number[]): { start: number; step: number; count: number }[] {
  const runs: { start: number; step: number; count: number }[] = [];
  for (const index of indices) {
    const run = runs.at(-1);
    if (run?.count === 1 && index !== run.start) Object.assign(run, { step: index - run.start, count: 2 });
    else if (run && run.count > 1 && index === run.start + run.count * run.step) run.count++;
    else runs.push({ start: index, step: 1, count: 1 });
  }
  return runs;
}

/** Copies along an axis, joined. */
function repeated(node: NodeReader, list: DraftList, x: string, axis: number, times: number): string {
  if (times > MOST_RUNS) node.fail(`repeating axis ${axis} ${times} times is supported only for constants`);
  return list.add("Concat", Array<string>(times).fill(x), { axis });
}

export const tile: OnnxOperator = (node) => {
  const shape = node.shape(0), times = node.numbers(1, "repeats") ?? node.fail("lacks repeats");
  if (times.length !== shape.length) node.fail(`${times.length} repeats do not go with [${shape.join(",")}]`);
  if (times.some((count) => count < 1)) node.fail(`repeats [${times.join(",")}] leave nothing`);
  const list = new DraftList(node);
  const tiled = times.reduce(
    (made, count, axis) => count === 1 ? made : repeated(node, list, made, axis, count),
    node.input(0),
  );
  return tiled === node.input(0) ? ALIAS : list.finish();
};

const PAD_MODES = ["constant", "reflect", "edge"] as const;

/** Attributes before operator set 11, inputs since; since 18 with a choice of axes. */
export const pad: OnnxOperator = (node) => {
  const rank = node.shape(0).length;
  const asInputs = node.opset >= 11;
  const given = (asInputs ? node.numbers(1, "pads") : node.ints("pads")) ?? node.fail("lacks pads");
  const value = !asInputs ? node.float("value", 0) : node.tensor(2)?.data.length === 0 ? 0 : node.scalar(2, "value", 0);
  const chosen = asInputs && node.has(3) ? node.numbers(3, "axes") : undefined;
  const axes = chosen?.map((axis) => node.axis(axis, rank)) ?? Array.from({ length: rank }, (_, axis) => axis);
  const name = node.string("mode", "constant");
  const mode = PAD_MODES.find((known) => known === name) ?? node.fail(`mode "${name}" is not supported`);
  if (given.length !== 2 * axes.length) node.fail(`${given.length} pads do not go with ${axes.length} axes`);
  const pads = Array<number>(2 * rank).fill(0);
  axes.forEach((axis, index) => {
    pads[axis] = given[index];
    pads[rank + axis] = given[axes.length + index];
  });
  if (pads.every((amount) => amount >= 0)) return draft(node, "Pad", { mode, pads, value });
  if (mode !== "constant") node.fail(`negative pads [${given.join(",")}] in mode "${mode}" are not supported`);
  const list = new DraftList(node), cut = pads.map((amount) => Math.max(0, -amount));
  const shape = node.shape(0), all = shape.map((_, axis) => axis);
  const inner = list.add("Slice", [node.input(0)], {
    axes: all,
    starts: all.map((axis) => cut[axis]),
    ends: all.map((axis) => shape[axis] - cut[rank + axis]),
    steps: all.map(() => 1),
  });
  if (pads.some((amount) => amount > 0)) {
    list.add("Pad", [inner], { mode, pads: pads.map((amount) => Math.max(0, amount)), value });
  }
  return list.finish();
};

/** Where it changes nothing its input; else a sum with zeros of that shape, which broadcasts. */
export const expand: OnnxOperator = (node): Draft[] | typeof ALIAS => {
  const shape = node.shape(0);
  const target = node.numbers(1, "shape") ?? node.fail("lacks shape");
  if (!target.every((extent) => extent >= 0)) node.fail(`cannot expand [${shape.join(",")}] to [${target.join(",")}]`);
  const offset = shape.length - target.length;
  const same = offset >= 0 && target.every((extent, index) => extent === 1 || extent === shape[offset + index]);
  if (same) return ALIAS;
  const wide = broadcast(shape, target) ?? node.fail(`cannot expand [${shape.join(",")}] to [${target.join(",")}]`);
  const { dtype } = node.type(0);
  if (dtype !== "f32" && dtype !== "i32") {
    node.fail(`expanding ${dtype} [${shape.join(",")}] is supported only for constants`);
  }
  node.spend(sizeOf(wide));
  const list = new DraftList(node);
  // Axes that are there already are 1 in the zeros.
  const zeros = wide.map((extent, axis) => extent === shape[axis - wide.length + shape.length] ? 1 : extent);
  const expanded = list.binary("Add", list.float(0), list.numbers(zeros, new Float32Array(sizeOf(zeros))));
  // Places of elements stay whole: floats hold them.
  if (dtype === "i32") list.add("Cast", [expanded], { to: "i32" });
  return list.finish();
};
