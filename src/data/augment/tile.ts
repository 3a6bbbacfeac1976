/**
 * Where a picture lies on the canvas from which an input is cut: alone in a letterbox, or as one of the four of a mosaic.
 *
 * @module
 */

import { letterboxGeometry } from "../../image/letterbox_geometry.ts";
import type { PictureSize } from "../picture_file.ts";
import { type Affine, boundsOf, common, type Edges, inverse, scaleAndMove } from "./affine.ts";

/** Height and width of a network's input. */
export type InputSize = readonly [height: number, width: number];

/** A picture of which some part is shown somewhere. */
export interface Tile {
  /** Its place in the data set. */
  readonly picture: number;
  /** From pixels of the picture to those of the canvas, or, once the geometry is complete, of the input. */
  readonly map: Affine;
  /** The part that is shown, in pixels of the picture. */
  readonly shown: Edges;
}

/** From pixels of a picture to those of the letterbox around it. The two axes differ where sizes were rounded. */
function letterboxMap({ width, height }: PictureSize, [inputHeight, inputWidth]: InputSize): Affine {
  const place = letterboxGeometry(width, height, inputWidth, inputHeight);
  return scaleAndMove(place.width / width, place.height / height, place.left, place.top);
}

/** A picture alone, all of it, as the detector's own letterbox shows it. */
export function letterboxTile(picture: number, size: PictureSize, input: InputSize): Tile {
  return { picture, map: letterboxMap(size, input), shown: [0, 0, size.width, size.height] };
}

/**
 * Four pictures, each as large as in a letterbox, that meet at a point of a canvas twice as large as the input: left above, right above,
 * left below, right below. What is not on the canvas is not shown.
 */
export function mosaicTiles(
  pictures: readonly number[],
  sizes: readonly PictureSize[],
  [height, width]: InputSize,
  centre: readonly [x: number, y: number],
): Tile[] {
  const canvas: Edges = [0, 0, 2 * width, 2 * height];
  return pictures.map((picture, quarter) => {
    const size = sizes[quarter];
    const own = letterboxGeometry(size.width, size.height, width, height);
    const map = scaleAndMove(
      own.width / size.width,
      own.height / size.height,
      centre[0] - (quarter % 2 === 0 ? own.width : 0),
      centre[1] - (quarter < 2 ? own.height : 0),
    );
    const shown = common(boundsOf(inverse(map), canvas), [0, 0, size.width, size.height]);
    return { picture, map, shown };
  });
}
