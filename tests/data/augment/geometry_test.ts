/** Geometry of augmentation: maps against OpenCV, boxes against the pixels that they are around. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import type { DatasetImage } from "../../../src/data/dataset.ts";
import { chain, inverse } from "../../../src/data/augment/affine.ts";
import { placeBox } from "../../../src/data/augment/boxes.ts";
import { type Geometry, geometryMap } from "../../../src/data/augment/geometry.ts";
import { type AugmentOptions, DEFAULT_AUGMENTATION, NO_AUGMENTATION } from "../../../src/data/augment/options.ts";
import { renderSample } from "../../../src/data/augment/render.ts";
import { drawSample, randomAt, type Sample } from "../../../src/data/augment/sample.ts";
import { sourceOf } from "../../../src/data/augment/source.ts";
import { type InputSize, letterboxTile, mosaicTiles, type Tile } from "../../../src/data/augment/tile.ts";
import { letterboxGeometry } from "../../../src/image/letterbox_geometry.ts";
import type { RgbImage } from "../../../src/image/rgb_image.ts";
import { Random } from "../../../src/numbers/random.ts";

interface OpenCvCase {
  input: [number, number];
  times: number;
  geometry: Geometry;
  place: [number, number, number, number, number, number];
  corners: [number, number][];
  size: [number, number];
  picture: string;
  out: string;
}

const CASES: OpenCvCase[] = JSON.parse(
  await Deno.readTextFile(new URL("../../fixtures/augment_cases.json", import.meta.url)),
);

const bytes = (base64: string) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

Deno.test("the composed map moves points where OpenCV's matrices move them, and its inverse moves them back", () => {
  for (const { input, times, geometry, place, corners, size: [width, height] } of CASES) {
    const map = chain(place, geometryMap(geometry, times, input));
    const back = inverse(map);
    [[0, 0], [width, 0], [width, height], [0, height]].forEach(([x, y], i) => {
      const moved = [map[0] * x + map[1] * y + map[2], map[3] * x + map[4] * y + map[5]];
      assertAlmostEquals(moved[0], corners[i][0], 1e-9);
      assertAlmostEquals(moved[1], corners[i][1], 1e-9);
      assertAlmostEquals(back[0] * moved[0] + back[1] * moved[1] + back[2], x, 1e-9);
      assertAlmostEquals(back[3] * moved[0] + back[4] * moved[1] + back[5], y, 1e-9);
    });
  }
});

Deno.test("pixels under the composed map are those of OpenCV's warpAffine", () => {
  let compared = 0;
  for (const { input: [height, width], times, geometry, place, size, picture, out } of CASES) {
    const data = bytes(picture), expected = bytes(out);
    const image: RgbImage = { width: size[0], height: size[1], data };
    const map = chain(place, geometryMap(geometry, times, [height, width]));
    const back = inverse(map);
    // OpenCV has no smaller levels, so this needs the picture itself.
    const source = { ...sourceOf(image, [1000, 1000], false) };
    source.levels = source.levels.slice(0, 1);
    const pixels = new Float32Array(3 * height * width);
    const tile: Tile = { picture: 0, map, shown: [0, 0, ...size] };
    renderSample(pixels, { tiles: [tile] }, () => source, [height, width]);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [u, v] = [x + 0.5, y + 0.5];
        const at = [back[0] * u + back[1] * v + back[2], back[3] * u + back[4] * v + back[5]];
        const inside = at[0] >= 0 && at[0] <= size[0] && at[1] >= 0 && at[1] <= size[1];
        for (let channel = 0; channel < 3; channel++) {
          const level = pixels[(channel * height + y) * width + x] * 255;
          assertAlmostEquals(level, inside ? expected[(y * width + x) * 3 + channel] : 114, 1.2);
        }
        if (inside) compared++;
      }
    }
  }
  assert(compared > 1000, `${compared} pixels lie on the pictures`);
});

/** A picture of black with a rectangle of pure red, green or blue for every box, which none of the others covers. */
function coloured(random: Random, width: number, height: number): { image: DatasetImage; pixels: RgbImage } {
  const data = new Uint8Array(width * height * 3);
  const boxes = [0, 1, 2].map((classId) => {
    const third = width / 3;
    const left = Math.floor(third * classId + random.uniform(0, third / 3));
    const right = Math.ceil(third * classId + random.uniform(third / 2, third - 1));
    const top = random.integer(Math.floor(height / 2)), bottom = height - random.integer(Math.floor(height / 3));
    for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) data[(y * width + x) * 3 + classId] = 255;
    return { id: classId, classId, box: [left, top, right, bottom] as const, area: 1, crowd: false };
  });
  const unused = () => Promise.reject(new Error("not asked for"));
  return {
    image: { id: 0, name: "coloured", width, height, boxes, bytes: unused, load: unused },
    pixels: { width, height, data },
  };
}

/** Edges of what is at least half as bright as it could be in a channel. */
function extent(pixels: Float32Array, channel: number, [height, width]: InputSize): number[] | undefined {
  const found = [width, height, 0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      // Grey borders are below a half.
      if (pixels[(channel * height + y) * width + x] < 0.5) continue;
      found[0] = Math.min(found[0], x);
      found[1] = Math.min(found[1], y);
      found[2] = Math.max(found[2], x + 1);
      found[3] = Math.max(found[3], y + 1);
    }
  }
  return found[2] > found[0] ? found : undefined;
}

function drawn(options: AugmentOptions, input: InputSize, seed: number) {
  const random = new Random(seed);
  const pictures = Array.from(
    { length: 4 },
    () => coloured(random, 40 + random.integer(130), 40 + random.integer(130)),
  );
  const images = pictures.map(({ image }) => image);
  const sources = pictures.map(({ pixels }) => sourceOf(pixels, input, false));
  const full = { ...NO_AUGMENTATION, ...options };
  const sample = drawSample(images, 0, () => [1, 2, 3], input, full, randomAt(seed, 0, 0));
  const render = (sample: Sample) => {
    const pixels = new Float32Array(3 * input[0] * input[1]);
    renderSample(pixels, sample, (picture) => sources[picture], input);
    return pixels;
  };
  return { images, sample, render };
}

Deno.test("boxes are around what they are of, wherever the geometry puts it", () => {
  let compared = 0, dropped = 0;
  const variants: AugmentOptions[] = [
    {},
    { flipHorizontal: 1 },
    { flipVertical: 1 },
    { scale: 0.5, translate: 0.1, flipHorizontal: 0.5 },
    { mosaic: 1, scale: 0.5, translate: 0.1, flipHorizontal: 0.5, flipVertical: 0.5 },
    { mosaic: 1, scale: 0.3, hue: 0.01, saturation: 0.3, value: 0.2 },
  ];
  for (const [number, options] of variants.entries()) {
    for (let seed = 0; seed < 12; seed++) {
      const input: InputSize = [96 + 16 * (seed % 3), 128];
      const { images, sample, render } = drawn(options, input, seed + 100 * number);
      for (const tile of sample.tiles) {
        // One picture at a time, so that a colour tells the box.
        const pixels = render({ ...sample, tiles: [tile] });
        for (const { classId, box } of images[tile.picture].boxes) {
          const placed = placeBox(box, tile, input);
          const seen = extent(pixels, classId, input);
          if (!placed) {
            dropped++;
            continue;
          }
          assert(seen, `box ${classId} of variant ${number}, seed ${seed} cannot be seen`);
          placed.forEach((edge, i) => assertAlmostEquals(edge, seen[i], 1.3));
          assert(sample.boxes.some((row) => row[0] === classId && row.slice(1).every((edge, i) => edge === placed[i])));
          compared++;
        }
      }
    }
  }
  assert(compared > 200 && dropped > 20, `${compared} boxes compared, ${dropped} dropped`);
});

Deno.test("boxes of turned and sheared pictures hold all of what they are of", () => {
  let compared = 0;
  for (let seed = 0; seed < 20; seed++) {
    const input: InputSize = [112, 128];
    const { images, sample, render } = drawn({ rotate: 25, shear: 10, scale: 0.3, mosaic: 0.5 }, input, seed);
    for (const tile of sample.tiles) {
      const pixels = render({ ...sample, tiles: [tile] });
      for (const { classId, box } of images[tile.picture].boxes) {
        const placed = placeBox(box, tile, input), seen = extent(pixels, classId, input);
        if (!placed || !seen) continue;
        for (const i of [0, 1]) assert(placed[i] <= seen[i] + 1.3);
        for (const i of [2, 3]) assert(placed[i] >= seen[i] - 1.3);
        compared++;
      }
    }
  }
  assert(compared > 60);
});

Deno.test("the letterbox is the detector's: same place, every pixel of it, grey beside it", () => {
  for (const [width, height, input] of [[50, 21, [32, 40]], [13, 127, [64, 64]], [64, 48, [64, 64]]] as const) {
    const pixels = { width, height, data: new Uint8Array(width * height * 3).fill(255) };
    const out = new Float32Array(3 * input[0] * input[1]);
    const tile = letterboxTile(0, pixels, input);
    renderSample(out, { tiles: [tile] }, () => sourceOf(pixels, input, false), input);
    const place = letterboxGeometry(width, height, input[1], input[0]);
    const expected = Array.from({ length: input[0] * input[1] }, (_, i) => {
      const [x, y] = [i % input[1] - place.left, Math.floor(i / input[1]) - place.top];
      return x >= 0 && x < place.width && y >= 0 && y < place.height ? 1 : Math.fround(114 / 255);
    });
    [0, 1, 2].forEach((channel) => {
      const plane = [...out.subarray(channel * expected.length, (channel + 1) * expected.length)];
      plane.forEach((value, i) => assertAlmostEquals(value, expected[i], 1e-6));
    });
  }
});

Deno.test("the tiles of a mosaic meet at its centre, without gap or overlap, and end with the canvas", () => {
  const sizes = [[60, 40], [40, 60], [64, 64], [30, 10]].map(([width, height]) => ({ width, height }));
  const input: InputSize = [64, 64];
  const levels = [10, 20, 30, 40];
  for (const centre of [[40, 90], [64, 64], [95.75, 33.25]] as const) {
    const tiles = mosaicTiles([0, 1, 2, 3], sizes, input, centre);
    const sources = sizes.map(({ width, height }, i) =>
      sourceOf({ width, height, data: new Uint8Array(width * height * 3).fill(levels[i]) }, input, false)
    );
    const canvas: InputSize = [128, 128];
    const out = new Float32Array(3 * 128 * 128);
    renderSample(out, { tiles }, (picture) => sources[picture], canvas);
    const lengths = sizes.map(({ width, height }) => letterboxGeometry(width, height, 64, 64));
    for (let y = 0; y < 128; y++) {
      for (let x = 0; x < 128; x++) {
        const [right, below] = [x + 0.5 > centre[0], y + 0.5 > centre[1]];
        const quarter = (right ? 1 : 0) + (below ? 2 : 0);
        const inside = Math.abs(x + 0.5 - centre[0]) < lengths[quarter].width &&
          Math.abs(y + 0.5 - centre[1]) < lengths[quarter].height;
        assertEquals(Math.round(out[y * 128 + x] * 255), inside ? levels[quarter] : 114);
      }
    }
  }
});

Deno.test("boxes of which too little is left are dropped", () => {
  const whole: Tile = { picture: 0, map: [1, 0, 0, 0, 1, 0], shown: [0, 0, 100, 100] };
  const at = (map: Tile["map"], shown = whole.shown): Tile => ({ picture: 0, map, shown });
  assertEquals(placeBox([10, 20, 30, 40], whole, [100, 100]), [10, 20, 30, 40]);
  // Sides of 2 pixels are too short, those a little longer are not.
  assertEquals(placeBox([10, 20, 30, 22], whole, [100, 100]), undefined);
  assertEquals(placeBox([10, 20, 30, 22.1], whole, [100, 100]), [10, 20, 30, 22.1]);
  // A tenth of the area is enough.
  assertEquals(placeBox([0, 0, 40, 40], at([1, 0, -36, 0, 1, 0]), [100, 100]), [0, 0, 4, 40]);
  assertEquals(placeBox([0, 0, 40, 40], at([1, 0, -36.1, 0, 1, 0]), [100, 100]), undefined);
  // What a mosaic's edge cut off counts as lost too.
  assertEquals(placeBox([0, 0, 40, 40], at([1, 0, -20, 0, 1, 0], [0, 0, 23, 100]), [100, 100]), undefined);
  assertEquals(placeBox([0, 0, 40, 40], at([1, 0, -90, 0, 1, 0]), [100, 100]), undefined);
  assertEquals(placeBox([0, 0, 3, 300], { ...whole, shown: [0, 0, 400, 400] }, [400, 400]), undefined);
});

Deno.test("augmentations that are on are drawn within their ranges and reach near both ends", () => {
  const random = new Random(3);
  const { images } = drawn({}, [64, 64], 1);
  const scales: number[] = [],
    flipped: boolean[] = [],
    values: number[] = [],
    hues: number[] = [],
    tiles: number[] = [];
  for (let i = 0; i < 600; i++) {
    const options = { ...DEFAULT_AUGMENTATION, mosaic: 0.25 };
    const sample = drawSample(images, 0, () => [1, 2, 3], [64, 64], options, new Random(random.integer(2 ** 31)));
    const base = letterboxTile(0, images[0], [64, 64]).map[0];
    if (sample.tiles.length === 1) scales.push(Math.abs(sample.tiles[0].map[0]) / base);
    flipped.push(sample.tiles[0].map[0] < 0);
    assertEquals(sample.tiles[0].map[4] > 0, true);
    values.push(sample.colour!.value);
    hues.push(sample.colour!.hue);
    tiles.push(sample.tiles.length);
  }
  const reaches = (numbers: number[], low: number, high: number) => {
    const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
    const slack = (high - low) * 0.03;
    assert(least >= low && least < low + slack && most <= high && most > high - slack, `${least} to ${most}`);
  };
  reaches(scales, 0.5, 1.5);
  reaches(values, 0.6, 1.4);
  reaches(hues, -0.015, 0.015);
  const part = (of: boolean[]) => of.filter(Boolean).length / of.length;
  assertAlmostEquals(part(flipped), 0.5, 0.07);
  assertAlmostEquals(part(tiles.map((count) => count === 4)), 0.25, 0.06);
});
