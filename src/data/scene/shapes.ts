/**
 * Outlines of scene objects as signed distances.
 *
 * Coordinates are the object's own: it reaches to about 1 from its middle. Negative is inside.
 *
 * @module
 */

/** Signed distance of a point to an outline, in the object's own units. */
export type Outline = (x: number, y: number) => number;

/** sin and cos of 45 degrees, written out so that no engine computes it. */
const DIAGONAL = 0.7071067811865476;

const disc: Outline = (x, y) => Math.sqrt(x * x + y * y) - 1;

/** A rectangle with slightly rounded corners. */
function block(halfWidth: number, halfHeight: number): Outline {
  const round = 0.08;
  return (x, y) => {
    const dx = Math.abs(x) - halfWidth + round;
    const dy = Math.abs(y) - halfHeight + round;
    if (dx <= 0 || dy <= 0) return (dx > dy ? dx : dy) - round;
    return Math.sqrt(dx * dx + dy * dy) - round;
  };
}

/**
 * A star of as many points as `turns` has directions (those of its points, evenly around), by its symmetry: the point is brought
 * next to the nearest tip, where one edge is the outline.
 */
function star(turns: readonly (readonly [number, number])[], half: readonly [number, number], inner: number): Outline {
  // Edge from the tip at (1, 0) to the notch between two tips, which is `half` a turn further.
  const [nx, ny] = [half[0] * inner, half[1] * inner];
  const [ex, ey] = [nx - 1, ny];
  const length = Math.sqrt(ex * ex + ey * ey);
  return (x, y) => {
    let along = -Infinity;
    let across = 0;
    for (let i = 0; i < turns.length; i++) {
      const cos = turns[i][0];
      const sin = turns[i][1];
      const reach = cos * x + sin * y;
      if (reach > along) {
        along = reach;
        across = Math.abs(cos * y - sin * x);
      }
    }
    return (ey * (along - 1) - ex * across) / length;
  };
}

/** Directions at whole parts of a turn; constants, for the reason that `arithmetic.ts` gives. */
const FIFTHS = [
  [1, 0],
  [0.30901699437494745, 0.9510565162951535],
  [-0.8090169943749475, 0.5877852522924731],
  [-0.8090169943749475, -0.5877852522924731],
  [0.30901699437494745, -0.9510565162951535],
] as const;
const SIXTHS = [
  [1, 0],
  [0.5, 0.8660254037844386],
  [-0.5, 0.8660254037844386],
  [-1, 0],
  [-0.5, -0.8660254037844386],
  [0.5, -0.8660254037844386],
] as const;

/** A ring around a hole. */
const ring: Outline = (x, y) => Math.abs(Math.sqrt(x * x + y * y) - 0.68) - 0.3;

/** The same with eight teeth. */
const gear: Outline = (x, y) => {
  const radius = Math.sqrt(x * x + y * y);
  const a = Math.abs(x);
  const b = Math.abs(y);
  const near = a > b ? b : a;
  const far = a > b ? a : b;
  const straight = Math.max(near - 0.15, far - 1);
  const slanted = Math.max(Math.abs(far - near) * DIAGONAL - 0.15, (far + near) * DIAGONAL - 1);
  const body = Math.min(radius - 0.78, straight, slanted);
  return Math.max(body, 0.38 - radius);
};

/** Pointing up, equal sides. */
const triangle: Outline = (x, y) => Math.max(Math.abs(x) * 0.8660254037844386 + y * 0.5, -y) - 0.5;

/** Outlines by name. The triangle and the bar are no class's: they are clutter. */
export const OUTLINES = {
  disc,
  square: block(0.88, 0.88),
  star5: star(FIFTHS, [0.8090169943749475, 0.5877852522924731], 0.46),
  star6: star(SIXTHS, [0.8660254037844386, 0.5], 0.56),
  gear,
  ring,
  triangle,
  bar: block(1, 0.13),
} as const satisfies Record<string, Outline>;

/** Name of an outline. */
export type OutlineName = keyof typeof OUTLINES;

/** How far each outline reaches from its middle along its own x and y; none reaches further. */
export const REACHES: Readonly<Record<OutlineName, readonly [number, number]>> = {
  disc: [1, 1],
  square: [0.88, 0.88],
  star5: [1, 1],
  star6: [1, 1],
  gear: [1.02, 1.02],
  ring: [0.98, 0.98],
  triangle: [0.87, 1],
  bar: [1, 0.13],
};
