/**
 * What a neck is: it mixes the features of a backbone across the levels of the pyramid.
 *
 * @module
 */

import type { Features } from "../backbones/backbone.ts";
import type { ModelBuilder } from "../builder.ts";

/** How a neck is scaled. */
export interface NeckOptions {
  /** Factor on channels. */
  readonly width: number;
  /** Factor on the number of blocks in a row. */
  readonly depth: number;
}

/** Appends a neck below `path` and returns its features, of the same strides as those it is given. */
export type Neck = (b: ModelBuilder, path: string, features: Features, options: NeckOptions) => Features;
