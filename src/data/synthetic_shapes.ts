/**
 * The shapes that synthetic pictures are made of, as signed distances, and their antialiased painting.
 *
 * @module
 */

/** A colour as red, green and blue in 0..1. */
export type Colour = readonly [number, number, number];

/** Edges of a box in pixels: left, top, right, bottom. */
export type Box = readonly [number, number, number, number];

/** Signed distance in pixels of a point to a shape that fills a box of the given half extents at the origin; inside < 0. */
export type SignedDistance = (x: number, y: number, halfWidth: number, halfHeight: number) => number;

/** A circle; both half extents are its radius. */
export const disc: SignedDistance = (x, y, radius) => Math.hypot(x, y) - radius;

/** An axis-aligned rectangle. */
export const rectangle: SignedDistance = (x, y, halfWidth, halfHeight) =>
  Math.max(Math.abs(x) - halfWidth, Math.abs(y) - halfHeight);

/** An isosceles triangle that points up and fills its box. */
export const triangle: SignedDistance = (x, y, halfWidth, halfHeight) => {
  const side = Math.hypot(halfWidth, 2 * halfHeight);
  const slanted = (2 * halfHeight * Math.abs(x) - halfWidth * (y + halfHeight)) / side;
  return Math.max(slanted, y - halfHeight);
};

/** A picture being painted: linear mixing of colours in 0..1, three values a pixel. */
export interface Canvas {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

/** One painted shape. */
export interface Stroke {
  readonly shape: SignedDistance;
  readonly centre: readonly [number, number];
  readonly half: readonly [number, number];
  readonly colour: Colour;
  /** Rotation in radians, clockwise on screen. */
  readonly angle?: number;
  /** How much darker the bottom is than the top, as a part of the colour. */
  readonly shade?: number;
  /** 1 covers what is below, 0 leaves it. */
  readonly opacity?: number;
}

/** Paints a shape; a pixel is covered by as much as the edge leaves of it. */
export function paint(canvas: Canvas, stroke: Stroke): void {
  const { shape, centre: [cx, cy], half: [halfWidth, halfHeight], colour, angle = 0, shade = 0, opacity = 1 } = stroke;
  const reach = Math.hypot(halfWidth, halfHeight) + 1;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [left, right] = [Math.max(0, Math.floor(cx - reach)), Math.min(canvas.width, Math.ceil(cx + reach))];
  const [top, bottom] = [Math.max(0, Math.floor(cy - reach)), Math.min(canvas.height, Math.ceil(cy + reach))];
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const [dx, dy] = [x + 0.5 - cx, y + 0.5 - cy];
      const distance = shape(cos * dx + sin * dy, cos * dy - sin * dx, halfWidth, halfHeight);
      const cover = Math.min(1, Math.max(0, 0.5 - distance)) * opacity;
      if (cover === 0) continue;
      const light = 1 - shade * (dy / halfHeight);
      const at = (y * canvas.width + x) * 3;
      for (let channel = 0; channel < 3; channel++) {
        canvas.data[at + channel] += cover * (colour[channel] * light - canvas.data[at + channel]);
      }
    }
  }
}
