/**
 * Writes docs/operators.md from the operator tables themselves, so that the page cannot claim what the code lacks.
 *
 * @module
 */

import { ARITY } from "../graph/arity.ts";
import { type Operator, TRAINING_OPERATORS } from "../graph/operators.ts";
import { KERNELS } from "../kernels/table.ts";
import { FOLDS } from "../onnx/fold/mod.ts";
import { ONNX_OPERATORS } from "../onnx/operators/mod.ts";
import { isDifferentiable } from "../train/autodiff/table.ts";

/** What the planner does with an operator besides running its kernel. */
const FUSIONS: Partial<Record<Operator, string>> = {
  Conv: "takes activation and residual along; BatchNormalization folded in",
  BatchNormalization: "folded into the convolution before it",
  Sigmoid: "x * Sigmoid(x) becomes Silu",
  HardSigmoid: "x * HardSigmoid(x) becomes HardSwish",
  Add: "joins the convolution before it as a residual",
  Concat: "on channels: no copy, parts are written in place",
  Split: "on channels: no copy, a view",
  Slice: "on channels: no copy, a view",
  Reshape: "no copy, an alias",
  UnpackWeights: "computed when the model is planned",
  Softmax: "of attention and of the YOLO head: part of one kernel",
  DequantizeLinear: "of constants: int8 weights, or floats where the layer stays float",
  ConvInteger: "becomes Conv of dequantized operands; scales and bias of a dynamically quantized layer join it",
  MatMulInteger: "becomes MatMul of dequantized operands; the scales of a dynamically quantized layer join it",
  Cast: "to f32: no copy, an alias",
  MatMul: "of attention: part of one kernel",
};

const ACTIVATIONS = ["Relu", "LeakyRelu", "Silu", "HardSwish", "Clip", "Tanh"] as const;

/** ONNX operators that become another of ours. */
const SPELLINGS: Partial<Record<Operator, readonly string[]>> = {
  Silu: ["Sigmoid + Mul"],
  Reshape: ["Reshape", "Flatten", "Squeeze", "Unsqueeze"],
  Resize: ["Resize", "Upsample"],
  ReduceMax: ["ReduceMax", "GlobalMaxPool"],
  Slice: ["Slice", "Gather (constant, evenly spaced)"],
  UnpackWeights: ["Cast + Gather + Reshape + Mul (constant)"],
};

/** The page as Markdown. */
export function operatorsPage(): string {
  const rows = (Object.keys(KERNELS) as Operator[]).map((op) => {
    const spelt = SPELLINGS[op] ?? (op in ONNX_OPERATORS ? [op] : []);
    const { blocked, plain, mixed } = KERNELS[op];
    const kernels = [blocked && "row memory", plain && "plain", mixed && "both at once"].filter(Boolean).join(", ");
    const fused = FUSIONS[op] ??
      ((ACTIVATIONS as readonly string[]).includes(op) ? "joins the convolution before it" : "");
    const [least, most] = ARITY[op].inputs;
    const count = least === most ? `${least}` : `${least}${most === Infinity ? " and more" : `-${most}`}`;
    const written = (TRAINING_OPERATORS as readonly string[]).includes(op) ? "no" : "yes";
    const gradient = isDifferentiable(op) ? "yes" : "no";
    return `| ${op} | ${count} | ${
      spelt.join(", ")
    } | ${written} | yes | ${kernels} | ${fused} | ${gradient} | no | no |`;
  });
  return [
    "# Operators",
    "",
    "Written by `deno task docs` from the tables of the code; a test keeps it true.",
    "",
    "- **inputs**: how many an operator takes. **ONNX in**: the operators of ONNX that are read as it (opsets 9 to 21).",
    "- **ONNX out**: it can be written (opset 17). **reference**: the naive float64 form that kernels are tested against.",
    "- **kernels**: *row memory* reads and writes cells of four channels (see `shaders/lib/storage.wgsl`), *plain* row-major buffers,",
    "  *both at once* maps in row memory and vectors in plain buffers;",
    "  f32 and f16 storage, f32 arithmetic. **fusion**: what the planner does with it.",
    "- **gradient**: gradients go through it (see `src/train/autodiff/`). **pruning**, **int8**: not there yet.",
    "",
    "| operator | inputs | ONNX in | ONNX out | reference | kernels | fusion | gradient | pruning | int8 |",
    "|---|---|---|---|---|---|---|---|---|---|",
    ...rows,
    "",
    "Folded at import where all inputs are constant: " + Object.keys(FOLDS).sort().join(", ") + ".",
    "",
  ].join("\n");
}
