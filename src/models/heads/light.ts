/**
 * A light head: on every level a box branch and a class branch of one width, of depthwise separable 5x5 convolutions, as in NanoDet
 * (Lyu 2020) and PP-PicoDet (Yu et al. 2021), but apart from each other as in YOLO11. What follows the branches is YOLO11's.
 *
 * @module
 */

import type { ModelBuilder } from "../builder.ts";
import { DFL_BINS } from "../dfl_tail.ts";
import { separable } from "../separable.ts";
import { classPrior, DISTANCE_PRIOR, type HeadBranches } from "./yolo11.ts";

/** Form of a light head. */
export interface LightHeadOptions {
  /** Channels of all branches. */
  readonly width: number;
  /** Separable convolutions of a branch before its last 1x1. */
  readonly repeats: number;
}

/** The branches of a light head, for `detectHead`. */
export function lightBranches({ width, repeats }: LightHeadOptions): HeadBranches {
  const tower = (b: ModelBuilder, path: string, x: string) => {
    for (let i = 0; i < repeats; i++) x = separable(b, `${path}.${i}`, x, { out: width });
    return x;
  };
  return {
    box: (b, path, x) =>
      b.conv(`${path}.${repeats}`, tower(b, path, x), { out: 4 * DFL_BINS, bias: { repeat: DISTANCE_PRIOR } }),
    classes: (b, path, x, { classes, stride }) =>
      b.conv(`${path}.${repeats}`, tower(b, path, x), { out: classes, bias: classPrior(classes, stride) }),
  };
}
