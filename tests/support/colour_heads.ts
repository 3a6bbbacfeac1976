/**
 * Forms of heads behind the detector of colours: what its output means is all that differs.
 *
 * @module
 */

import { CELLS, colourLogits, type HeadParts, SIDE, type Tail } from "./colour_detector.ts";

/** Writes the outputs of a head. */
export type Write = (tail: Tail, parts: HeadParts) => string | readonly string[];

/** Boxes as centres and sizes, and scores. */
export const usual: Write = (tail, { centres, scores }) => tail.join(1, centres, scores);
/** Boxes as corners, and scores. */
export const cornered: Write = (tail, { corners, scores }) => tail.join(1, corners, scores);
/** Boxes, objectness and scores. */
export const objectness: Write = (tail, { centres, greatest, scores }) => tail.join(1, centres, greatest, scores);

/** Boxes in parts of the input. */
export const parts = (tail: Tail, boxes: string) => tail.both("Div", boxes, tail.fixed([1], () => SIDE));

/** Results `[1, 48, 6]`: every cell once for each class. */
export function results(tail: Tail, { corners, scores }: HeadParts): string {
  const boxes = tail.swap(corners);
  const classes = [0, 1, 2].map((k) => {
    const score = tail.one("Slice", "one", [tail.swap(scores)], { starts: [k], ends: [k + 1], axes: [2], steps: [1] });
    return tail.join(2, boxes, score, tail.fixed([1, CELLS, 1], () => k));
  });
  return tail.join(1, ...classes);
}

/** YOLOX's head at strides 8, 16, 32: only the cells of stride 16 have objectness. */
export function grid(tail: Tail, { picture }: HeadParts): string {
  const levels = [8, 16, 32].map((stride) => {
    const size = SIDE / stride, cells = size * size;
    const logits = colourLogits(tail, picture, stride);
    const layer = (channels: number, bias: (at: number) => number) =>
      tail.one("Conv", "layer", [logits, tail.fixed([channels, 3, 1, 1], () => 0), tail.fixed([channels], bias)], {
        ...{ strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 } as const,
      });
    const boxes = layer(4, (at) => at < 2 ? 0.5 : Math.log(16 / stride));
    const isObject = tail.one("Sigmoid", "object", [layer(1, () => stride === 16 ? 20 : -20)], {});
    const scores = tail.one("Sigmoid", "classes", [logits], {});
    return tail.shaped(tail.join(1, boxes, isObject, scores), [1, 8, cells]);
  });
  return tail.swap(tail.join(2, ...levels));
}

/** As many anchors as YOLOv5 has at 64 pixels, three a place; those behind the first 16 see nothing. */
export function threeAPlace(tail: Tail, { centres, greatest, scores }: HeadParts): string {
  const rest = tail.fixed([1, 8, 252 - CELLS], (at) => at < 4 * (252 - CELLS) ? 8 : 0);
  return tail.swap(tail.join(2, tail.join(1, centres, greatest, scores), rest));
}

/** YOLOv6: ones in the place of objectness. */
export const ones: Write = (tail, { centres, scores }) =>
  tail.swap(tail.join(1, centres, tail.fixed([1, 1, CELLS], () => 1), scores));
