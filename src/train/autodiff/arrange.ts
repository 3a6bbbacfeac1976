/**
 * Gradients of operators that only move elements: moved back, summed where an element was used more than once, zero where not at all.
 *
 * @module
 */

import type { Node } from "../../graph/mod.ts";
import type { GradientContext } from "./context.ts";
import { type GradientRule, notDifferentiable, only } from "./rule.ts";

/** Concat: each input's part. */
export const concat: GradientRule<"Concat"> = (node, request) => {
  const { context, wanted, base } = request;
  const { axis } = node.attributes;
  const dy = only(request);
  const sizes = node.inputs.map((name) => context.shapeOf(name)[axis]);
  if (wanted.filter(Boolean).length > 1) {
    const parts = context.several("Split", base, [dy], { axis, sizes }, sizes.map((_, i) => `${i}`));
    return parts.map((part, i) => wanted[i] ? part : undefined);
  }
  let start = 0;
  return sizes.map((size, i) => {
    const first = start;
    start += size;
    return wanted[i] ? context.slice(base, dy, axis, first, start) : undefined;
  });
};

/** Split: the parts joined, with zeros for those without a gradient. */
export const split: GradientRule<"Split"> = (node, { context, gradients, base }) => {
  const { axis, sizes } = node.attributes;
  let gap = 0;
  const parts: { value: string; before: number; behind: number }[] = [];
  gradients.forEach((value, i) => {
    if (value !== undefined) {
      parts.push({ value, before: parts.length === 0 ? gap : 0, behind: 0 });
      gap = 0;
    } else if (parts.length === 0) gap += sizes[i];
    else parts[parts.length - 1].behind += sizes[i];
  });
  const padded = parts.map(({ value, before, behind }) => context.pad(`${base}/part`, value, axis, before, behind));
  return [padded.length === 1 ? padded[0] : context.one("Concat", base, padded, { axis })];
};

/** A value with its elements `step` apart along an axis, zeros between them and behind the last. */
function spread(context: GradientContext, base: string, value: string, axis: number, step: number): string {
  if (step === 1) return value;
  const shape = context.shapeOf(value);
  const columns = context.reshape(`${base}/columns`, value, shape.toSpliced(axis + 1, 0, 1));
  const padded = context.pad(`${base}/zeros`, columns, axis + 1, 0, step - 1);
  return context.reshape(`${base}/spread`, padded, shape.with(axis, shape[axis] * step));
}

/** The elements of an axis in reverse order. */
function reversed(context: GradientContext, base: string, value: string, axis: number): string {
  return context.slice(base, value, axis, context.shapeOf(value)[axis] - 1, -1, -1);
}

/** Slice: back to where the elements came from, zeros elsewhere. */
export const slice: GradientRule<"Slice"> = (node, request) => {
  const { context, base } = request;
  const { axes, starts, steps } = node.attributes;
  const shape = context.shapeOf(node.inputs[0]);
  const gradient = axes.reduce((value, axis, i) => {
    const name = `${base}/axis_${axis}`;
    const count = context.shapeOf(value)[axis];
    const step = Math.abs(steps[i]);
    const forward = steps[i] > 0 || count === 1 ? value : reversed(context, `${name}/reversed`, value, axis);
    const start = steps[i] > 0 ? starts[i] : starts[i] - (count - 1) * step;
    const apart = spread(context, name, forward, axis, step);
    const extent = Math.min(count * step, shape[axis] - start);
    const cut = context.slice(`${name}/cut`, apart, axis, 0, extent);
    return context.pad(`${name}/pad`, cut, axis, start, shape[axis] - start - extent);
  }, only(request));
  return [gradient];
};

/** Reshape: the input's shape. */
export const reshape: GradientRule<"Reshape"> = (node, request) => [
  request.context.reshape(request.base, only(request), request.context.shapeOf(node.inputs[0])),
];

/** Transpose: the inverse order. */
export const transpose: GradientRule<"Transpose"> = (node, request) => {
  const { perm } = node.attributes;
  const inverse = perm.map((_, axis) => perm.indexOf(axis));
  return [request.context.one("Transpose", request.base, [only(request)], { perm: inverse })];
};

/** What the border of one side adds to the elements that it repeats, as a value of the unpadded extent. */
function borderGradient(
  context: GradientContext,
  base: string,
  gradient: string,
  { mode, axis, extent, before, amount, side }: {
    readonly mode: "reflect" | "edge";
    readonly axis: number;
    readonly extent: number;
    readonly before: number;
    readonly amount: number;
    readonly side: "before" | "behind";
  },
): string {
  const start = side === "before" ? 0 : before + extent;
  const border = context.slice(`${base}/border`, gradient, axis, start, start + amount);
  if (mode === "edge") {
    const sum = amount === 1
      ? border
      : context.one("ReduceSum", `${base}/sum`, [border], { axes: [axis], keepDims: true });
    return side === "before"
      ? context.pad(`${base}/pad`, sum, axis, 0, extent - 1)
      : context.pad(`${base}/pad`, sum, axis, extent - 1, 0);
  }
  const mirrored = amount === 1 ? border : reversed(context, `${base}/mirrored`, border, axis);
  // The element at the edge itself is not repeated.
  return side === "before"
    ? context.pad(`${base}/pad`, mirrored, axis, 1, extent - 1 - amount)
    : context.pad(`${base}/pad`, mirrored, axis, extent - 1 - amount, 1);
}

/** Pad: the middle, and what borders that repeat elements add to it. */
export const pad: GradientRule<"Pad"> = (node, request) => {
  const { context, base } = request;
  const { mode, pads } = node.attributes;
  const shape = context.shapeOf(node.inputs[0]);
  const gradient = shape.reduce((value, extent, axis) => {
    const before = pads[axis], behind = pads[shape.length + axis];
    const name = `${base}/axis_${axis}`;
    const parts = [context.slice(`${name}/middle`, value, axis, before, before + extent)];
    if (mode !== "constant") {
      for (const [side, amount] of [["before", before], ["behind", behind]] as const) {
        if (amount === 0) continue;
        const border = { mode, axis, extent, before, amount, side };
        parts.push(borderGradient(context, `${name}/${side}`, value, border));
      }
    }
    return parts.reduce((sum, part) => context.one("Add", `${name}/add`, [sum, part], {}));
  }, only(request));
  return [gradient];
};

/** Cast: f32 to f32 changes nothing; anything else is a step. */
export const cast = (node: Node<"Cast">, request: Parameters<GradientRule<"Cast">>[1]) => {
  if (request.context.typeOf(node.inputs[0]).dtype !== "f32") return [undefined];
  if (node.attributes.to === "f32") return [only(request)];
  return notDifferentiable("whole numbers have no slope")(node, request);
};
