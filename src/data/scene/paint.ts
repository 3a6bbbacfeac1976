/**
 * Paints a scene: a background of noise, then its items from the back to the front.
 *
 * @module
 */

import type { Random } from "../random.ts";
import { addNoiseField, clamp01, randomDirection } from "./arithmetic.ts";
import type { Item, Layout, Rgb } from "./layout.ts";
import { OUTLINES } from "./shapes.ts";
import { patternOf } from "./textures.ts";
import { extentOf, placementOf } from "./visibility.ts";

/** A picture while it is painted: three planes of `width * height` values, 0 to 1. */
export type Planes = readonly [Float32Array, Float32Array, Float32Array];

function mutedColour(random: Random): Rgb {
  const light = random.uniform(0.15, 0.85);
  const tint = () => clamp01(light + random.uniform(-0.22, 0.22));
  return [tint(), tint(), tint()];
}

/** Between two colours by noise of several grains, and under it, often, something regular: boards or tiles. */
export function paintBackground(random: Random, width: number, height: number): Planes {
  const unit = Math.min(width, height);
  const field = new Float32Array(width * height).fill(0.5);
  const roughness = random.uniform(0.3, 1);
  for (
    const [part, strength] of [[0.4, 0.9], [0.13, 0.45 * roughness], [0.045, 0.3 * roughness], [
      0.016,
      0.22 * roughness,
    ]]
  ) {
    addNoiseField(field, width, height, { grain: Math.max(2, unit * part), strength, random });
  }
  const kind = random.next();
  if (kind < 0.5) addGrid(field, width, height, random, kind < 0.25);
  const [from, to] = [mutedColour(random), mutedColour(random)];
  const planes = [0, 1, 2].map((channel) => {
    const [low, step] = [from[channel], to[channel] - from[channel]];
    return field.map((value) => low + step * clamp01(value));
  });
  return planes as unknown as Planes;
}

/** Lines at equal distances, in one direction or two. */
function addGrid(field: Float32Array, width: number, height: number, random: Random, twoWays: boolean): void {
  const [cos, sin] = randomDirection(random);
  const pitch = Math.min(width, height) * random.uniform(0.06, 0.22);
  const thickness = random.uniform(0.06, 0.3);
  const strength = random.uniform(-0.5, 0.5);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const u = (cos * x + sin * y) / pitch;
      let on = u - Math.floor(u) < thickness;
      if (twoWays && !on) {
        const v = (cos * y - sin * x) / pitch;
        on = v - Math.floor(v) < thickness;
      }
      if (on) field[at] += strength;
    }
  }
}

/** Darkens what is below an item, softly and away from the light. */
function paintShadow(planes: Planes, { width, height, light }: Layout, item: Item): void {
  const { ax, ay, bx, by, reach } = placementOf(item);
  const distance = item.radius * 0.18;
  const soft = 0.3;
  const [left, top, right, bottom] = extentOf(item, reach * (1 + soft) + distance);
  const outline = OUTLINES[item.outline];
  const [cx, cy] = [item.centre[0] - light[0] * distance, item.centre[1] - light[1] * distance];
  for (let y = Math.max(0, top); y < Math.min(height, bottom); y++) {
    const dy = y + 0.5 - cy;
    for (let x = Math.max(0, left); x < Math.min(width, right); x++) {
      const dx = x + 0.5 - cx;
      const cover = clamp01(0.5 - outline(ax * dx + ay * dy, bx * dx + by * dy) / soft);
      if (cover === 0) continue;
      const keep = 1 - item.shadow * cover;
      const at = y * width + x;
      planes[0][at] *= keep;
      planes[1][at] *= keep;
      planes[2][at] *= keep;
    }
  }
}

/** Paints one item over what is there. */
function paintItem(planes: Planes, { width, height, light }: Layout, item: Item): void {
  const { ax, ay, bx, by, reach } = placementOf(item);
  const [left, top, right, bottom] = extentOf(item, reach);
  const outline = OUTLINES[item.outline];
  const pattern = patternOf(item.texture, item.radius);
  const { radius, shade, centre: [cx, cy], colours: [first, second] } = item;
  const [red, green, blue] = planes;
  for (let y = Math.max(0, top); y < Math.min(height, bottom); y++) {
    const dy = y + 0.5 - cy;
    for (let x = Math.max(0, left); x < Math.min(width, right); x++) {
      const dx = x + 0.5 - cx;
      const [u, v] = [ax * dx + ay * dy, bx * dx + by * dy];
      const cover = clamp01(0.5 - outline(u, v) * radius);
      if (cover === 0) continue;
      const mixed = pattern(u, v);
      // Lighter on the side of the light, darker on the other and towards the rim, as a low dome is.
      const lit = 1 + shade * ((dx * light[0] + dy * light[1]) / radius - 0.3 * (u * u + v * v));
      const at = y * width + x;
      red[at] += cover * ((first[0] + mixed * (second[0] - first[0])) * lit - red[at]);
      green[at] += cover * ((first[1] + mixed * (second[1] - first[1])) * lit - green[at]);
      blue[at] += cover * ((first[2] + mixed * (second[2] - first[2])) * lit - blue[at]);
    }
  }
}

/** Paints all items with their shadows. */
export function paintItems(planes: Planes, layout: Layout): void {
  for (const item of layout.items) {
    if (item.shadow > 0) paintShadow(planes, layout, item);
    paintItem(planes, layout, item);
  }
}
