/**
 * Seeded scenes as a data set: overlapping objects of ten classes that differ in pattern and detail, on cluttered backgrounds, in uneven
 * light, blurred and noisy. They need no download, there is no limit to their number, and the truth is exact.
 *
 * Equal seeds give equal bytes on every machine: see `scene/arithmetic.ts`.
 *
 * @module
 */

import type { Dataset, DatasetImage, GroundTruth } from "./dataset.ts";
import type { RgbImage } from "../image/rgb_image.ts";
import { FeatherdetError } from "../graph/error.ts";
import { encodePng } from "../image/codec/encode.ts";
import { Random } from "../numbers/random.ts";
import { mix } from "./scene/arithmetic.ts";
import { photograph } from "./scene/camera.ts";
import { SCENE_CLASSES } from "./scene/classes.ts";
import { layOut } from "./scene/layout.ts";
import { paintBackground, paintItems } from "./scene/paint.ts";
import { type Visible, visibleObjects } from "./scene/visibility.ts";

/** Splits of the set. */
export const SYNTHETIC_SPLITS = ["train", "val", "test"] as const;

/** One of the splits. */
export type SyntheticSplit = typeof SYNTHETIC_SPLITS[number];

/** First seed of each split; they are so far apart that no split reaches the next. */
const FIRST_SEED: Readonly<Record<SyntheticSplit, number>> = { train: 0, val: 2 ** 30, test: 2 ** 30 + 2 ** 29 };

/** How many pictures a split has where nobody says; `train` can have up to 2^30. */
const USUAL_COUNT: Readonly<Record<SyntheticSplit, number>> = { train: 2000, val: 300, test: 300 };

/** Objects of which less can be seen are not counted. */
const COUNTED_PART = 0.3;

/** Objects of which less can be seen are as good as absent. */
const PRESENT_PART = 0.08;

/** Boxes of fewer pixels in either direction are not counted. */
const SMALLEST_SIDE = 5;

/** What to make. */
export interface SceneOptions {
  /** Equal seeds give equal scenes: a whole number from 0 to 2^31 - 1. */
  readonly seed: number;
  /** Columns in pixels, at least 32. */
  readonly width: number;
  /** Rows in pixels, at least 32. */
  readonly height: number;
}

/** An object that can be seen on a scene. */
export interface SceneObject {
  /** Index into the ten classes. */
  readonly classId: number;
  /** Edges around what can be seen of it, in pixels. */
  readonly box: GroundTruth["box"];
  /** Pixels that can be seen of it. */
  readonly area: number;
  /** Part of it that can be seen; what is covered or outside the picture counts as hidden. */
  readonly visible: number;
  /** Whether too little of it can be seen (less than 30 %, or fewer than 5 pixels in either direction) to be counted. */
  readonly crowd: boolean;
}

/** A scene: its pixels, and what is on it. */
export interface Scene {
  /** The picture, 8 bits a channel. */
  readonly image: RgbImage;
  /** What can be seen on it; may be empty. */
  readonly objects: readonly SceneObject[];
}

function checkSize(width: number, height: number): void {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 32 || height < 32) {
    throw new FeatherdetError(`a synthetic scene of ${width}x${height} cannot be made, at least 32x32 is needed`);
  }
}

/** Each part of the making has numbers of its own, so that the boxes can be had without painting. */
function randomFor(seed: number, part: number): Random {
  return new Random(mix(mix(seed) + part));
}

function layoutOf({ seed, width, height }: SceneOptions) {
  return layOut(randomFor(seed, 0), width, height);
}

function paint(options: SceneOptions): RgbImage {
  const { seed, width, height } = options;
  const planes = paintBackground(randomFor(seed, 1), width, height);
  paintItems(planes, layoutOf(options));
  return photograph(planes, width, height, randomFor(seed, 2));
}

function toObject({ item, box, area, part }: Visible): SceneObject {
  const [x1, y1, x2, y2] = box;
  const crowd = part < COUNTED_PART || Math.min(x2 - x1, y2 - y1) < SMALLEST_SIDE;
  return { classId: item.classId!, box, area, visible: part, crowd };
}

/** What is on a scene, without its pixels: a few times quicker than `syntheticScene`. */
export function sceneObjects(options: SceneOptions): SceneObject[] {
  checkSize(options.width, options.height);
  return visibleObjects(layoutOf(options)).filter(({ part }) => part >= PRESENT_PART).map(toObject);
}

/**
 * Makes a scene from a seed.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { syntheticScene } from "./synthetic_scenes.ts";
 * const { image, objects } = syntheticScene({ seed: 5, width: 320, height: 240 });
 * assert.equal(image.data.length, 320 * 240 * 3);
 * assert.ok(objects.length > 0);
 * ```
 */
export function syntheticScene(options: SceneOptions): Scene {
  const objects = sceneObjects(options);
  return { image: paint(options), objects };
}

/** One scene of a data set. It is painted when its pixels are read, and not kept. */
class SceneImage implements DatasetImage {
  readonly name: string;
  #boxes: GroundTruth[] | undefined;

  constructor(readonly id: number, readonly width: number, readonly height: number, readonly seed: number) {
    this.name = `scene-${seed}.png`;
  }

  get boxes(): readonly GroundTruth[] {
    // Scenes have far fewer than a hundred objects, so that these numbers are unique in the set.
    return this.#boxes ??= sceneObjects(this).map(({ classId, box, area, crowd }, index) => {
      return { id: this.id * 100 + index, classId, box, area, crowd };
    });
  }

  load(): Promise<RgbImage> {
    return Promise.resolve(paint(this));
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return await encodePng(await this.load());
  }
}

/** Which scenes. */
export interface SyntheticDatasetOptions {
  /** The splits have no scene in common. */
  readonly split: SyntheticSplit;
  /** How many; 2000 for `train`, 300 for the others by default. The first ones are the same whatever their number. */
  readonly count?: number;
  /** Side in pixels, or width and height; 320 by default. */
  readonly size?: number | readonly [width: number, height: number];
}

/** The data set `synthetic`. Opening it costs nothing, since boxes and pixels are made when they are read. */
export function syntheticDataset({ split, count = USUAL_COUNT[split], size = 320 }: SyntheticDatasetOptions): Dataset {
  const [width, height] = typeof size === "number" ? [size, size] : size;
  checkSize(width, height);
  const first = FIRST_SEED[split];
  const images = Array.from({ length: count }, (_, i) => new SceneImage(i + 1, width, height, first + i));
  return {
    name: "synthetic",
    split,
    classes: SCENE_CLASSES.map(({ label }) => label),
    categoryIds: SCENE_CLASSES.map((_, classId) => classId + 1),
    images,
    warnings: [],
  };
}
