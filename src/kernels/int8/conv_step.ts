/**
 * A convolution of bytes, as its kernels are made from: its numbers (`conv_numbers.ts`) and where its operands lie.
 *
 * @module
 */

import type { ConvAttributes } from "../../graph/operators.ts";
import type { Int8Arithmetic, KernelContext } from "../context.ts";
import { type ConvStep, epilogueConstants, epilogueParameters, residualOf } from "../conv_step.ts";
import {
  blocked,
  type BlockedLayout,
  i32,
  type KernelBinding,
  type PackedInt8Weights,
  type Parameters,
  vec2i,
} from "../kernel.ts";
import { blockedOf } from "../operand.ts";
import type { Int8Numbers } from "./conv_numbers.ts";

/** A convolution of bytes with all that is fused into it. */
export interface Int8ConvStep extends Int8Numbers {
  readonly attributes: ConvAttributes;
  readonly residual: ConvStep["residual"];
  readonly x: ConvStep["x"];
  readonly y: ConvStep["y"];
}

/** The step of a Conv that has such numbers. */
export function int8StepOf(context: KernelContext<"Conv">, numbers: Int8Numbers): Int8ConvStep {
  const { node: { attributes }, inputs: [x], outputs: [y] } = context;
  const output = blockedOf(y);
  return {
    ...numbers,
    attributes,
    residual: residualOf(context.epilogue),
    x: { value: x.value, layout: blockedOf(x) },
    y: { value: y.value, layout: numbers.clamped ? { ...output, int8: numbers.clamped } : output },
  };
}

/** Linker constants of `shaders/lib/requantize.wgsl`. */
export function requantizeConstants(step: Int8ConvStep): Readonly<Record<string, number | string>> {
  return { LINEAR: step.linear ? 1 : 0, ...epilogueConstants(step) };
}

/** The layout that stands for the residual among the parameters. */
export function residualLayout(step: Int8ConvStep): BlockedLayout {
  return step.residual?.layout ?? step.y.layout;
}

/** The first parameters of a kernel whose threads compute tiles of a plane: operands, padding, how many tiles there are. */
export function tileParameters(step: Int8ConvStep, tilesX: number, tiles: number): Parameters {
  return {
    input: blocked(step.x.layout),
    output: blocked(step.y.layout),
    residual: blocked(residualLayout(step)),
    pad: vec2i(step.attributes.pads[1], step.attributes.pads[0]),
    tilesX: i32(tilesX),
    tiles: i32(tiles),
  };
}

/** The last parameters of a convolution of bytes: where weights lie, and what follows a sum. */
export function weightParameters(step: Int8ConvStep, weights: PackedInt8Weights, pitch: number): Parameters {
  return {
    pitch: i32(pitch),
    weightColumns: i32(weights.columns),
    weightRows: i32(weights.rows),
    ...epilogueParameters(step),
  };
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
