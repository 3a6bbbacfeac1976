/**
 * Convolutions whose few weights are written by hand, each followed by SiLU used as a ramp.
 *
 * SiLU of a large value is the value, of a large negative one is 0: values are stored `GAIN` times too large, and
 * `silu(GAIN * z) = GAIN * max(z, 0)` up to an error of 0.28 / GAIN. So the network does piecewise linear arithmetic with the
 * convolutions and activations of a real one.
 *
 * @module
 */

import type { Pads, Pair } from "../graph/operators.ts";
import type { GraphEditor } from "../graph/editor.ts";

/** Factor by which values are stored too large. */
export const GAIN = 32;

/** One weight: output channel, input channel within its group, kernel row and column, value. */
export type Tap = readonly [out: number, input: number, row: number, column: number, value: number];

/** A convolution in the units of the values it computes, not of those stored. */
export interface SparseConv {
  readonly name: string;
  readonly input: string;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly taps: readonly Tap[];
  /** Added to output channel i; 0 where missing. */
  readonly bias?: readonly number[];
  readonly kernel?: Pair;
  readonly strides?: Pair;
  readonly pads?: Pads;
  readonly groups?: number;
  /** Factor by which the input is stored too large; `GAIN` unless it is the image. */
  readonly inputGain?: number;
  /** No SiLU, and the output stored as it is. */
  readonly linear?: boolean;
}

/** Appends the convolution (and SiLU) and returns the output's name. */
export function appendSparseConv(editor: GraphEditor, conv: SparseConv): string {
  const { name, outChannels, kernel = [1, 1], groups = 1, inputGain = GAIN } = conv;
  const outputGain = conv.linear ? 1 : GAIN;
  const [rows, columns] = kernel;
  const perGroup = conv.inChannels / groups;
  const weight = new Float32Array(outChannels * perGroup * rows * columns);
  for (const [out, input, row, column, value] of conv.taps) {
    weight[((out * perGroup + input) * rows + row) * columns + column] += (value * outputGain) / inputGain;
  }
  const bias = Float32Array.from({ length: outChannels }, (_, i) => (conv.bias?.[i] ?? 0) * outputGain);
  const output = editor.node("Conv", conv.linear ? name : `${name}/conv`, [
    conv.input,
    editor.constant(`${name}.weight`, [outChannels, perGroup, rows, columns], weight),
    editor.constant(`${name}.bias`, [outChannels], bias),
  ], { strides: conv.strides ?? [1, 1], pads: conv.pads ?? [0, 0, 0, 0], dilations: [1, 1], groups });
  return conv.linear ? output : editor.node("Silu", name, [output], {});
}
