/**
 * Painting on RGB bytes: filled rectangles and antialiased strokes.
 *
 * @module
 */

import type { Rgb } from "./palette.ts";

/** A picture that is painted on in place. */
export interface Surface {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** A point in pixels; pixel (0, 0) covers 0..1 both ways. */
export type Point = readonly [number, number];

/** Left, top, right and bottom in pixels. */
export type Rectangle = readonly [left: number, top: number, right: number, bottom: number];

function blend(surface: Surface, x: number, y: number, colour: Rgb, cover: number): void {
  const at = (y * surface.width + x) * 3;
  for (let channel = 0; channel < 3; channel++) {
    const below = surface.data[at + channel];
    surface.data[at + channel] = Math.round(below + cover * (colour[channel] - below));
  }
}

/** Fills the pixels from (left, top) up to, not including, (right, bottom); whole pixels, cut at the picture's edge. */
export function fillRectangle(
  surface: Surface,
  [left, top, right, bottom]: readonly [number, number, number, number],
  colour: Rgb,
  opacity = 1,
): void {
  for (let y = Math.max(0, top); y < Math.min(surface.height, bottom); y++) {
    for (let x = Math.max(0, left); x < Math.min(surface.width, right); x++) blend(surface, x, y, colour, opacity);
  }
}

/** Distance of a point to a line segment. */
function distanceToSegment(x: number, y: number, [ax, ay]: Point, [bx, by]: Point): number {
  const [dx, dy] = [bx - ax, by - ay];
  const length = dx * dx + dy * dy;
  const along = length === 0 ? 0 : Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / length));
  return Math.hypot(x - ax - along * dx, y - ay - along * dy);
}

/** Draws open lines with round ends and joints; pixels that several lines touch are painted once. */
export function strokePaths(
  surface: Surface,
  paths: readonly (readonly Point[])[],
  thickness: number,
  colour: Rgb,
): void {
  const radius = thickness / 2;
  const cover = new Map<number, number>();
  for (const path of paths) {
    for (let i = 0; i < path.length; i++) {
      const [from, to] = [path[i], path[Math.min(i + 1, path.length - 1)]];
      const reach = radius + 1;
      const left = Math.max(0, Math.floor(Math.min(from[0], to[0]) - reach));
      const right = Math.min(surface.width - 1, Math.ceil(Math.max(from[0], to[0]) + reach));
      const top = Math.max(0, Math.floor(Math.min(from[1], to[1]) - reach));
      const bottom = Math.min(surface.height - 1, Math.ceil(Math.max(from[1], to[1]) + reach));
      for (let y = top; y <= bottom; y++) {
        for (let x = left; x <= right; x++) {
          const inside = radius + 0.5 - distanceToSegment(x + 0.5, y + 0.5, from, to);
          if (inside <= 0) continue;
          const at = y * surface.width + x;
          cover.set(at, Math.max(cover.get(at) ?? 0, Math.min(1, inside)));
        }
      }
    }
  }
  blendCover(surface, cover, colour);
}

/** Fills rectangles that do not overlap; pixels that they cover in part are mixed. */
export function fillAreas(surface: Surface, areas: readonly Rectangle[], colour: Rgb): void {
  const cover = new Map<number, number>();
  const shared = (at: number, from: number, to: number) => Math.min(at + 1, to) - Math.max(at, from);
  for (const [left, top, right, bottom] of areas) {
    for (let y = Math.max(0, Math.floor(top)); y < Math.min(surface.height, bottom); y++) {
      for (let x = Math.max(0, Math.floor(left)); x < Math.min(surface.width, right); x++) {
        const at = y * surface.width + x;
        cover.set(at, (cover.get(at) ?? 0) + shared(x, left, right) * shared(y, top, bottom));
      }
    }
  }
  blendCover(surface, cover, colour);
}

/** Mixes a colour in by the part of each pixel that is covered, counted row by row. */
function blendCover(surface: Surface, cover: ReadonlyMap<number, number>, colour: Rgb): void {
  for (const [at, part] of cover) {
    blend(surface, at % surface.width, Math.floor(at / surface.width), colour, Math.min(1, part));
  }
}
