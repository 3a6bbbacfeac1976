/**
 * What quantization did, as plain data.
 *
 * @module
 */

import { type Constant, ELEMENT_BYTES, type Graph, type Node } from "../../graph/mod.ts";
import { decibels, type QuantizationParameters, rangeOf } from "./quantization_parameters.ts";
import type { ObserverName } from "./observers/mod.ts";
import { squareError } from "./observers/mse.ts";
import { extremes } from "./observers/observer.ts";
import type { PlacedLayer, Placement } from "./placement.ts";
import type { Observed } from "../value_statistics.ts";
import type { IntegerWeights } from "./weights.ts";

/** Values that are stored in int8 with one scale. */
export interface StoredReport {
  /** Names of the values, in the graph's order. */
  readonly values: readonly string[];
  /** How their range was chosen. */
  readonly observer: ObserverName;
  /** Least and greatest element that calibration saw. */
  readonly seen: readonly [number, number];
  /** Least and greatest number that the int8 values can represent. */
  readonly range: readonly [number, number];
  /** Difference of the numbers of neighbouring integers. */
  readonly scale: number;
  /** The integer of zero. */
  readonly zeroPoint: number;
  /** Share of the elements outside the range, 0..1, to within a bin of the histogram. */
  readonly clipped: number;
  /** Signal-to-noise ratio: power of the values over power of their rounding and clipping errors, in decibels; null without any error. */
  readonly sqnr: number | null;
}

/** The weights of a layer in int8. */
export interface WeightsReport {
  /** Extents. */
  readonly shape: readonly number[];
  /** Least and greatest of the scales; equal if there is one scale. */
  readonly scales: readonly [number, number];
  /** Signal-to-noise ratio: power of the weights over power of their rounding errors, in decibels; null without any error. */
  readonly sqnr: number | null;
}

/** Result for a layer. */
export interface LayerReport {
  /** Name of its convolution or product. */
  readonly name: string;
  /** What it computes, such as `Conv+Silu+Add`. */
  readonly operator: string;
  /** Its precision. */
  readonly precision: "int8" | "float";
  /** Why it stays in float; null for int8. */
  readonly reason: string | null;
  /** The values that it reads in int8. */
  readonly inputs: readonly string[];
  /** The value that it makes. */
  readonly output: string;
  /** Whether that value is stored in int8. */
  readonly storesInt8: boolean;
  /** Its weights in int8; null if they are float, and for a product of activations. */
  readonly weights: WeightsReport | null;
  /**
   * Signal-to-noise ratio: power of its output over power of the errors from rounding its weights and its input, in decibels, to first
   * order; null if it is unknown. Errors of earlier layers do not count.
   */
  readonly sqnr: number | null;
}

/** What quantization did. */
export interface QuantizeReport {
  /** How ranges were chosen. */
  readonly observer: string;
  /** Zero anywhere in int8, or in its middle. */
  readonly activations: "asymmetric" | "symmetric";
  /** Scale for each output channel, or one a tensor. */
  readonly weights: "channel" | "tensor";
  /** Calibration samples. */
  readonly samples: number;
  /** Number of pairs of layers that were equalised; null if equalising was switched off. */
  readonly equalised: number | null;
  /** Number of biases that were corrected; null if correction was switched off. */
  readonly corrected: number | null;
  /**
   * Bytes of everything stored for layers: weights, biases, and for int8 the scales and zero points of weights and activations. `ratio`
   * is after over before.
   */
  readonly bytes: { readonly before: number; readonly after: number; readonly ratio: number };
  /** Layers that compute in int8. */
  readonly int8Layers: number;
  /** Layers that stay in float. */
  readonly floatLayers: number;
  /** Every layer, in order. */
  readonly layers: readonly LayerReport[];
  /** What is stored in int8. */
  readonly stored: readonly StoredReport[];
  /** Names of the int8 layers with the lowest `sqnr`, worst first. */
  readonly worst: readonly string[];
  /** What the user should know, a sentence each. */
  readonly warnings: readonly string[];
}

/** Layers that the report names as worst. */
const WORST = 5;

/** Describes a set of values that are stored with one scale. */
export function storedReport(
  values: readonly string[],
  observer: ObserverName,
  observed: Observed,
  affine: QuantizationParameters,
): StoredReport {
  const { values: middles, counts } = observed.histogram.occupied();
  const { low, high } = rangeOf(affine);
  const half = affine.scale / 2;
  let signal = 0, outside = 0;
  for (let i = 0; i < middles.length; i++) {
    signal += counts[i] * middles[i] ** 2;
    if (middles[i] < low - half || middles[i] > high + half) outside += counts[i];
  }
  const seen = extremes(observed);
  return {
    values,
    observer,
    seen: [seen.low, seen.high],
    range: [low, high],
    scale: affine.scale,
    zeroPoint: affine.zeroPoint,
    clipped: outside / Math.max(1, observed.histogram.total),
    sqnr: seen.low === seen.high ? null : decibels(signal, squareError(middles, counts, affine)),
  };
}

/** Adds the relative errors of factors; null if one is not known, and where there is none. */
function together(ratios: readonly (number | null)[]): number | null {
  const noise = ratios.reduce((sum: number, ratio) => sum + (ratio === null ? 0 : 10 ** (-ratio / 10)), 0);
  return decibels(1, noise);
}

/** Describes a layer. */
export function layerReport(
  layer: PlacedLayer,
  shape: readonly number[] | undefined,
  weights: IntegerWeights | undefined,
  storedOf: ReadonlyMap<string, StoredReport>,
): LayerReport {
  const { float, inputs, output } = layer;
  const isInt8 = float === undefined;
  const factors = layer.node.inputs.slice(0, 2).map((name) => storedOf.get(name)?.sqnr ?? null);
  return {
    name: layer.node.name,
    operator: layer.operator,
    precision: isInt8 ? "int8" : "float",
    reason: float ?? null,
    inputs: isInt8 ? inputs : [],
    output,
    storesInt8: isInt8 && storedOf.has(output),
    weights: weights && shape
      ? { shape, scales: [Math.min(...weights.scales), Math.max(...weights.scales)], sqnr: weights.sqnr }
      : null,
    sqnr: isInt8 ? together([...factors, weights?.sqnr ?? null]) : null,
  };
}

/** Names of the int8 layers that lose most. */
export function worstLayers(layers: readonly LayerReport[]): string[] {
  const rated = layers.filter(({ sqnr }) => sqnr !== null);
  return rated.toSorted((a, b) => a.sqnr! - b.sqnr!).slice(0, WORST).map(({ name }) => name);
}

const bytesOf = ({ dtype, data }: Constant) => data.length * ELEMENT_BYTES[dtype];

/** Bytes of the constants that layers read, each once. */
export function layerBytes(graph: Graph, { layers }: Placement): number {
  const names = new Set(layers.flatMap(({ node }) => node.inputs.filter((name) => graph.constants.has(name))));
  return [...names].reduce((sum, name) => sum + bytesOf(graph.constants.get(name)!), 0);
}

/** Bytes of the constants of a QDQ graph that layers, or nodes between integers and floats, read. */
export function integerBytes(graph: Graph, { layers }: Placement): number {
  const layerNames = new Set(layers.map(({ node }) => node.name));
  const isCounted = ({ op, name }: Node) =>
    op === "QuantizeLinear" || op === "DequantizeLinear" || layerNames.has(name);
  const names = new Set(graph.nodes.filter(isCounted).flatMap(({ inputs }) => inputs));
  return [...names].reduce((sum, name) => {
    const constant = graph.constants.get(name);
    return sum + (constant ? bytesOf(constant) : 0);
  }, 0);
}
