/**
 * What storing weights in few bits did, as plain data.
 *
 * @module
 */

import type { Shape, WeightBits } from "../../graph/mod.ts";

/** Bytes before and after. */
export interface BytesChange {
  /** Bytes in float. */
  readonly before: number;
  /** Bytes with packed weights. */
  readonly after: number;
  /** After over before. */
  readonly ratio: number;
}

/** Name of weights of few bits. */
export type LowBitName = "4bit" | "ternary" | "binary";

/** What weights of few bits are called, by their bits. */
export const LOW_BIT_NAMES: Readonly<Record<WeightBits, LowBitName>> = { 1: "binary", 2: "ternary", 4: "4bit" };

/** Bits of weights of few bits, by their name. */
export const LOW_BITS: Readonly<Record<LowBitName, WeightBits>> = { "4bit": 4, ternary: 2, binary: 1 };

/** True for a name of weights of few bits. */
export function isLowBit(name: string): name is LowBitName {
  return Object.hasOwn(LOW_BITS, name);
}

/** What became of a convolution's weights. */
export interface PackedLayerReport {
  /** Name of the convolution. */
  readonly name: string;
  /** Extents of its weights `[O, C/groups, kh, kw]`; empty if they are no constant. */
  readonly shape: Shape;
  /** How they are stored. */
  readonly weights: LowBitName | "float";
  /** Why they stay in float; null for packed ones. */
  readonly reason: string | null;
  /** Bytes of the weights, with their scales; biases are not among them. Shared packed weights count at the first. */
  readonly bytes: { readonly before: number; readonly after: number };
  /** Signal-to-noise ratio: power of the weights over power of their errors, in decibels; null in float and without any error. */
  readonly sqnr: number | null;
  /** Share of the weights that became zero, 0..1; null in float. */
  readonly zeros: number | null;
}

/** What became of a graph. */
export interface PackWeightsReport {
  /** Bits of a packed weight. */
  readonly bits: WeightBits;
  /** Convolutions with packed weights. */
  readonly packedLayers: number;
  /** Convolutions that stay in float. */
  readonly floatLayers: number;
  /** Bytes of the packed convolutions' weights with their scales. */
  readonly packed: BytesChange;
  /** Bytes of all weights, biases, scales and statistics of the model. */
  readonly model: BytesChange;
  /** Every convolution, in order. */
  readonly layers: readonly PackedLayerReport[];
  /** Names of the packed convolutions with the lowest `sqnr`, worst first. */
  readonly worst: readonly string[];
}

/** Convolutions that the report names as worst. */
const WORST = 5;

const change = (before: number, after: number): BytesChange => ({ before, after, ratio: after / before });

/** The report of a graph's convolutions. */
export function lowBitTotals(
  bits: WeightBits,
  layers: readonly PackedLayerReport[],
  model: { readonly before: number; readonly after: number },
): PackWeightsReport {
  const packed = layers.filter(({ weights }) => weights !== "float");
  const total = (which: "before" | "after") => packed.reduce((sum, { bytes }) => sum + bytes[which], 0);
  const rated = packed.filter(({ sqnr }) => sqnr !== null).toSorted((a, b) => a.sqnr! - b.sqnr!);
  return {
    bits,
    packedLayers: packed.length,
    floatLayers: layers.length - packed.length,
    packed: change(total("before"), total("after")),
    model: change(model.before, model.after),
    layers,
    worst: rated.slice(0, WORST).map(({ name }) => name),
  };
}
