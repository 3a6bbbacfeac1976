/**
 * The numbers of a convolution of bytes: whole numbers to sum up, and what makes real numbers or bytes of the sums. They follow from
 * constants alone, so that they are known before memory is given out.
 *
 * @module
 */

import type { Constant } from "../../graph/graph.ts";
import { quantizeValue } from "../../graph/quantized_value.ts";
import { type Activation, NO_ACTIVATION } from "../activation.ts";
import type { ContestRequest, Int8Arithmetic } from "../context.ts";
import type { Int8Cells } from "../kernel.ts";
import type { KernelTarget } from "../target.ts";
import { QuantizedConstant } from "./quantized_constant.ts";

/** The numbers of a convolution of bytes. */
export interface Int8Numbers {
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
  /** Cells of the output with the bytes between which the clamp keeps them, where `linear`. */
  readonly clamped?: Int8Cells;
  /** None where `linear`. */
  readonly activation: Activation;
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

/** The biases in units of the sums; undefined if one does not fit. */
function integerBias(
  bias: { readonly constant?: Constant } | undefined,
  units: readonly number[],
): Float64Array | undefined {
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
function clamped({ name, a, b }: Activation, cells: Int8Cells): Int8Cells | undefined {
  const { scale, zero, low = -128, high = 127 } = cells;
  const byte = (value: number) => Math.min(Math.max(quantizeValue(value, scale, zero, "i8"), low), high);
  if (name === "None") return cells;
  if (name === "Relu") return { ...cells, low: byte(0) };
  return name === "Clip" ? { ...cells, low: byte(a), high: byte(b) } : undefined;
}

/**
 * The numbers of a Conv whose input has int8 cells and whose weights are stored as bytes; undefined if it has to be computed in
 * floats, as with a gate or weights that fit no signed byte.
 */
export function int8Numbers(request: ContestRequest<"Conv">): Int8Numbers | undefined {
  const { types: { inputs: [, weight, bias] }, fusions, activation = NO_ACTIVATION, cells = {} } = request;
  const { constant } = weight;
  const onlyInFloats = (["gate", "channel range", "channel shuffle"] as const).some((fusion) => fusions.has(fusion));
  if (!cells.input || !(constant instanceof QuantizedConstant) || onlyInFloats) return undefined;
  const { stored: { scale: weightScale, axis } } = constant;
  const data = signedWeights(constant);
  if (data === undefined || weightScale.length > 1 && axis !== 0) return undefined;

  const outputs = weight.shape[0], perOutput = data.length / outputs;
  const { scale, zero } = cells.input;
  const units = Array.from({ length: outputs }, (_, o) => scale * weightScale[weightScale.length === 1 ? 0 : o]);
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
    const first = Math.fround(biases[o] - zero * sum);
    if (Math.abs(first) + 512 * magnitude >= 2 ** 31) return undefined;
    exactInFloat &&= 128 * magnitude < 2 ** 24;
    folded[o] = first;
    weightSums[o] = sum;
  }
  const limited = cells.output && !fusions.has("residual") ? clamped(activation, cells.output) : undefined;
  return {
    weight: { shape: weight.shape, data },
    bias: folded,
    weightSums,
    scale: Float32Array.from(units, (unit) => limited ? unit / limited.scale : unit),
    linear: limited !== undefined,
    clamped: limited,
    activation: limited ? NO_ACTIVATION : activation,
    exactInFloat,
  };
}

/**
 * The arithmetic for a step. Hardware takes packed dot products that passed the check at start-up. Software adapters have none; there
 * f32 is fastest where it is exact, but for 1x1 kernels, which do little with a byte once it is unpacked.
 */
export function chooseArithmetic(
  { exactInFloat, weight }: { readonly exactInFloat: boolean; readonly weight: { readonly shape: readonly number[] } },
  target: Pick<KernelTarget, "adapter" | "packedDot">,
): Int8Arithmetic {
  if (target.adapter === "hardware" && target.packedDot) return "dot";
  const [, , kh, kw] = weight.shape;
  return exactInFloat && (target.adapter === "hardware" || kh * kw > 1) ? "f32" : "emulated";
}

/** Every arithmetic that is exact for a step on an adapter, the one for it first. */
export function arithmetics(
  numbers: Pick<Int8Numbers, "exactInFloat" | "weight">,
  target: KernelTarget,
): readonly Int8Arithmetic[] {
  const first = chooseArithmetic(numbers, target);
  const others: readonly Int8Arithmetic[] = [
    "emulated",
    ...numbers.exactInFloat ? ["f32"] as const : [],
    ...target.packedDot ? ["dot"] as const : [],
  ];
  return [first, ...others.filter((one) => one !== first)];
}
