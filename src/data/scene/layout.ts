/**
 * Decides what is on a scene and where, before anything is painted.
 *
 * @module
 */

import { type Direction, mostlyLow, randomDirection } from "./arithmetic.ts";
import { CLUTTER, SCENE_CLASSES } from "./classes.ts";
import type { Random } from "../../numbers/random.ts";
import type { OutlineName } from "./shapes.ts";
import type { Texture, TextureName } from "./textures.ts";

/** Red, green, blue in 0..1. */
export type Rgb = readonly [number, number, number];

/** One thing on a scene: an object of a class, or clutter. */
export interface Item {
  /** Class number; undefined for clutter. */
  readonly classId?: number;
  readonly outline: OutlineName;
  readonly texture: Texture;
  /** Middle, in pixels; may be outside the picture. */
  readonly centre: readonly [number, number];
  /** Pixels from the middle to where the outline ends, before it is stretched. */
  readonly radius: number;
  /** Stretches it along its own x and shrinks it along its own y by this factor, which keeps its area. */
  readonly stretch: number;
  /** Where its own x points. */
  readonly turn: Direction;
  /** Its two colours. */
  readonly colours: readonly [Rgb, Rgb];
  /** How much it is lighter towards the light and darker away from it. */
  readonly shade: number;
  /** How dark its shadow is; 0 for none. */
  readonly shadow: number;
}

/** What a scene consists of. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  /** Where the light comes from. */
  readonly light: Direction;
  /** From the back to the front. */
  readonly items: readonly Item[];
}

/** Weights of red, green and blue in how light a colour looks. */
function lightness([r, g, b]: Rgb): number {
  return 0.3 * r + 0.59 * g + 0.11 * b;
}

function randomColour(random: Random): Rgb {
  return [random.uniform(0.05, 0.95), random.uniform(0.05, 0.95), random.uniform(0.05, 0.95)];
}

/** Two colours of which one is visibly lighter, without which a pattern cannot be seen. */
function twoColours(random: Random): readonly [Rgb, Rgb] {
  const first = randomColour(random);
  while (true) {
    const second = randomColour(random);
    if (Math.abs(lightness(first) - lightness(second)) >= 0.17) return [first, second];
  }
}

/** Periods in a unit for each pattern: few enough to be counted on a large object. */
const FREQUENCIES: Readonly<Record<TextureName, readonly [number, number]>> = {
  stripes: [1.7, 3.2],
  rings: [1.6, 2.8],
  spots: [1.6, 2.7],
  checks: [1.2, 2.2],
  mottled: [1.5, 4],
  plain: [1, 1],
};

function textureOf(random: Random, names: readonly TextureName[]): Texture {
  const name = random.pick(names);
  const [low, high] = FREQUENCIES[name];
  return { name, frequency: random.uniform(low, high), phase: random.next(), seed: random.integer(2 ** 31) };
}

/** Everything about an item but its place, from the outline and patterns of its kind. */
function dress(random: Random, kind: { outline: OutlineName; textures: readonly TextureName[] }, radius: number) {
  return {
    outline: kind.outline,
    texture: textureOf(random, kind.textures),
    radius,
    stretch: random.uniform(0.86, 1.16),
    turn: randomDirection(random),
    colours: twoColours(random),
    shade: random.uniform(0.05, 0.35),
    shadow: random.next() < 0.6 ? random.uniform(0.1, 0.45) : 0,
  };
}

/** Objects: half of them anywhere, half of them where they overlap another. */
function objects(random: Random, width: number, height: number): Item[] {
  const unit = Math.min(width, height);
  // Wide pictures have room for more.
  const room = Math.min(4, (width * height) / (unit * unit));
  const count = Math.round((4 + random.integer(8)) * Math.sqrt(room));
  const placed: Item[] = [];
  for (let i = 0; i < count; i++) {
    const classId = random.integer(SCENE_CLASSES.length);
    const radius = unit * mostlyLow(random, 0.032, 0.2);
    const dressed = dress(random, SCENE_CLASSES[classId], radius);
    const near = placed.length > 0 && random.next() < 0.45 ? random.pick(placed) : undefined;
    let centre: [number, number] = [random.uniform(0, width), random.uniform(0, height)];
    if (near) {
      const [dx, dy] = randomDirection(random);
      const distance = (near.radius + radius) * random.uniform(0.55, 1.05);
      centre = [near.centre[0] + dx * distance, near.centre[1] + dy * distance];
    }
    placed.push({ classId, centre, ...dressed });
  }
  return placed;
}

/** Clutter: things that are of no class. */
function clutter(random: Random, width: number, height: number): Item[] {
  const unit = Math.min(width, height);
  return Array.from({ length: 7 + random.integer(9) }, () => {
    const kind = random.pick(CLUTTER);
    const radius = unit * (kind.outline === "bar" ? random.uniform(0.08, 0.35) : mostlyLow(random, 0.03, 0.17));
    const dressed = dress(random, kind, radius);
    // A bar's pattern is to be as coarse as that of other things, long as it is.
    const fine = kind.outline === "bar" ? radius / (unit * 0.05) : 1;
    const texture = { ...dressed.texture, frequency: dressed.texture.frequency * Math.max(1, fine) };
    return { ...dressed, texture, centre: [random.uniform(0, width), random.uniform(0, height)] };
  });
}

/** Lays out a scene. Sizes are parts of the shorter side, so that a seed gives much the same scene in any size. */
export function layOut(random: Random, width: number, height: number): Layout {
  const light = randomDirection(random);
  const things = objects(random, width, height);
  const rest = clutter(random, width, height);
  // Large things tend to lie behind small ones, or those would rarely be seen; a quarter of the clutter hides what it covers.
  const depth = (item: Item) => item.radius * random.uniform(0.4, 1);
  const behind = rest.filter((_, i) => i % 4 !== 0);
  const among = [...things, ...rest.filter((_, i) => i % 4 === 0)]
    .map((item) => ({ item, depth: depth(item) }))
    .sort((a, b) => b.depth - a.depth)
    .map(({ item }) => item);
  return { width, height, light, items: [...behind, ...among] };
}
