/**
 * What the search for a mixed assignment found, as plain data.
 *
 * @module
 */

import type { FloatStorage } from "./assign.ts";

/** What an assignment may cost: mAP that is lost against f32 (0.004 is 0.4 points), or milliseconds from picture to boxes. */
export type MixedBudget = { readonly map: number } | { readonly milliseconds: number };

/** What a layer computes in, and what was measured of it. */
export interface MixedLayer {
  /** Name of its convolution or product. */
  readonly name: string;
  /** What it computes, such as `Conv+Silu`. */
  readonly operator: string;
  /** What it computes in: int8, or float in the form of storage that all of the float part has. */
  readonly precision: FloatStorage | "int8";
  /** Why it could not choose; null for a layer that could. */
  readonly fixed: string | null;
  /** Milliseconds of device time, conversions that are there for it included; null without a dispatch of its own. */
  readonly milliseconds: {
    readonly f32: number | null;
    readonly f16: number | null;
    /** In int8, between layers whose floats are f32. */
    readonly int8: number | null;
  };
  /** Loss of the outputs where only this layer is int8, as in `Fidelity`. */
  readonly loss: number;
  /** mAP that is lost where only this layer is int8; null where it was not measured. */
  readonly mapLoss: number | null;
}

/** An assignment that was measured as a whole. */
export interface MixedPoint {
  /** What it is: `f32`, `f16`, `int8`, the preset, or how many layers are int8. */
  readonly title: string;
  /** How the float part is stored. */
  readonly storage: FloatStorage;
  /** Layers that compute in int8. */
  readonly int8Layers: number;
  /** Milliseconds of device time that were predicted; null for what is not made of single choices. */
  readonly predicted: number | null;
  /** Milliseconds of device time of a frame: those of its dispatches together, each undisturbed. */
  readonly device: number;
  /** Milliseconds from picture to boxes, the median. */
  readonly milliseconds: number;
  /** mAP50-95. */
  readonly map: number;
  /** Bytes of weights as they are stored in the file. */
  readonly bytes: number;
  /** Whether nothing else that was measured is both faster on the device and better. */
  readonly isOnFrontier: boolean;
}

/** What the search found. */
export interface MixedReport {
  /** What was asked for. */
  readonly budget: MixedBudget;
  /** All that was measured, slowest on the device first. */
  readonly points: readonly MixedPoint[];
  /** The one that was chosen. */
  readonly chosen: MixedPoint;
  /** Every layer as it is in the chosen one, in order. */
  readonly layers: readonly MixedLayer[];
  /** Loss of the outputs by storing floats in f16. */
  readonly f16Loss: number;
  /** What the user should know, a sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Marks the points that no other beats in device time and mAP, and sorts them, slowest first. What the host adds to a frame is the same for
 * all and would only blur the order.
 */
export function withFrontier(points: readonly Omit<MixedPoint, "isOnFrontier">[]): MixedPoint[] {
  let best = -Infinity;
  return [...points].sort((a, b) => a.device - b.device || b.map - a.map).map((point) => {
    const isOnFrontier = point.map > best;
    best = Math.max(best, point.map);
    return { ...point, isOnFrontier };
  }).reverse();
}
