/**
 * Pads that follow from the extents of an image, as `auto_pad` states them.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import type { Pads, Pair } from "../../graph/operators.ts";
import type { SamePads } from "../../graph/size_rules.ts";

/** A sliding window. */
export interface SlidingWindow {
  readonly kernel: Pair;
  readonly strides: Pair;
  readonly dilations: Pair;
}

/** Elements that a window covers along an axis. */
const covered = ({ kernel, dilations }: SlidingWindow, axis: 0 | 1) => dilations[axis] * (kernel[axis] - 1) + 1;

function share(total: Pair, odd: SamePads["odd"]): Pads {
  const less = total.map((amount) => Math.floor(amount / 2));
  const more = total.map((amount) => Math.ceil(amount / 2));
  const [begin, end] = odd === "end" ? [less, more] : [more, less];
  return [begin[0], begin[1], end[0], end[1]];
}

/** Pads with which a window takes `ceil(extent / stride)` places along each axis. */
export function samePads(image: Pair, window: SlidingWindow, { odd }: SamePads): Pads {
  const total = (axis: 0 | 1) => {
    const stride = window.strides[axis];
    return Math.max(0, (Math.ceil(image[axis] / stride) - 1) * stride + covered(window, axis) - image[axis]);
  };
  return share([total(0), total(1)], odd);
}

/**
 * Pads with which a transposed convolution of the image ends at the given extents, and what has to join the output padding of each axis
 * where even no pads fall short.
 */
export function transposedPads(
  image: Pair,
  window: SlidingWindow & { readonly outputPadding: Pair },
  output: Pair,
  { odd }: SamePads,
): { readonly pads: Pads; readonly missing: Pair } {
  const { strides, outputPadding } = window;
  const surplus = (axis: 0 | 1) =>
    strides[axis] * (image[axis] - 1) + outputPadding[axis] + covered(window, axis) - output[axis];
  const [height, width] = [surplus(0), surplus(1)];
  return {
    pads: share([Math.max(0, height), Math.max(0, width)], odd),
    missing: [Math.max(0, -height), Math.max(0, -width)],
  };
}

/**
 * Pads with which a transposed convolution makes stride times the image. Throws FeatherdetError for a kernel below the strides: the
 * standard wants that, runtimes stop at what the kernel covers.
 */
export function sameTransposedPads(
  image: Pair,
  window: SlidingWindow & { readonly outputPadding: Pair },
  rule: SamePads,
): Pads {
  const { kernel, strides } = window;
  const { pads, missing } = transposedPads(image, window, [image[0] * strides[0], image[1] * strides[1]], rule);
  if (missing.every((amount) => amount === 0)) return pads;
  throw new FeatherdetError(
    `auto_pad with kernel ${kernel.join("x")} below strides [${strides.join(",")}] is not supported`,
  );
}
