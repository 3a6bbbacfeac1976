/**
 * Attributes by rule: what `auto_pad`, Squeeze, a Slice counted from the end and the like come to for inputs of given extents. The importer
 * asks for the extents of the file, `changeShapes` for new ones.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { type Shape, sizeOf, type TensorType } from "../../graph/graph.ts";
import type { Node, OperatorAttributes, Pair } from "../../graph/operators.ts";
import type { RegroupedExtent, SizeRules } from "../../graph/size_rules.ts";
import { samePads, sameTransposedPads } from "./pads.ts";
import { resizedByScales } from "./resized_extent.ts";

const show = (shape: Shape) => `[${shape.join(",")}]`;

/** Height and width of `[N,C,H,W]`. */
const imageOf = ({ shape }: TensorType): Pair => [shape[2], shape[3]];

/** Parts of as equal a size as operator set 18 wants: all rounded up, the last takes what is left. Throws FeatherdetError for too many. */
export function equalParts(extent: number, count: number, { uneven }: SizeRules["Split"]): number[] {
  const size = Math.ceil(extent / count);
  const last = extent - size * (count - 1);
  if (last < 1 || (!uneven && last !== size)) {
    throw new FeatherdetError(`cannot split extent ${extent} into ${count} parts`);
  }
  return [...Array<number>(count - 1).fill(size), last];
}

/** Bounds within the extents of the axes, of bounds that are counted from the end or lie beyond it. */
export function boundsWithin(
  shape: Shape,
  { axes, steps }: Pick<OperatorAttributes["Slice"], "axes" | "steps">,
  stated: SizeRules["Slice"],
): SizeRules["Slice"] {
  const within = (value: number, index: number, least: number, most: number) => {
    const front = value < 0 ? value + shape[axes[index]] : value;
    return Math.min(Math.max(front, least), most);
  };
  const most = (index: number) => shape[axes[index]] - (steps[index] > 0 ? 0 : 1);
  return {
    starts: stated.starts.map((value, index) => within(value, index, 0, most(index))),
    ends: stated.ends.map((value, index) => within(value, index, steps[index] > 0 ? 0 : -1, most(index))),
  };
}

/** A shape regrouped; a number stands for itself. Undefined where that cannot be. */
export function regrouped(shape: Shape, extents: readonly (RegroupedExtent | number)[]): number[] | undefined {
  const known = extents.map((extent) => {
    if (extent === "rest" || typeof extent === "number") return extent;
    return extent.reduce((product, axis) => product * (shape[axis] ?? NaN), 1);
  });
  const rest = sizeOf(shape) / sizeOf(known.filter((extent) => extent !== "rest"));
  const made = known.map((extent) => extent === "rest" ? rest : extent);
  return made.every(Number.isInteger) ? made : undefined;
}

/** The axis from `from` on whose extent is not 1, `from` itself if there is none. Undefined where there are several. */
export function wideAxis(shape: Shape, { from }: SizeRules["Softmax"]): number | undefined {
  const wide = shape.map((_, axis) => axis).filter((axis) => axis >= from && shape[axis] !== 1);
  return wide.length > 1 ? undefined : wide[0] ?? from;
}

type Convolution = "Conv" | "ConvInteger";
type Pool = "MaxPool" | "AveragePool";

const convolution = <K extends Convolution>(node: Node<K>, rule: SizeRules[K], [x, weight]: readonly TensorType[]) => {
  const { attributes } = node as Node<Convolution>;
  return { ...attributes, pads: samePads(imageOf(x), { ...attributes, kernel: imageOf(weight) }, rule) };
};

const pool = <K extends Pool>(
  node: Node<K>,
  rule: SizeRules[K],
  [x]: readonly TensorType[],
): OperatorAttributes[K] => ({
  ...node.attributes,
  pads: samePads(imageOf(x), node.attributes, rule),
});

const RULES: {
  readonly [K in keyof SizeRules]: (
    node: Node<K>,
    rule: SizeRules[K],
    inputs: readonly TensorType[],
  ) => OperatorAttributes[K];
} = {
  Conv: convolution,
  ConvInteger: convolution,
  ConvTranspose: ({ attributes }, rule, [x, weight]) => ({
    ...attributes,
    pads: sameTransposedPads(imageOf(x), { ...attributes, kernel: imageOf(weight) }, rule),
  }),
  MaxPool: pool,
  AveragePool: pool,
  Split: ({ attributes: { axis, sizes } }, rule, [{ shape }]) => ({
    axis,
    sizes: equalParts(shape[axis], sizes.length, rule),
  }),
  Slice: ({ attributes }, rule, [{ shape }]) => ({ ...attributes, ...boundsWithin(shape, attributes, rule) }),
  Reshape: (_, { extents }, [{ shape }]) => {
    const made = regrouped(shape, extents);
    if (made && sizeOf(made) === sizeOf(shape)) return { shape: made };
    const kept = extents.map((extent) => extent === "rest" ? "rest" : `axes ${show(extent)}`).join(", ");
    throw new FeatherdetError(`cannot shape ${show(shape)} as ${kept}`);
  },
  Resize: ({ attributes }, { scales }, [x]) => ({ ...attributes, ...resizedByScales(imageOf(x), scales) }),
  Softmax: (_, rule, [{ shape }]) => {
    const axis = wideAxis(shape, rule);
    if (axis !== undefined) return { axis };
    throw new FeatherdetError(`the softmax of ${show(shape)} from axis ${rule.from} on runs over several axes`);
  },
};

/** Attributes of a node by its rule for inputs of the given types. Throws FeatherdetError, with the node, where they do not fit. */
export function attributesByRule(
  { sizeRule, ...node }: Node,
  inputs: readonly TensorType[],
): Node["attributes"] | undefined {
  if (sizeRule === undefined) return undefined;
  // The union ties operator and rule together, which the compiler cannot follow.
  const rule = RULES[node.op as keyof SizeRules] as (...args: unknown[]) => Node["attributes"];
  try {
    return rule(node, sizeRule, inputs);
  } catch (error) {
    throw error instanceof FeatherdetError ? error.at({ node: node.name, operator: node.op }) : error;
  }
}

function sameAttributes(a: Node["attributes"], b: Node["attributes"]): boolean {
  const [left, right] = [a, b].map((attributes): Readonly<Record<string, unknown>> => ({ ...attributes }));
  return Object.keys({ ...left, ...right }).every((name) => String(left[name]) === String(right[name]));
}

/**
 * Whether a node has a rule that gives the attributes that it has, for the types of its inputs. Another one is left over from before a pass
 * set attributes.
 */
export function isRuleCurrent(node: Node, inputs: readonly TensorType[]): boolean {
  try {
    const attributes = attributesByRule(node, inputs);
    return attributes !== undefined && sameAttributes(attributes, node.attributes);
  } catch (error) {
    if (error instanceof FeatherdetError) return false;
    throw error;
  }
}
