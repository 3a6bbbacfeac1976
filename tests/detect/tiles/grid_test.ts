/** Where tiles lie, and what goes up together of a picture that there is no room for. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { letterboxTensor } from "../../../src/detect/host_letterbox.ts";
import { cropped } from "../../../src/detect/rectangle.ts";
import { isCut, tileGridOf, type Tiles, tilesOf } from "../../../src/detect/tiles/grid.ts";
import { regionsOf } from "../../../src/detect/tiles/regions.ts";
import { FeatherdetError } from "../../../src/graph/error.ts";
import { seededRandom } from "../../support/random.ts";

const INPUT = [64, 64] as const;

Deno.test("tiles cover a picture of any size, lie within it and overlap as asked", () => {
  for (const [width, height] of [[13, 127], [64, 64], [65, 64], [127, 13], [1000, 333], [200, 200], [1, 500]]) {
    for (const overlap of [0, 0.2, 0.5, 0.9]) {
      const tiles = tilesOf(tileGridOf({ size: 64, overlap }, INPUT), { width, height }, INPUT);
      const [across, down] = [new Uint8Array(width), new Uint8Array(height)];
      for (const { left, top, width: w, height: h } of tiles) {
        assertEquals([w, h], [Math.min(64, width), Math.min(64, height)]);
        assert(left >= 0 && top >= 0 && left + w <= width && top + h <= height);
        across.fill(1, left, left + w);
        down.fill(1, top, top + h);
      }
      assert(across.every((one) => one === 1) && down.every((one) => one === 1), `${width}x${height}`);
      const lefts = [...new Set(tiles.map(({ left }) => left))].sort((a, b) => a - b);
      lefts.slice(1).forEach((left, i) => assert(lefts[i] + 64 - left >= Math.floor(64 * overlap)));
      assertEquals(new Set(tiles.map(({ left, top }) => `${left},${top}`)).size, tiles.length);
    }
  }
});

Deno.test("tiles have the input's proportions; auto cuts what is much larger than the input", () => {
  const [tile] = tilesOf(tileGridOf(400, [192, 320]), { width: 2000, height: 2000 }, [192, 320]);
  assertEquals(tile, { left: 0, top: 0, width: 400, height: 240 });
  const auto = tileGridOf("auto", INPUT);
  assertEquals([isCut(auto, { width: 96, height: 50 }, INPUT), isCut(auto, { width: 97, height: 5 }, INPUT)], [
    false,
    true,
  ]);
  assertEquals(isCut(tileGridOf(64, INPUT), { width: 64, height: 64 }, INPUT), false);
  for (const tiles of [0, 1.5, NaN, { overlap: 1 }, { overlap: -1 }, { batch: 0 }, { merge: "ios" }, "each"]) {
    assertThrows(() => tileGridOf(tiles as Tiles, INPUT), FeatherdetError);
  }
});

Deno.test("regions keep to the room, show every tile once, and show the picture's own pixels", () => {
  const random = seededRandom(4);
  const image = { width: 301, height: 203, data: Uint8Array.from({ length: 3 * 301 * 203 }, () => random() * 256) };
  const tiles = tilesOf(tileGridOf({ size: 64, overlap: 0.3 }, INPUT), image, INPUT);
  for (
    const room of [
      { side: 1000, pixels: 1e6 },
      { side: 1000, pixels: 301 * 100 },
      { side: 130, pixels: 1e6 },
      { side: 200, pixels: 9000 },
      { side: 64, pixels: 64 * 64 },
      { side: 40, pixels: 1e6 },
    ]
  ) {
    const regions = [...regionsOf(image, tiles, true, room, INPUT)];
    const views = regions.flatMap(({ crops }) => crops.map(({ view }) => view));
    const named = (all: readonly { left: number; top: number }[]) =>
      all.map(({ left, top }) => `${left},${top}`).sort();
    assertEquals(named(views), named([...tiles, { left: 0, top: 0 }]));
    const inRoom = room.side >= 64;
    for (const { image: source, part, crops } of regions) {
      if (inRoom) {
        assert(part.width <= room.side && part.height <= room.side && part.width * part.height <= room.pixels);
      }
      for (const { source: at, view } of crops) {
        const crop = cropped(source, { ...at, left: part.left + at.left, top: part.top + at.top });
        // What the network sees is the same, whether it was scaled before or not.
        assertEquals(
          letterboxTensor(crop, 64, 64).data,
          letterboxTensor(cropped(image, view), 64, 64).data,
        );
      }
    }
    if (room.pixels === 1e6 && room.side === 1000) assertEquals(regions.length, 1);
  }
});
