/**
 * Operators on single elements and on pairs of them as nodes of ONNX.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import type { Node } from "../../graph/operators.ts";
import { type PairOperator, PAIRS } from "../../graph/pairs.ts";
import { type UnaryOperator, unaryRow } from "../../graph/unary.ts";
import { ELEMENT_NUMBER, float, int } from "./attributes.ts";
import { type OnnxNode, OPSET, same, type Writer } from "./node.ts";

/** ONNX's number of booleans. */
const BOOLEAN = 9;

/** Bounds are inputs; infinite ones are left out. */
export function clip(node: Node<"Clip">, writer: Writer): OnnxNode[] {
  const bound = (suffix: string, value: number) => Number.isFinite(value) ? writer.numbers(suffix, "float", value) : "";
  const { min, max } = node.attributes;
  const inputs = [node.inputs[0], bound("min", min), bound("max", max)];
  while (inputs.at(-1) === "") inputs.pop();
  return same(node, {}, inputs);
}

/** x * (1 + erf(x / sqrt(2))) / 2, as PyTorch writes it. */
function gelu({ inputs: [x], outputs }: Node<"Gelu">, writer: Writer): OnnxNode[] {
  const number = (name: string, value: number) =>
    writer.shared(name, { dtype: "f32", shape: [], data: Float32Array.of(value) });
  const made: OnnxNode[] = [];
  const make = (op: string, inputs: readonly string[], output = writer.value(op.toLowerCase())) => {
    made.push({ op, inputs, outputs: [output], attributes: {} });
    return output;
  };
  const gate = make("Erf", [make("Div", [x, number("root_of_two", Math.SQRT2)])]);
  make("Mul", [make("Mul", [x, make("Add", [gate, number("one", 1)])]), number("half", 0.5)], outputs[0]);
  return made;
}

/** By its own name where the operator set has it, else as x times the gate of its row. */
export function unary(node: Node<UnaryOperator>, writer: Writer): OnnxNode[] {
  if (node.op === "Gelu") return gelu(node, writer);
  const { onnx, gate } = unaryRow(node.op);
  if (onnx !== undefined && onnx <= OPSET) {
    const attributes = Object.entries(node.attributes).map(([name, value]) => [name, float(value)] as const);
    return same(node, Object.fromEntries(attributes));
  }
  if (gate === undefined) {
    throw new FeatherdetError(`has no form in ONNX operator set ${OPSET}`, { node: node.name, operator: node.op });
  }
  const [x] = node.inputs;
  let value = x;
  const steps = gate.map(({ op, attributes = {} }): OnnxNode => {
    const inputs = [value];
    value = writer.value(op.toLowerCase());
    const numbers = Object.entries(attributes).map(([name, number]) => [name, float(number)] as const);
    return { op, inputs, outputs: [value], attributes: Object.fromEntries(numbers) };
  });
  return [...steps, { op: "Mul", inputs: [x, value], outputs: node.outputs, attributes: {} }];
}

/** By its own name; what ONNX says with booleans becomes floats again. */
export function pair(node: Node<PairOperator>, writer: Writer): OnnxNode[] {
  const cast = (from: string, to: string, type: number): OnnxNode => ({
    op: "Cast",
    inputs: [from],
    outputs: [to],
    attributes: { to: int(type) },
  });
  const truth = writer.value("truth");
  if (node.op === "Mask") {
    const zero = writer.shared("no_number", { dtype: "f32", shape: [], data: new Float32Array(1) });
    const [condition, x] = node.inputs;
    return [cast(condition, truth, BOOLEAN), {
      op: "Where",
      inputs: [truth, x, zero],
      outputs: node.outputs,
      attributes: {},
    }];
  }
  if (!PAIRS[node.op].boolean) return same(node);
  return [
    { op: node.op, inputs: node.inputs, outputs: [truth], attributes: {} },
    cast(truth, node.outputs[0], ELEMENT_NUMBER.f32),
  ];
}
