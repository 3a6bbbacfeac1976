/**
 * Attention at chosen places of a detector: on the features that its backbone hands to the neck, and on those that the neck hands
 * to the head.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import { attention, ATTENTION_KINDS, type AttentionKind, type CbamOptions, type SimamOptions } from "./attention.ts";
import type { Features } from "./backbones/backbone.ts";
import type { ModelBuilder } from "./builder.ts";
import { checkFactor, checkWhole } from "./option_checks.ts";

/** Levels of the pyramid, finest first. */
export const LEVELS = ["p3", "p4", "p5"] as const;

/**
 * A place of attention. `p3`, `p4` and `p5` are the backbone's features of stride 8, 16 and 32 as the neck reads them; the backbone
 * itself reads them without attention, so that its pretrained weights keep their meaning. `n3`, `n4` and `n5` are the maps that the neck
 * gives the head.
 */
export type AttentionPlace = "p3" | "p4" | "p5" | "n3" | "n4" | "n5";

/** Every place, from the picture on. */
export const ATTENTION_PLACES: readonly AttentionPlace[] = ["p3", "p4", "p5", "n3", "n4", "n5"];

/** Which attention, with its settings (`reduction` serves SE too), and where. Settings of other kinds are ignored. */
export interface PlacedAttention extends CbamOptions, SimamOptions {
  /** Which block. */
  readonly kind: AttentionKind;
  /** Each at most once. */
  readonly places: readonly AttentionPlace[];
}

/**
 * Throws FeatherdetError for kinds and places that do not exist, for places given twice and for settings that are no positive
 * numbers. `what` names the model.
 */
export function checkAttention(
  what: string,
  { kind, places, reduction = 1, kernel = 1, lambda = 1 }: PlacedAttention,
): void {
  if (!ATTENTION_KINDS.includes(kind)) {
    throw new FeatherdetError(`${what}: attention "${kind}" does not exist, expected ${ATTENTION_KINDS.join(", ")}`);
  }
  if (!Array.isArray(places)) {
    throw new FeatherdetError(
      `${what}: attention has no list of places, expected some of ${ATTENTION_PLACES.join(", ")}`,
    );
  }
  checkFactor(what, "attention's reduction", reduction);
  checkWhole(what, "attention's kernel", kernel, 1);
  checkFactor(what, "attention's lambda", lambda);
  places.forEach((place, index) => {
    if (!ATTENTION_PLACES.includes(place)) {
      throw new FeatherdetError(
        `${what}: attention at "${place}" is not possible, expected places among ${ATTENTION_PLACES.join(", ")}`,
      );
    }
    if (places.indexOf(place) !== index) {
      throw new FeatherdetError(`${what}: attention is asked for twice at "${place}"`);
    }
  });
}

/**
 * Puts attention on those of the features that are among its places; `side` is `p` behind the backbone, `n` behind the neck. A
 * block's path is `attention.PLACE`.
 */
export function attend(
  b: ModelBuilder,
  side: "p" | "n",
  features: Features,
  placed: PlacedAttention | undefined,
): Features {
  if (placed === undefined) return features;
  const { places, ...options } = placed;
  const [p3, p4, p5] = LEVELS.map((level) => {
    const place = `${side}${level[1]}` as AttentionPlace;
    return places.includes(place) ? attention(b, `attention.${place}`, features[level], options) : features[level];
  });
  return { p3, p4, p5 };
}
