/**
 * Random geometry: scale, turn, shear and move about the middle of the canvas, then mirror.
 *
 * @module
 */

import type { Random } from "../../numbers/random.ts";
import { type Affine, chain, scaleAndMove } from "./affine.ts";
import type { AugmentOptions } from "./options.ts";
import type { InputSize } from "./tile.ts";

/** What is drawn of it: factors, degrees, parts of the input. */
export interface Geometry {
  readonly scale: number;
  readonly rotate: number;
  readonly shear: readonly [x: number, y: number];
  readonly translate: readonly [x: number, y: number];
  readonly flip: readonly [horizontal: boolean, vertical: boolean];
}

/** Draws within the ranges of the options; all numbers are drawn always, so that an option changes nothing but what it names. */
export function drawGeometry(random: Random, options: Required<AugmentOptions>): Geometry {
  const within = (range: number) => random.uniform(-range, range);
  return {
    scale: 1 + within(options.scale),
    rotate: within(options.rotate),
    shear: [within(options.shear), within(options.shear)],
    translate: [within(options.translate), within(options.translate)],
    flip: [random.next() < options.flipHorizontal, random.next() < options.flipVertical],
  };
}

const radians = (degrees: number) => degrees * Math.PI / 180;

/** The map from a canvas `times` as large as the input to the input. */
export function geometryMap(geometry: Geometry, times: number, [height, width]: InputSize): Affine {
  const { scale, rotate, shear, translate, flip } = geometry;
  const cos = scale * Math.cos(radians(rotate)), sin = scale * Math.sin(radians(rotate));
  return chain(
    scaleAndMove(1, 1, -times * width / 2, -times * height / 2),
    [cos, sin, 0, -sin, cos, 0],
    [1, Math.tan(radians(shear[0])), 0, Math.tan(radians(shear[1])), 1, 0],
    scaleAndMove(1, 1, (0.5 + translate[0]) * width, (0.5 + translate[1]) * height),
    scaleAndMove(flip[0] ? -1 : 1, flip[1] ? -1 : 1, flip[0] ? width : 0, flip[1] ? height : 0),
  );
}
