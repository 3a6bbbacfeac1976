/**
 * What the search for a mixed assignment needs measured: the common meter's times, and mAP as the score.
 *
 * @module
 */

import type { MeterVariant, VariantTimes } from "../../meter.ts";
import type { FloatStorage } from "./assign.ts";

export type { VariantTimes } from "../../meter.ts";

/** A network to measure, with the storage of its float part. */
export interface MixedVariant extends MeterVariant {
  /** How its float part is stored. */
  readonly storage: FloatStorage;
}

/** Measures networks. */
export interface MixedMeter {
  /** Times of networks, measured in turn, in the order given. */
  times(variants: readonly MixedVariant[]): Promise<readonly VariantTimes[]>;
  /** mAP50-95 of a network, 0..1. */
  map(variant: MixedVariant): Promise<number>;
}
