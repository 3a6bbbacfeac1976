/**
 * What the search for a mixed assignment found, as plain data.
 *
 * @module
 */

import type { FloatStorage } from "./assign.ts";

/** What an assignment may cost: loss of mAP against f32 (0.004 is 0.4 points), or milliseconds from picture to boxes. */
export type MixedBudget = { readonly map: number } | { readonly milliseconds: number };

/** The precision of a layer, and its measurements. */
export interface MixedLayer {
  /** Name of its convolution or product. */
  readonly name: string;
  /** What it computes, such as `Conv+Silu`. */
  readonly operator: string;
  /** Its precision: int8, or the scalar of the whole float part. */
  readonly precision: FloatStorage | "int8";
  /** Why its precision is fixed; null for a layer that could be chosen. */
  readonly fixed: string | null;
  /** Milliseconds of device time, including its conversions; null without a dispatch of its own. */
  readonly milliseconds: {
    readonly f32: number | null;
    readonly f16: number | null;
    /** In int8, between layers whose floats are f32. */
    readonly int8: number | null;
  };
  /** Loss of the outputs if only this layer is int8, as in `Fidelity`. */
  readonly loss: number;
  /** Loss of mAP if only this layer is int8; null if it was not measured. */
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
  /** Predicted milliseconds of device time; null for an assignment that is not made of choices by layer. */
  readonly predicted: number | null;
  /** Milliseconds of device time of a frame: the sum of its dispatches, each at its fastest. */
  readonly device: number;
  /** Milliseconds from picture to boxes, the median. */
  readonly milliseconds: number;
  /** mAP50-95. */
  readonly map: number;
  /** Bytes of weights as they are stored in the file. */
  readonly bytes: number;
  /** Whether no other measured assignment is both faster on the device and better. */
  readonly isOnFrontier: boolean;
}

/** What the search found. */
export interface MixedReport {
  /** The given budget. */
  readonly budget: MixedBudget;
  /** All measured assignments, slowest on the device first. */
  readonly points: readonly MixedPoint[];
  /** The chosen assignment. */
  readonly chosen: MixedPoint;
  /** Every layer as it is in the chosen assignment, in order. */
  readonly layers: readonly MixedLayer[];
  /** Loss of the outputs if floats are stored in f16. */
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
