/**
 * Channel rules of operators through which channels are not followed.
 *
 * @module
 */

import type { Operator } from "../operators.ts";
import type { ChannelRule } from "./tracker.ts";

/**
 * Operators on whole numbers and packed weights: channels stay as they are, for slices of codes, scales and zero points are the business
 * of whoever quantizes, which comes after channels have been removed.
 */
export const quantized: ChannelRule<Operator> = (node, channels) => channels.mix(node, "works on quantized numbers");

/** Operators that choose elements by their numbers. */
export const chosen: ChannelRule<Operator> = (node, channels) =>
  channels.mix(node, "chooses elements by their numbers");

/** Operators that only training has: their graphs are made anew from the model once channels have been removed from that. */
export const training: ChannelRule<Operator> = (node, channels) => channels.mix(node, "belongs to training");
