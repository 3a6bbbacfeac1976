/** Detections of tiles become one list: an object at every place of a picture is found once, whatever borders cut it. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { intersectionOverUnion } from "../../../src/detect/nms.ts";
import { wholeOf } from "../../../src/detect/rectangle.ts";
import { tileGridOf, tilesOf } from "../../../src/detect/tiles/grid.ts";
import { mergeTiles, suppressTiles, type TileDetection } from "../../../src/detect/tiles/merge.ts";
import { seededRandom } from "../../support/random.ts";

type Box = readonly [number, number, number, number];

const PICTURE = { width: 1003, height: 701 };
const INPUT = [320, 320] as const;

/** Tiles of 320 pixels, and the whole picture behind them. */
function viewsOf(overlap: number, whole: boolean) {
  const grid = tileGridOf({ size: 320, overlap }, INPUT);
  return [...tilesOf(grid, PICTURE, INPUT), ...(whole ? [wholeOf(PICTURE)] : [])];
}

/** What a good detector finds of objects in each view: what it sees of them, if that is a fifth at least, with edges off by a pixel. */
function look(objects: readonly { box: Box; classId: number }[], overlap: number, whole: boolean, seed: number) {
  const random = seededRandom(seed);
  return viewsOf(overlap, whole).flatMap((view, tile) =>
    objects.flatMap(({ box, classId }): TileDetection[] => {
      const [right, bottom] = [view.left + view.width, view.top + view.height];
      const seen = [
        Math.max(box[0], view.left),
        Math.max(box[1], view.top),
        Math.min(box[2], right),
        Math.min(box[3], bottom),
      ];
      const share = Math.max(0, seen[2] - seen[0]) * Math.max(0, seen[3] - seen[1]) /
        ((box[2] - box[0]) * (box[3] - box[1]));
      if (share < 0.2) return [];
      const off = seen.map((edge) => edge + 2 * random() - 1);
      const found: Box = [
        Math.max(off[0], view.left),
        Math.max(off[1], view.top),
        Math.min(off[2], right),
        Math.min(off[3], bottom),
      ];
      return [{ box: found, classId, score: 0.3 + 0.7 * random(), tile, view }];
    })
  );
}

Deno.test("an object at every place is found once, and whole", () => {
  for (
    const [overlap, size, whole] of [[0.2, 40, false], [0.25, 75, true], [0.2, 150, false], [0.3, 260, true]] as const
  ) {
    let places = 0;
    for (let x = 0; x + size <= PICTURE.width; x += 17) {
      for (let y = 0; y + size <= PICTURE.height; y += 19) {
        const box: Box = [x, y, x + size, y + size];
        const found = mergeTiles(look([{ box, classId: 0 }], overlap, whole, x * 1000 + y), PICTURE);
        assertEquals(found.length, 1, `${size} pixels at ${x},${y}, overlap ${overlap}`);
        assert(intersectionOverUnion(found[0].box, box) > 0.85, `${found[0].box} for ${box}`);
        places++;
      }
    }
    assert(places > 900);
  }
});

Deno.test("an object larger than a tile is the whole picture's, and one list without it joins its pieces", () => {
  for (const box of [[100, 60, 520, 340], [400, 20, 640, 560], [330, 200, 760, 480]] as const) {
    for (const whole of [true, false]) {
      const found = mergeTiles(look([{ box, classId: 3 }], 0.3, whole, 5), PICTURE);
      assertEquals(found.length, 1, `${box}, whole ${whole}`);
      assert(intersectionOverUnion(found[0].box, box) > 0.85, `${found[0].box}`);
    }
  }
});

Deno.test("neighbours of one class, and others within a large one, stay", () => {
  // Two people side by side over a border at 320, one small one of the same class in front of a large one, another class on top.
  const objects: { box: Box; classId: number }[] = [
    { box: [250, 100, 330, 200], classId: 0 },
    { box: [335, 100, 415, 200], classId: 0 },
    { box: [600, 300, 900, 690], classId: 0 },
    { box: [700, 500, 740, 560], classId: 0 },
    { box: [250, 100, 330, 200], classId: 1 },
  ];
  const found = mergeTiles(look(objects, 0.2, true, 9), PICTURE);
  assertEquals(found.length, objects.length);
  for (const { box, classId } of objects) {
    const best = Math.max(
      ...found.filter((one) => one.classId === classId).map((one) => intersectionOverUnion(one.box, box)),
    );
    assert(best > 0.8, `class ${classId} at ${box}: ${best}`);
  }
  assertEquals(found.map(({ score }) => score), found.map(({ score }) => score).sort((a, b) => b - a));
});

Deno.test("what one tile finds of one class is left as that run left it", () => {
  const [view] = viewsOf(0.2, false);
  const make = (box: Box, score: number): TileDetection => ({ box, score, classId: 0, tile: 0, view });
  const pair = [make([50, 50, 150, 150], 0.9), make([70, 50, 170, 150], 0.8)];
  assertAlmostEquals(intersectionOverUnion(pair[0].box, pair[1].box), 2 / 3, 1e-12);
  assertEquals(mergeTiles(pair, PICTURE).length, 2);
});

Deno.test("plain suppression leaves pieces beside the whole: what merging is for", () => {
  const box: Box = [240, 240, 400, 400];
  const found = look([{ box, classId: 0 }], 0.2, true, 3);
  assert(suppressTiles(found, 0.7).length > 1);
  assertEquals(mergeTiles(found, PICTURE).length, 1);
});
