/**
 * ONNX operators between floats and whole numbers, and products of whole numbers: what quantized models are made of.
 *
 * A DequantizeLinear of constants is not computed at import, unlike other nodes of constants: it is how a file keeps weights in
 * bytes, and computing it would make floats of them for good.
 *
 * @module
 */

import type { ElementType } from "../../graph/graph.ts";
import { ALIAS, draft, type OnnxOperator } from "../draft.ts";
import { DraftList } from "../draft_list.ts";
import type { NodeReader } from "../reader.ts";
import { elementType, type OnnxTensor, tensorOf } from "../tensor.ts";
import { convolution } from "./window.ts";

/** Axis of the scales; 0 if there is one for the whole tensor, whatever the file says. */
function scaleAxis(node: NodeReader): number {
  const scale = node.shape(1);
  const axis = node.int("axis", 1);
  if (node.int("block_size", 0) !== 0) node.fail("scales of blocks (block_size) are not supported");
  const isSingle = scale.length === 0 || (scale.length === 1 && scale[0] === 1);
  return isSingle ? 0 : node.axis(axis, node.shape(0).length);
}

/** The zero point that stands where none is given. */
function noOffset(node: NodeReader, dtype: ElementType): () => OnnxTensor {
  const shape = node.shape(1);
  return () => tensorOf(dtype, shape, new Uint8Array(shape[0] ?? 1));
}

export const quantizeLinear: OnnxOperator = (node) => {
  // Only 8-bit floats can overflow into something else than the greatest number.
  node.ignore("saturate");
  // Floats of other widths are computed as f32 all the same.
  if (node.opset >= 23) node.ignore("precision");
  const axis = scaleAxis(node);
  const stated = node.int("output_dtype", 0);
  const { name, dtype } = elementType(stated || 2);
  if (dtype !== "i8" && dtype !== "u8") return node.fail(`output_dtype ${name} is not supported (int8 and uint8 are)`);
  if (stated && node.has(2) && node.type(2).dtype !== dtype) {
    node.fail(`output_dtype ${name} contradicts the zero point, which is ${node.type(2).dtype}`);
  }
  const zeroPoint = node.inputOr(2, "zero_point", noOffset(node, dtype));
  return draft(node, "QuantizeLinear", { axis }, { inputs: [node.input(0), node.input(1), zeroPoint] });
};

export const dequantizeLinear: OnnxOperator = (node) => {
  const axis = scaleAxis(node);
  const stated = node.int("output_dtype", 0);
  if (stated && elementType(stated).dtype !== "f32") {
    node.fail(`output_dtype ${elementType(stated).name} is not supported`);
  }
  const zeroPoint = node.inputOr(2, "zero_point", noOffset(node, node.type(0).dtype));
  return draft(node, "DequantizeLinear", { axis }, { inputs: [node.input(0), node.input(1), zeroPoint] });
};

export const dynamicQuantizeLinear: OnnxOperator = (node) => {
  // Scale and zero point are made even where nothing takes them, but a name they need.
  const outputs = ["output", "scale", "zero_point"].map((what, index) => node.outputs[index] || `${node.name}/${what}`);
  return draft(node, "DynamicQuantizeLinear", {}, { outputs });
};

/** The two factors and their zero points. */
function factors(node: NodeReader): string[] {
  const zeroPoint = (factor: number, what: string) =>
    node.inputOr(2 + factor, what, () => tensorOf(node.type(factor).dtype, [], [0]));
  return [node.input(0), node.input(1), zeroPoint(0, "zero_point"), zeroPoint(1, "weight_zero_point")];
}

export const convInteger: OnnxOperator = (node) => {
  const { attributes, sizeRule } = convolution(node);
  return draft(node, "ConvInteger", attributes, { inputs: factors(node), sizeRule });
};

export const matMulInteger: OnnxOperator = (node) => draft(node, "MatMulInteger", {}, { inputs: factors(node) });

/** Between float types nothing is left to do: float16 and double are computed as f32. */
export const cast: OnnxOperator = (node) => {
  // Both concern 8-bit floats alone.
  node.ignore("saturate", "round_mode");
  const { name, dtype: to } = elementType(node.int("to", 0));
  const { dtype, shape } = node.type(0);
  if (to === "f64" || to === dtype) return to === "f64" && dtype !== "f32" ? draft(node, "Cast", { to: "f32" }) : ALIAS;
  if (to === "f32" || to === "i32" || to === "i8" || to === "u8") return draft(node, "Cast", { to });
  // Whole numbers that are computed are those that f32 holds, whatever their type.
  if (to === "i64") return draft(node, "Cast", { to: "i32" });
  if (to === "bool") {
    const list = new DraftList(node);
    list.not(list.binary("Equal", list.float(0), list.number(0)));
    return list.finish();
  }
  return node.fail(`casting ${dtype} [${shape.join(",")}] to ${name} is supported only for constants`);
};
