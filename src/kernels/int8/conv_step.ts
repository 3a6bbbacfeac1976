/**
 * A convolution of bytes, as its kernels are made from: whole numbers to sum up, and what makes real numbers or bytes of the sums.
 *
 * @module
 */

import type { ConvAttributes } from "../../graph/operators.ts";
import { quantizeValue } from "../../graph/quantized_value.ts";
import { NO_ACTIVATION } from "../activation.ts";
import type { Int8Arithmetic, KernelContext, Operand } from "../context.ts";
import type { ConvStep } from "../conv_direct.ts";
import { epilogueConstants } from "../conv_step.ts";
import type { Target } from "../conv_tile.ts";
import type { BlockedLayout, Int8Cells, KernelBinding, PackedInt8Weights } from "../kernel.ts";
import { blockedOf } from "../operand.ts";
import { QuantizedConstant } from "./quantized_constant.ts";

/** A convolution of bytes with all that is fused into it. */
export interface Int8ConvStep {
  readonly attributes: ConvAttributes;
  /** `[O,C/groups,kh,kw]`, row-major. */
  readonly weight: { readonly shape: readonly number[]; readonly data: Int8Array };
  /** Added to the sum of each output: its bias less what the input's zero point adds to the sum. */
  readonly bias: Int32Array;
  /** Sum of the weights of each output. */
  readonly weightSums: Int32Array;
  /** Makes the sums of each output real numbers, or where `linear` steps between bytes. */
  readonly scale: Float32Array;
  /** The output has int8 cells and the activation is a clamp of its bytes: one product makes a byte of a sum. */
  readonly linear: boolean;
  /** None where `linear`. */
  readonly activation: ConvStep["activation"];
  readonly residual: ConvStep["residual"];
  readonly x: ConvStep["x"];
  readonly y: ConvStep["y"];
  /** True where every sum of products stays below 2^24, where f32 knows every whole number. */
  readonly exactInFloat: boolean;
}

/** The weights as signed bytes without a zero point; undefined where they do not fit. */
function signedWeights(constant: QuantizedConstant): Int8Array | undefined {
  const { data, zero, axis } = constant.stored;
  if (data instanceof Int8Array && Array.prototype.every.call(zero, (value) => value === 0)) return data;
  const inner = constant.shape.slice(axis + 1).reduce((product, extent) => product * extent, 1);
  const signed = new Int8Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const value = data[i] - zero[zero.length === 1 ? 0 : Math.floor(i / inner) % zero.length];
    if (value < -128 || value > 127) return undefined;
    signed[i] = value;
  }
  return signed;
}

/** The biases in units of the sums; undefined where one does not fit. */
function integerBias(bias: Operand | undefined, units: readonly number[]): Float64Array | undefined {
  const result = new Float64Array(units.length);
  const constant = bias?.constant;
  if (bias === undefined) return result;
  if (constant === undefined) return undefined;
  const stored = constant instanceof QuantizedConstant ? constant.stored : undefined;
  for (let o = 0; o < units.length; o++) {
    const at = (list: ArrayLike<number>) => list[list.length === 1 ? 0 : o];
    // Exporters store biases in these very units, but for the rounding of the scale.
    const same = stored && Math.abs(at(stored.scale) / units[o] - 1) < 1e-5;
    const value = same ? stored.data[o] - at(stored.zero) : Math.round(constant.data[o] / units[o]);
    if (constant.data[o] !== 0 && !Number.isFinite(value)) return undefined;
    result[o] = Number.isFinite(value) ? value : 0;
  }
  return result;
}

/** The cells with the bytes between which a clamping activation keeps the output; undefined for other activations. */
function clamped({ name, a, b }: ConvStep["activation"], cells: Int8Cells): Int8Cells | undefined {
  const { scale, zero, low = -128, high = 127 } = cells;
  const byte = (value: number) => Math.min(Math.max(quantizeValue(value, scale, zero, "i8"), low), high);
  if (name === "None") return cells;
  if (name === "Relu") return { ...cells, low: byte(0) };
  return name === "Clip" ? { ...cells, low: byte(a), high: byte(b) } : undefined;
}

/**
 * The step that a Conv stands for where its input has int8 cells and its weights are stored as bytes; undefined where it has to be
 * computed in floats, as with a gate or weights that fit no signed byte.
 */
export function int8ConvStep(context: KernelContext<"Conv">): Int8ConvStep | undefined {
  const { node: { attributes }, inputs: [x, weight, bias], outputs: [y], epilogue, gate, firstChannel } = context;
  const { activation, residual, interleaved } = epilogue;
  const input = blockedOf(x), output = blockedOf(y);
  const { constant } = weight;
  if (!input.int8 || !(constant instanceof QuantizedConstant) || gate || firstChannel || interleaved) return undefined;
  const { stored: { scale: weightScale, axis } } = constant;
  const data = signedWeights(constant);
  if (data === undefined || weightScale.length > 1 && axis !== 0) return undefined;

  const outputs = weight.shape[0], perOutput = data.length / outputs;
  const units = Array.from({ length: outputs }, (_, o) => {
    return input.int8!.scale * weightScale[weightScale.length === 1 ? 0 : o];
  });
  const biases = integerBias(bias, units);
  if (biases === undefined) return undefined;
  const folded = new Int32Array(outputs), weightSums = new Int32Array(outputs);
  let exactInFloat = true;
  for (let o = 0; o < outputs; o++) {
    let sum = 0, magnitude = 0;
    for (let i = o * perOutput; i < (o + 1) * perOutput; i++) {
      sum += data[i];
      magnitude += Math.abs(data[i]);
    }
    // Biases next to weights that are all but zero may lie beyond 2^24; f32 and i32 both know them then.
    const first = Math.fround(biases[o] - input.int8.zero * sum);
    if (Math.abs(first) + 512 * magnitude >= 2 ** 31) return undefined;
    exactInFloat &&= 128 * magnitude < 2 ** 24;
    folded[o] = first;
    weightSums[o] = sum;
  }
  const limited = output.int8 && !residual ? clamped(activation, output.int8) : undefined;
  return {
    attributes,
    weight: { shape: weight.shape, data },
    bias: folded,
    weightSums,
    scale: Float32Array.from(units, (unit) => limited ? unit / limited.scale : unit),
    linear: limited !== undefined,
    activation: limited ? NO_ACTIVATION : activation,
    residual: residual && {
      value: residual.operand.value,
      layout: blockedOf(residual.operand),
      activateLast: residual.activateLast,
    },
    x: { value: x.value, layout: input },
    y: { value: y.value, layout: limited ? { ...output, int8: limited } : output },
    exactInFloat,
  };
}

/**
 * The arithmetic for a step. Hardware takes packed dot products that passed the check at start-up. Software adapters have none; there
 * f32 is fastest where it is exact, but for 1x1 kernels, which do little with a byte once it is unpacked.
 */
export function chooseArithmetic(
  { exactInFloat, weight }: Pick<Int8ConvStep, "exactInFloat" | "weight">,
  target: Target,
  packedDot: boolean,
): Int8Arithmetic {
  if (target === "hardware" && packedDot) return "dot";
  const [, , kh, kw] = weight.shape;
  return exactInFloat && (target === "hardware" || kh * kw > 1) ? "f32" : "emulated";
}

/** Linker constants of `shaders/lib/requantize.wgsl`. */
export function requantizeConstants(step: Int8ConvStep): Readonly<Record<string, number | string>> {
  return { LINEAR: step.linear ? 1 : 0, ...epilogueConstants(step) };
}

/** The layout that stands for the residual among the parameters. */
export function residualLayout(step: Int8ConvStep): BlockedLayout {
  return step.residual?.layout ?? step.y.layout;
}

/** Bindings of a convolution of bytes: input, weights, output, residual. */
export function int8ConvBindings(step: Int8ConvStep, weights: PackedInt8Weights): KernelBinding[] {
  return [
    { kind: "read", value: step.x.value },
    { kind: "int8 weights", weights },
    { kind: "write", value: step.y.value },
    ...step.residual ? [{ kind: "read", value: step.residual.value } as const] : [],
  ];
}

/** Writes the biases and the scales of all outputs, a cell each for every output block; `cellOf` says where. */
export function packBiases(
  step: Int8ConvStep,
  words: Uint32Array,
  arithmetic: Int8Arithmetic,
  cellOf: (block: number) => number,
): void {
  const biases = new Int32Array(words.buffer), scales = new Float32Array(words.buffer);
  step.bias.forEach((bias, o) => {
    const cell = cellOf(o >> 2);
    biases[4 * cell + (o & 3)] = arithmetic === "emulated" ? bias - 128 * step.weightSums[o] : bias;
    scales[4 * (cell + 1) + (o & 3)] = step.scale[o];
  });
}

/** Writes a weight of four inputs by four outputs into its cell, as the arithmetic wants it. */
export function putWeight(
  bytes: Int8Array,
  cell: number,
  input: number,
  output: number,
  value: number,
  arithmetic: Int8Arithmetic,
): void {
  const [word, byte] = arithmetic === "dot" ? [output & 3, input & 3] : [input & 3, output & 3];
  bytes[16 * cell + 4 * word + byte] = value;
}
