/**
 * What the search for a mixed assignment needs measured, and by whom: compression itself touches no device and no pictures.
 *
 * @module
 */

import type { Graph } from "../../../graph/mod.ts";
import type { FloatStorage } from "./assign.ts";
import type { DispatchMilliseconds } from "./layers.ts";

/** A network to measure. */
export interface MixedVariant {
  /** The network. Its int8 part, if it has one, is in QDQ form. */
  readonly graph: Graph;
  /** How its float part is stored. */
  readonly storage: FloatStorage;
}

/** Times of a network. */
export interface VariantTimes {
  /** Milliseconds from picture to boxes, the median. */
  readonly milliseconds: number;
  /** Milliseconds of device time of a frame: the sum of its dispatches. */
  readonly device: number;
  /** Milliseconds of every dispatch, at its fastest. */
  readonly dispatches: readonly DispatchMilliseconds[];
}

/** Measures networks. */
export interface MixedMeter {
  /** Times of networks, measured in turn, in the order given. */
  times(variants: readonly MixedVariant[]): Promise<readonly VariantTimes[]>;
  /** mAP50-95 of a network, 0..1. */
  map(variant: MixedVariant): Promise<number>;
}
