/**
 * Writes docs/operators.md from the operator tables themselves, so that the page cannot claim what the code lacks.
 *
 * @module
 */

import { ARITY } from "../graph/arity.ts";
import { type Operator, TRAINING_OPERATORS } from "../graph/operators.ts";
import { isUnary, UNARY_OPERATORS, type UnaryOperator, unaryRow } from "../graph/unary.ts";
import { KERNELS } from "../kernels/table.ts";
import { FOLDS } from "../onnx/fold/mod.ts";
import { ONNX_OPERATORS, QLINEAR_OPERATORS } from "../onnx/operators/mod.ts";
import { INT8_FORMS, type Int8Form } from "../plan/fuse/int8/forms.ts";
import { isDifferentiable } from "../train/autodiff/table.ts";

/** What the planner does with an operator besides running its kernel. */
const FUSIONS: Partial<Record<Operator, string>> = {
  Conv: "takes activation and residual along; BatchNormalization folded in",
  ConvTranspose: "takes activation and residual along",
  BatchNormalization: "folded into the convolution before it",
  Add: "joins the convolution before it as a residual",
  Mul: "a gate of channels joins the convolution behind it",
  GlobalAveragePool: "of squeeze-and-excitation: part of one kernel",
  Concat: "on channels: no copy, parts are written in place",
  Split: "on channels: no copy, a view",
  Slice: "on channels: no copy, a view",
  Reshape: "no copy, an alias",
  UnpackWeights: "computed when the model is planned",
  Softmax: "of attention and of the YOLO head: part of one kernel",
  QuantizeLinear: "joins what makes its input in row memory",
  DequantizeLinear:
    "joins what reads it in row memory; of constants: int8 weights, or floats where the layer stays float",
  ConvInteger: "becomes Conv of dequantized operands; scales and bias of a dynamically quantized layer join it",
  MatMulInteger: "becomes MatMul of dequantized operands; the scales of a dynamically quantized layer join it",
  Cast: "to f32: no copy, an alias",
  MatMul: "of attention: part of one kernel",
  BatchNormTraining: "takes the activation behind it along",
  BatchNormGradient: "takes the activation's gradient before it along",
};

/** What the planner does with a unary operator. */
function unaryFusion(op: UnaryOperator): string {
  const gated = UNARY_OPERATORS.filter((other) => unaryRow(other).gate?.at(-1)?.op === op).map((other) => {
    const inner = unaryRow(other).gate!.reduce((value, { op }) => `${op}(${value})`, "x");
    return `x * ${inner} becomes ${other}`;
  });
  // Spare channels of row memory hold zeros, of which it has to make numbers.
  const joins = Number.isFinite(unaryRow(op).value(0, unaryRow(op).attributes))
    ? ["joins the convolution before it"]
    : [];
  return [...joins, ...gated].join("; ");
}

/** How files spell a unary operator. */
function unarySpellings(op: UnaryOperator): string[] {
  const { onnx, gate } = unaryRow(op);
  return [...onnx === undefined ? [] : [op], ...gate ? [[...gate.map(({ op }) => op), "Mul"].join(" + ")] : []];
}

/** What becomes of an operator in int8, in words. */
const INT8: Readonly<Record<Int8Form, string>> = {
  integers: "whole numbers",
  moves: "bytes",
  table: "table",
  cells: "cells",
  float: "float",
  training: "",
};

/** ONNX operators that become another of ours. */
const SPELLINGS: Partial<Record<Operator, readonly string[]>> = {
  Gelu: ["Gelu", "Div + Erf + Add + Mul"],
  GatherElements: ["GatherElements"],
  Less: ["Less", "Greater"],
  LessOrEqual: ["LessOrEqual", "GreaterOrEqual"],
  Mask: ["Cast + Where"],
  TopK: ["TopK", "ArgMax", "ArgMin"],
  Mul: ["Mul", "Pow (2)"],
  Sqrt: ["Sqrt", "Pow (0.5)"],
  Reshape: ["Reshape", "Flatten", "Squeeze", "Unsqueeze"],
  Resize: ["Resize", "Upsample"],
  ReduceMax: ["ReduceMax", "GlobalMaxPool"],
  Slice: ["Slice", "Gather (constant, evenly spaced)"],
  UnpackWeights: ["Cast + Gather + Reshape + Mul (constant)"],
};

/** Operators of ONNX that have no row, since they become several or go away. */
function composed(rows: readonly string[]): string {
  const hasRow = (op: string) => rows.some((row) => new RegExp(`[| ]${op}[ ,(]`).test(row));
  return Object.keys(ONNX_OPERATORS).filter((op) => !hasRow(op)).sort().join(", ");
}

/** The page as Markdown. */
export function operatorsPage(): string {
  const rows = (Object.keys(KERNELS) as Operator[]).map((op) => {
    const spelt = SPELLINGS[op] ?? (isUnary(op) ? unarySpellings(op) : op in ONNX_OPERATORS ? [op] : []);
    const { blocked, plain, mixed } = KERNELS[op];
    const kernels = [blocked && "row memory", plain && "plain", mixed && "both at once"].filter(Boolean).join(", ");
    const fused = FUSIONS[op] ?? (isUnary(op) ? unaryFusion(op) : "");
    const [least, most] = ARITY[op].inputs;
    const count = least === most ? `${least}` : `${least}${most === Infinity ? " and more" : `-${most}`}`;
    const written = (TRAINING_OPERATORS as readonly string[]).includes(op) ? "no" : "yes";
    const gradient = isDifferentiable(op) ? "yes" : "no";
    return `| ${op} | ${count} | ${spelt.join(", ")} | ${written} | yes | ${kernels} | ${fused} | ${gradient} | no | ${
      INT8[INT8_FORMS[op]]
    } |`;
  });
  return [
    "# Operators",
    "",
    "Written by `deno task docs` from the tables of the code; a test keeps it true.",
    "",
    "- **inputs**: how many an operator takes. **ONNX in**: the operators of ONNX that are read as it (opsets 7 to 28).",
    "- **ONNX out**: it can be written (opset 17). **reference**: the naive float64 form that kernels are tested against.",
    "- **kernels**: *row memory* reads and writes cells of four channels (see `shaders/lib/storage.wgsl`), *plain* row-major buffers,",
    "  *both at once* maps in row memory and vectors in plain buffers;",
    "  f32 and f16 storage, f32 arithmetic. **fusion**: what the planner does with it.",
    "- **gradient**: gradients go through it (see `src/train/autodiff/`). **pruning**: not there yet.",
    "- **int8**: what becomes of it between QuantizeLinear and DequantizeLinear, at best. *whole numbers*: sums products of bytes, where its",
    "  weights are bytes, activation and sum with it; *bytes*: moves or compares bytes as they are; *table*: 256 results between the bytes of",
    "  one value and those of another; *cells*: reads and writes int8 cells, computes in f32; *float*: reads and writes plain floats. Resize",
    "  moves bytes where it is nearest, else it reads and writes cells; operators that only training has are in no quantized model.",
    "",
    "| operator | inputs | ONNX in | ONNX out | reference | kernels | fusion | gradient | pruning | int8 |",
    "|---|---|---|---|---|---|---|---|---|---|",
    ...rows,
    "",
    "Operators of ONNX that become several of these, or none: " + composed(rows) + ".",
    "",
    "Of ONNX Runtime's quantizer (domain `com.microsoft`): " + Object.keys(QLINEAR_OPERATORS).sort().join(", ") + ".",
    "",
    "Folded at import where all inputs are constant: " + Object.keys(FOLDS).sort().join(", ") + ".",
    "",
  ].join("\n");
}
