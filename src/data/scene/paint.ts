/**
 * Paints a scene: a background of noise, then its items from the back to the front.
 *
 * @module
 */

import type { Random } from "../../numbers/random.ts";
import { addNoiseField, clamp01, randomDirection } from "./arithmetic.ts";
import type { Item, Layout, Rgb } from "./layout.ts";
import { columnsOf, placementOf, rowsOf } from "./placement.ts";
import { OUTLINES } from "./shapes.ts";
import { patternOf } from "./textures.ts";

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
  const plane = (channel: number) => {
    const [low, step] = [from[channel], to[channel] - from[channel]];
    const values = new Float32Array(field.length);
    for (let i = 0; i < field.length; i++) values[i] = low + step * clamp01(field[i]);
    return values;
  };
  return [plane(0), plane(1), plane(2)];
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
function paintShadow([red, green, blue]: Planes, { width, height, light }: Layout, item: Item): void {
  const distance = item.radius * 0.18;
  const soft = 0.3;
  const moved = [-light[0] * distance, -light[1] * distance] as const;
  // Twice what the softness needs: distances to the tips of stars are short ones.
  const placement = placementOf(item, item.radius * soft, moved);
  const { cx, cy, ax, ay, bx, by } = placement;
  const outline = OUTLINES[item.outline];
  const [top, bottom] = rowsOf(placement);
  for (let y = Math.max(0, top); y < Math.min(height, bottom); y++) {
    const dy = y + 0.5 - cy;
    const [left, right] = columnsOf(placement, y);
    for (let x = Math.max(0, left), end = Math.min(width, right); x < end; x++) {
      const dx = x + 0.5 - cx;
      const cover = clamp01(0.5 - outline(ax * dx + ay * dy, bx * dx + by * dy) / soft);
      if (cover === 0) continue;
      const keep = 1 - item.shadow * cover;
      const at = y * width + x;
      red[at] *= keep;
      green[at] *= keep;
      blue[at] *= keep;
    }
  }
}

/** Paints one item over what is there. */
function paintItem([red, green, blue]: Planes, { width, height, light }: Layout, item: Item): void {
  const placement = placementOf(item, 1.5);
  const { cx, cy, ax, ay, bx, by } = placement;
  const outline = OUTLINES[item.outline];
  const pattern = patternOf(item.texture, item.radius);
  const { radius, shade, colours: [[r1, g1, b1], [r2, g2, b2]] } = item;
  const [top, bottom] = rowsOf(placement);
  for (let y = Math.max(0, top); y < Math.min(height, bottom); y++) {
    const dy = y + 0.5 - cy;
    const [left, right] = columnsOf(placement, y);
    for (let x = Math.max(0, left), end = Math.min(width, right); x < end; x++) {
      const dx = x + 0.5 - cx;
      const u = ax * dx + ay * dy;
      const v = bx * dx + by * dy;
      const cover = clamp01(0.5 - outline(u, v) * radius);
      if (cover === 0) continue;
      const mixed = pattern(u, v);
      // Lighter on the side of the light, darker on the other and towards the rim, as a low dome is.
      const lit = 1 + shade * ((dx * light[0] + dy * light[1]) / radius - 0.3 * (u * u + v * v));
      const at = y * width + x;
      red[at] += cover * ((r1 + mixed * (r2 - r1)) * lit - red[at]);
      green[at] += cover * ((g1 + mixed * (g2 - g1)) * lit - green[at]);
      blue[at] += cover * ((b1 + mixed * (b2 - b1)) * lit - blue[at]);
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
