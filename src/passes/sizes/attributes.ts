/**
 * Attributes for the new extents, operator by operator: the numbers that an exporter fixed for one size are found out and
 * replaced. Most operators have none.
 *
 * @module
 */

import {
  dispatch,
  type Node,
  type Operator,
  type OperatorAttributes,
  type OperatorFunctions,
} from "../../graph/operators.ts";
import { eachUnary } from "../../graph/unary.ts";
import { isPlainScale, resizedExtent } from "./resized_extent.ts";
import { changes, type Dim, partsOf, shapeOf, valueOf } from "./dim.ts";
import { regroup } from "./regroup.ts";
import { kindOf, refuse, refuseTraining, type ResizedNode, showChange } from "./resized_node.ts";
import { eachPair } from "../../graph/pairs.ts";

type Rule<K extends Operator> = (node: Node<K>, resized: ResizedNode) => OperatorAttributes[K];

const keep = (node: Node): Node["attributes"] => node.attributes;

const reshape: Rule<"Reshape"> = (node, { inputs: [dims] }) => {
  const { shape } = node.attributes;
  const out = regroup(dims, shape) ??
    refuse(
      node,
      `nothing says how the fixed shape [${shape.join(",")}] of input [${
        shapeOf(dims, "old").join(",")
      }] changes for ` +
        `input [${shapeOf(dims, "new").join(",")}]`,
    );
  return { shape: shapeOf(out, "new") };
};

/** New place of a bound: an end of the axis or a seam between joined parts; undefined for any other place. */
function seam(dim: Dim, place: number): number | undefined {
  let old = 0, next = 0;
  if (place === 0) return 0;
  for (const part of partsOf(dim)) {
    old += valueOf(part, "old");
    next += valueOf(part, "new");
    if (old === place) return next;
  }
  return undefined;
}

const slice: Rule<"Slice"> = (node, { inputs: [dims] }) => {
  const { axes, steps } = node.attributes;
  const starts = [...node.attributes.starts], ends = [...node.attributes.ends];
  axes.forEach((axis, index) => {
    const dim = dims[axis], step = steps[index], start = starts[index], end = ends[index];
    if (!changes(dim)) return;
    const old = valueOf(dim, "old"), next = valueOf(dim, "new");
    if (step > 0) {
      // A start within the first step picks a phase (every second row), whatever the extent.
      starts[index] = seam(dim, start) ?? (start < step ? start : NaN);
      ends[index] = seam(dim, end) ?? NaN;
    } else {
      starts[index] = start === old - 1 ? next - 1 : NaN;
      ends[index] = end === -1 ? -1 : NaN;
    }
    if (Number.isNaN(starts[index]) || Number.isNaN(ends[index])) {
      refuse(
        node,
        `nothing says how the part ${start}:${end} of axis ${axis} changes with its extent (${showChange(old, next)})`,
      );
    }
  });
  return { axes, starts, ends, steps };
};

const split: Rule<"Split"> = (node, { inputs: [dims] }) => {
  const { axis, sizes } = node.attributes;
  const dim = dims[axis];
  if (!changes(dim)) return node.attributes;
  const next = valueOf(dim, "new");
  let place = 0, before = 0;
  const atSeams = sizes.map((size) => {
    place += size;
    const end = seam(dim, place) ?? NaN;
    const part = end - before;
    before = end;
    return part;
  });
  if (!atSeams.some(Number.isNaN)) return { axis, sizes: atSeams };
  const equal = next / sizes.length;
  if (sizes.every((size) => size === sizes[0]) && Number.isInteger(equal)) {
    return { axis, sizes: sizes.map(() => equal) };
  }
  return refuse(
    node,
    `nothing says how the sizes [${sizes.join(",")}] change with axis ${axis} (${
      showChange(valueOf(dim, "old"), next)
    })`,
  );
};

const resize: Rule<"Resize"> = (node, { inputs: [dims], lookUp }) => {
  const { attributes } = node;
  const axes = ([0, 1] as const).map((axis) => {
    const dim = dims[2 + axis], size = attributes.size[axis], scale = attributes.scales[axis];
    if (!changes(dim)) return { size, scale };
    const old = valueOf(dim, "old"), next = valueOf(dim, "new");
    // Any other may be the quotient of two extents, one of them fixed.
    if (isPlainScale(scale) && resizedExtent(old, scale) === size) {
      return { size: resizedExtent(next, scale), scale };
    }
    const found = lookUp(kindOf(dim), size) ?? next * size / old;
    if (!Number.isInteger(found)) {
      refuse(
        node,
        `nothing says how the fixed size ${size} changes with the input's extent (${showChange(old, next)})`,
      );
    }
    return { size: found, scale: found / next };
  });
  return { ...attributes, size: [axes[0].size, axes[1].size], scales: [axes[0].scale, axes[1].scale] };
};

const RULES: OperatorFunctions<[resized: ResizedNode], Node["attributes"]> = {
  Conv: keep,
  ConvTranspose: keep,
  BatchNormalization: keep,
  ...eachUnary(() => keep),
  Add: keep,
  Sub: keep,
  Mul: keep,
  Div: keep,
  ...eachPair(() => keep),
  MaxPool: keep,
  AveragePool: keep,
  GlobalAveragePool: keep,
  ReduceMean: keep,
  ReduceSum: keep,
  ReduceMax: keep,
  Gemm: keep,
  MatMul: keep,
  Softmax: keep,
  Concat: keep,
  Split: split,
  Slice: slice,
  Reshape: reshape,
  Transpose: keep,
  TopK: keep,
  GatherElements: keep,
  Resize: resize,
  Pad: keep,
  QuantizeLinear: keep,
  DequantizeLinear: keep,
  DynamicQuantizeLinear: keep,
  ConvInteger: keep,
  MatMulInteger: keep,
  Cast: keep,
  UnpackWeights: keep,
  ConvWeightGradient: refuseTraining,
  BatchNormTraining: refuseTraining,
  BatchNormGradient: refuseTraining,
  BatchNormApply: refuseTraining,
  ActivationGradient: refuseTraining,
  MaxPoolGradient: refuseTraining,
  ReduceMaxGradient: refuseTraining,
  ResizeGradient: refuseTraining,
  SoftmaxGradient: refuseTraining,
  DetectionLoss: refuseTraining,
  AnchorLoss: refuseTraining,
  FakeQuantize: refuseTraining,
  FakeQuantizeWeights: refuseTraining,
  NoisyQuantize: refuseTraining,
};

/** Attributes of the node for its new input extents. Throws FeatherdetError if nothing says what they are. */
export function newAttributes(node: Node, resized: ResizedNode): Node["attributes"] {
  return dispatch(RULES, node, resized);
}
