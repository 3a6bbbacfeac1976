/**
 * Makes one list of what was found in the tiles of a picture. Neighbours overlap, so an object may be found twice, and one that a border
 * cuts may be found in pieces.
 *
 * @module
 */

import type { RawDetection } from "../decode.ts";
import type { Corners } from "../letterbox.ts";
import { intersectionOverUnion, suppressDetections } from "../nms.ts";
import type { Extents, Rectangle } from "../rectangle.ts";

/** A detection in pixels of the picture, and what was looked at when it was found. */
export interface TileDetection extends RawDetection {
  /** The tile's place among those that were looked at. */
  readonly tile: number;
  readonly view: Rectangle;
}

/** A detection, or several that are one object. */
interface Piece extends RawDetection {
  readonly parts: readonly TileDetection[];
  /** Whether a border cuts it: left, top, right, bottom. */
  readonly cut: readonly [boolean, boolean, boolean, boolean];
}

/** Overlap above which boxes of two tiles are one object. Boxes of one object differ more between tiles than within one. */
const SAME = 0.5;

/** Part of a cut box that has to lie in another for it to give way. */
const COVERED = 0.6;

/** Boxes end so close to a tile's border, in parts of its side, where it cuts them; and at least so many pixels. */
const NEAR = 0.01, NEAR_PIXELS = 2;

const edgesOf = ({ left, top, width, height }: Rectangle): Corners => [left, top, left + width, top + height];

/** Which borders of its tile cut a box; the picture's own edges do not. */
function cutSides({ box, view }: TileDetection, { width, height }: Extents): Piece["cut"] {
  const near = (side: number) => Math.max(NEAR_PIXELS, NEAR * side);
  const [left, top, right, bottom] = edgesOf(view);
  const [x, y] = [near(view.width), near(view.height)];
  return [
    left > 0 && box[0] < left + x,
    top > 0 && box[1] < top + y,
    right < width && box[2] > right - x,
    bottom < height && box[3] > bottom - y,
  ];
}

const isCut = ({ cut }: Piece) => cut.some((one) => one);

/** The part of a box within another; undefined if there is none. */
function within(box: Corners, frame: Corners): Corners | undefined {
  const [x1, y1] = [Math.max(box[0], frame[0]), Math.max(box[1], frame[1])];
  const [x2, y2] = [Math.min(box[2], frame[2]), Math.min(box[3], frame[3])];
  return x1 < x2 && y1 < y2 ? [x1, y1, x2, y2] : undefined;
}

const area = ([x1, y1, x2, y2]: Corners) => (x2 - x1) * (y2 - y1);

/** Part of `box` that lies in `other`, in 0..1. */
function coverage(box: Corners, other: Corners): number {
  const common = within(box, other);
  return common === undefined ? 0 : area(common) / Math.max(area(box), Number.MIN_VALUE);
}

/** Whether two pieces were found in different tiles; what one run found was suppressed there. */
function areApart(a: Piece, b: Piece): boolean {
  return a.parts.every(({ tile }) => b.parts.every((other) => other.tile !== tile));
}

/** Whether `piece`, which a border cuts, is what its tile sees of `other`. */
function isPieceOf(piece: Piece, other: Piece): boolean {
  if (coverage(piece.box, other.box) > COVERED) return true;
  return piece.parts.some(({ box, view }) => {
    const seen = within(other.box, edgesOf(view));
    return seen !== undefined && intersectionOverUnion(seen, box) > SAME;
  });
}

/** Whether two detections that borders cut agree about what both tiles see: then they are pieces of one object. */
function continues(a: Piece, b: Piece): boolean {
  return a.parts.some((one) =>
    b.parts.some((other) => {
      const both = within(edgesOf(one.view), edgesOf(other.view));
      const [mine, theirs] = both === undefined ? [] : [within(one.box, both), within(other.box, both)];
      return mine !== undefined && theirs !== undefined && intersectionOverUnion(mine, theirs) > SAME;
    })
  );
}

/** Two pieces as one; a side is cut if the piece that reaches furthest there is. */
function joined(a: Piece, b: Piece): Piece {
  const outer = (side: number) => (side < 2 ? a.box[side] <= b.box[side] : a.box[side] >= b.box[side]) ? a : b;
  const sides = [0, 1, 2, 3].map(outer);
  const box = sides.map((piece, side) => piece.box[side]);
  const cut = sides.map((piece, side) => piece.cut[side]);
  const best = a.score >= b.score ? a : b;
  return {
    score: best.score,
    classId: best.classId,
    box: box as unknown as Corners,
    cut: cut as unknown as Piece["cut"],
    parts: [...a.parts, ...b.parts],
  };
}

const byScore = (a: RawDetection, b: RawDetection) => b.score - a.score;

/** Pieces that continue one another joined, until none does; the best begin. */
function joinAll(pieces: readonly Piece[]): Piece[] {
  const groups: Piece[] = [];
  for (let piece of pieces) {
    for (let at; (at = groups.findIndex((group) => continues(group, piece) && areApart(group, piece))) >= 0;) {
      piece = joined(groups[at], piece);
      groups.splice(at, 1);
    }
    groups.push(piece);
  }
  return groups.sort(byScore);
}

/** What is left of one class. */
function mergeClass(pieces: readonly Piece[]): Piece[] {
  const kept: Piece[] = [];
  for (const piece of pieces.filter((piece) => !isCut(piece)).sort(byScore)) {
    const isKnown = kept.some((other) => intersectionOverUnion(other.box, piece.box) > SAME && areApart(other, piece));
    if (!isKnown) kept.push(piece);
  }
  const gives = (piece: Piece) => kept.some((other) => isPieceOf(piece, other) && areApart(other, piece));
  const pending = pieces.filter((piece) => isCut(piece) && !gives(piece)).sort(byScore);
  // What was joined may now be another's piece, or the same as a whole one.
  for (const piece of joinAll(pending)) {
    const isKnown = kept.some((other) =>
      (intersectionOverUnion(other.box, piece.box) > SAME || isPieceOf(piece, other)) && areApart(other, piece)
    );
    if (!isKnown) kept.push(piece);
  }
  return kept;
}

/**
 * One list of the detections of all tiles, best first, each object once. Boxes of one class from different tiles that overlap by more than
 * a half are one object. A box that a tile's border cuts gives way to a whole one that covers it, or that looks like it within the tile;
 * cut boxes that agree about what both tiles see are joined to one.
 */
export function mergeTiles(found: readonly TileDetection[], picture: Extents): RawDetection[] {
  const classes = Map.groupBy(found, ({ classId }) => classId);
  const merged = [...classes.values()].flatMap((ofClass) =>
    mergeClass(ofClass.map((one) => ({ ...one, parts: [one], cut: cutSides(one, picture) })))
  );
  return merged.sort(byScore).map(({ box, score, classId }) => ({ box, score, classId }));
}

/** One list by class-wise suppression over all of them, as if they came from one run. */
export function suppressTiles(found: readonly TileDetection[], iou: number): RawDetection[] {
  return suppressDetections(found, iou).map(({ box, score, classId }) => ({ box, score, classId }));
}
