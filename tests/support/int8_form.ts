/**
 * What a plan makes of a node between quantized values, read off its steps and the layouts of their operands.
 *
 * @module
 */

import { type Constant, inferTypes, type Node, type Operator, sizeOf } from "../../src/graph/mod.ts";
import { buildPlan } from "../../src/plan/plan.ts";
import type { OperatorSample } from "./operator_samples.ts";
import { graphOf, node, weight } from "./tiny_graph.ts";

/** One scale for all, so that moves need no other. */
const SCALE: Constant = { dtype: "f32", shape: [], data: Float32Array.of(1 / 16) };
const ZERO: Constant = { dtype: "i8", shape: [], data: Int8Array.of(0) };

const quantize = (x: string, y: string) => node("QuantizeLinear", [x, "one/scale", "one/point"], [y], { axis: 0 });
const dequantize = (x: string, y: string) => node("DequantizeLinear", [x, "one/scale", "one/point"], [y], { axis: 0 });

/** Layers whose second factor is a weight. */
const WEIGHTED: readonly Operator[] = ["Conv", "ConvTranspose", "Gemm", "MatMul"];

/** The sample's node between int8 values: its data come from bytes, its results go to bytes. */
function quantizedGraph({ node: tested, shapes, types, data }: OperatorSample) {
  const constants: Record<string, Constant> = { "one/scale": SCALE, "one/point": ZERO };
  const feeds: Record<string, readonly number[]> = {};
  const nodes: Node[] = [];
  const inputs = tested.inputs.map((name, i) => {
    const shape = shapes[i], dtype = types[i] ?? "f32";
    const bytes = Int8Array.from({ length: sizeOf(shape) }, (_, at) => at % 5);
    const isWeight = WEIGHTED.includes(tested.op) && i === 1;
    if (data.includes(i) && !isWeight) {
      feeds[name] = shape;
      nodes.push(quantize(name, `${name}/q`));
      if (dtype !== "f32") return `${name}/q`;
      nodes.push(dequantize(`${name}/q`, `${name}/d`));
      return `${name}/d`;
    }
    if (isWeight) {
      constants[`${name}/q`] = { dtype: "i8", shape, data: bytes };
      nodes.push(dequantize(`${name}/q`, name));
    } else if (dtype === "u8") constants[name] = { dtype, shape, data: Uint8Array.from(bytes) };
    else if (dtype === "i8") constants[name] = { dtype, shape, data: bytes };
    else if (dtype === "i32") constants[name] = { dtype, shape, data: Int32Array.from(bytes) };
    else {constants[name] = {
        ...weight(shape),
        data: weight(shape).data.map((value) => Math.abs(value) + 0.5) as Float32Array,
      };}
    return name;
  });
  nodes.push({ ...tested, name: "tested", inputs } as Node);
  const known = inferTypes(graphOf(feeds, tested.outputs, nodes, constants));
  const outputs = tested.outputs.map((name) => {
    if (known.get(name)!.dtype !== "f32") return name;
    nodes.push(quantize(name, `${name}/Q`), dequantize(`${name}/Q`, `${name}/D`));
    return `${name}/D`;
  });
  return graphOf(feeds, outputs, nodes, constants);
}

/** How a plan computes the sample's node. */
export function int8Form(sample: OperatorSample): "integers" | "moves" | "table" | "cells" | "float" {
  const plan = buildPlan(quantizedGraph(sample), { form: { storage: "texture", scalar: "f32" }, maxPages: 512 });
  const isByte = (value: string) => ["i8", "u8"].includes(plan.types.get(value)!.dtype);
  const results = sample.node.outputs.flatMap((name) => [name, `${name}/Q`]);
  const steps = plan.dispatches.filter(({ name, kernel }) =>
    name.startsWith("tested") || kernel.bindings.some((one) => one.kind === "write" && results.includes(one.value))
  );
  if (steps.some(({ kernel }) => kernel.label.startsWith("conv int8"))) return "integers";
  if (steps.some(({ kernel }) => kernel.label === "table")) return "table";
  const { op } = sample.node;
  const planned = plan.graph.nodes.find(({ name }) => name === "tested");
  // Views have no step: the node itself reads bytes.
  if (planned && op !== "DequantizeLinear" && planned.inputs.every(isByte)) return "moves";
  const [computing] = steps.filter(({ operator }) => operator.split("+").includes(op));
  const operands = computing?.kernel.bindings.flatMap((binding) => "value" in binding ? [binding.value] : []) ?? [];
  const inCells = (value: string) => plan.placements.get(value)?.layout.kind === "blocked" && isByte(value);
  const isFree = (value: string) =>
    inCells(value) || (op === "QuantizeLinear" || op === "DequantizeLinear") && !isByte(value);
  return operands.length > 0 && operands.every(isFree) ? "cells" : "float";
}
