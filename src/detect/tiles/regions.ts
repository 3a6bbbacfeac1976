/**
 * What goes up together: parts of a picture that the device has room for, with the crops that the network sees of each.
 *
 * @module
 */

import type { RgbImage } from "../../image/rgb_image.ts";
import { letterboxImage } from "../host_letterbox.ts";
import { letterboxGeometry } from "../letterbox.ts";
import { aroundAll, cropped, type Extents, type Rectangle, wholeOf } from "../rectangle.ts";

/** What the network sees at once. */
export interface Crop {
  /** In pixels of what was uploaded. */
  readonly source: Rectangle;
  /** The part of the picture that this shows. */
  readonly view: Rectangle;
}

/** An upload and what is seen of it. */
export interface Region {
  readonly image: RgbImage;
  /** The part of `image` that goes up. */
  readonly part: Rectangle;
  readonly crops: readonly Crop[];
}

/** How much the device takes at once. */
export interface RoomForPicture {
  /** Most pixels on a side. */
  readonly side: number;
  /** Most pixels in all. */
  readonly pixels: number;
}

function fits({ width, height }: Extents, { side, pixels }: RoomForPicture): boolean {
  return width <= side && height <= side && width * height <= pixels;
}

function regionOf(image: RgbImage, views: readonly Rectangle[], part: Rectangle): Region {
  const crops = views.map((view): Crop => {
    return { source: { ...view, left: view.left - part.left, top: view.top - part.top }, view };
  });
  return { image, part, crops };
}

/** A view that there is no room for, scaled into the network's input on the host: what the kernel would make, to the last bit. */
function scaledOnHost(image: RgbImage, view: Rectangle, [height, width]: readonly [number, number]): Region {
  const geometry = letterboxGeometry(view.width, view.height, width, height);
  const scaled = letterboxImage(cropped(image, view), width, height);
  const source = { left: geometry.left, top: geometry.top, width: geometry.width, height: geometry.height };
  return { image: scaled, part: wholeOf(scaled), crops: [{ source, view }] };
}

/** The first of the views, in rows of `across`, that go up together: as many columns as there is room for, then as many rows. */
function takeBlock(
  rows: readonly (readonly Rectangle[])[],
  room: RoomForPicture,
): readonly [columns: number, rows: number] {
  let columns = 1, count = 1;
  while (columns < rows[0].length && fits(aroundAll(rows[0].slice(0, columns + 1)), room)) columns++;
  const block = (height: number) => rows.slice(0, height).flatMap((row) => row.slice(0, columns));
  while (count < rows.length && fits(aroundAll(block(count + 1)), room)) count++;
  return [columns, count];
}

/** Tiles in rows, as `tilesOf` lists them. */
function inRows(tiles: readonly Rectangle[]): Rectangle[][] {
  const rows: Rectangle[][] = [];
  for (const tile of tiles) {
    if (rows.at(-1)?.[0].top === tile.top) rows.at(-1)!.push(tile);
    else rows.push([tile]);
  }
  return rows;
}

/**
 * Uploads that together show all tiles and, where asked for, the whole picture. A picture that there is room for goes up once. Of a
 * larger one blocks of tiles go up in turn, and what has no room even so is scaled on the host. They are made one by one, as they are taken.
 */
export function* regionsOf(
  image: RgbImage,
  tiles: readonly Rectangle[],
  whole: boolean,
  room: RoomForPicture,
  input: readonly [height: number, width: number],
): Generator<Region> {
  const all = wholeOf(image);
  if (fits(image, room)) {
    yield regionOf(image, whole ? [...tiles, all] : tiles, all);
    return;
  }
  let rows: readonly (readonly Rectangle[])[] = inRows(tiles);
  while (rows.length > 0) {
    const [columns, count] = takeBlock(rows, room);
    let open = rows.slice(0, count);
    // The columns that are left of these rows, with the same number of rows: blocks of one band.
    while (open[0].length > 0) {
      const [wide] = columns < open[0].length ? takeBlock([open[0]], room) : [open[0].length];
      const views = open.flatMap((row) => row.slice(0, wide));
      const part = aroundAll(views);
      if (fits(part, room)) yield regionOf(image, views, part);
      else for (const view of views) yield scaledOnHost(image, view, input);
      open = open.map((row) => row.slice(wide));
    }
    rows = rows.slice(count);
  }
  if (whole) yield scaledOnHost(image, all, input);
}
