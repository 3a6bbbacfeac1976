/**
 * Affine maps of the plane. Geometry is drawn as a chain of them and composed into one, so that pixels are sampled once.
 *
 * @module
 */

/** `x' = xx x + xy y + x0`, `y' = yx x + yy y + y0`, in pixels counted from the picture's corner: the first one's middle is 0.5. */
export type Affine = readonly [xx: number, xy: number, x0: number, yx: number, yy: number, y0: number];

/** Left, top, right, bottom. */
export type Edges = readonly [left: number, top: number, right: number, bottom: number];

/** What the maps do one after another, the first of them first. */
export function chain(
  first: Affine,
  ...others: readonly Affine[]
): Affine {
  return others.reduce((before: Affine, [xx, xy, x0, yx, yy, y0]): Affine => {
    const [a, b, c, d, e, f] = before;
    return [
      xx * a + xy * d,
      xx * b + xy * e,
      xx * c + xy * f + x0,
      yx * a + yy * d,
      yx * b + yy * e,
      yx * c + yy * f + y0,
    ];
  }, first);
}

/** Scales by a factor for each axis, then moves. */
export function scaleAndMove(x: number, y: number, x0 = 0, y0 = 0): Affine {
  return [x, 0, x0, 0, y, y0];
}

/** The way back; the map must not flatten the plane. */
export function inverse([a, b, c, d, e, f]: Affine): Affine {
  const determinant = a * e - b * d;
  const [xx, xy, yx, yy] = [e / determinant, -b / determinant, -d / determinant, a / determinant];
  return [xx, xy, -(xx * c + xy * f), yx, yy, -(yx * c + yy * f)];
}

/** The upright rectangle around what a map makes of one. */
export function boundsOf([a, b, c, d, e, f]: Affine, [left, top, right, bottom]: Edges): Edges {
  const xs = [a * left + b * top, a * right + b * top, a * left + b * bottom, a * right + b * bottom];
  const ys = [d * left + e * top, d * right + e * top, d * left + e * bottom, d * right + e * bottom];
  return [Math.min(...xs) + c, Math.min(...ys) + f, Math.max(...xs) + c, Math.max(...ys) + f];
}

/** The common part of two upright rectangles. If there is none, right is not beyond left, or bottom not beyond top. */
export function common(a: Edges, b: Edges): Edges {
  return [Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])];
}
