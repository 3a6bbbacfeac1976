/**
 * Sizes for inputs that a model's file leaves open.
 *
 * @module
 */

import { FeatherdetError } from "../graph/mod.ts";
import type { ShapeOf } from "../onnx/mod.ts";

/**
 * Extents for an input that the file leaves open in part: one picture of three channels, in either order of axes, of the
 * given size. */
export function openExtents(size: number | readonly [height: number, width: number] | undefined): ShapeOf {
  return ({ name, extents }, index) => {
    if (index > 0 || extents.length !== 4 || extents.every((extent) => typeof extent === "number")) return undefined;
    const [height, width] = typeof size === "number" ? [size, size] : size ?? [];
    const wanted = extents[3] === 3 && extents[1] !== 3 ? [1, height, width, 3] : [1, 3, height, width];
    return extents.map((extent, axis) => {
      const side = wanted[axis];
      if (typeof extent === "number") return extent;
      return side ?? refuseOpen(name, extents);
    });
  };
}

function refuseOpen(name: string, extents: readonly (number | string)[]): never {
  throw new FeatherdetError(`input "${name}" [${extents.join(",")}] has no size of its own: say one with inputSize`);
}
