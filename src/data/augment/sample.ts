/**
 * What one picture of a batch is made of, drawn before any pixel is touched: a pure function of the seed and of its place in the run.
 *
 * @module
 */

import type { DatasetImage } from "../dataset.ts";
import { Random } from "../../numbers/random.ts";
import { mix } from "../scene/arithmetic.ts";
import { chain } from "./affine.ts";
import { placeBox } from "./boxes.ts";
import { type ColourChange, drawColour } from "./colour.ts";
import { drawGeometry, geometryMap } from "./geometry.ts";
import type { AugmentOptions } from "./options.ts";
import { type InputSize, letterboxTile, mosaicTiles, type Tile } from "./tile.ts";

/** A box of a batch: class, left, top, right, bottom in pixels of the input. */
export type PlacedBox = readonly [classId: number, left: number, top: number, right: number, bottom: number];

/** What a worker needs to make a picture of a batch. */
export interface SamplePixels {
  /** The pictures it shows; their maps lead to the input. What none covers is grey. */
  readonly tiles: readonly Tile[];
  /** Change of the pictures' colours, where there is one. */
  readonly colour?: ColourChange;
}

/** A picture of a batch with its boxes. */
export interface Sample extends SamplePixels {
  /** Boxes of which enough can be seen; crowds are left out. */
  readonly boxes: readonly PlacedBox[];
}

/** The generator for a place in a run; no two places share one. */
export function randomAt(seed: number, epoch: number, index: number): Random {
  return new Random(mix(mix(mix(seed) + epoch) + index));
}

/** Chooses three other pictures for a mosaic. */
export type Partners = (random: Random) => readonly number[];

/**
 * Draws what is made of a picture. `options` with all at 0 is the letterbox. Whether it becomes a mosaic does not change how its geometry
 * and colours are drawn.
 */
export function drawSample(
  images: readonly DatasetImage[],
  picture: number,
  partners: Partners,
  input: InputSize,
  options: Required<AugmentOptions>,
  random: Random,
): Sample {
  const geometry = drawGeometry(random, options);
  const colour = drawColour(random, options);
  const isMosaic = random.next() < options.mosaic;
  let tiles: Tile[];
  if (isMosaic) {
    const pictures = [picture, ...partners(random)];
    const [height, width] = input;
    const centre = [random.uniform(0.5, 1.5) * width, random.uniform(0.5, 1.5) * height] as const;
    tiles = mosaicTiles(pictures, pictures.map((index) => images[index]), input, centre);
  } else {
    tiles = [letterboxTile(picture, images[picture], input)];
  }
  const toInput = geometryMap(geometry, isMosaic ? 2 : 1, input);
  const placed = tiles.map((tile) => ({ ...tile, map: chain(tile.map, toInput) }));
  const boxes = placed.flatMap((tile) =>
    images[tile.picture].boxes.flatMap(({ classId, box, crowd }): PlacedBox[] => {
      const edges = crowd ? undefined : placeBox(box, tile, input);
      return edges ? [[classId, ...edges]] : [];
    })
  );
  return { tiles: placed, colour, boxes };
}
