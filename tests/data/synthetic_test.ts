/** Synthetic pictures: the same for the same seed, with boxes that are exact. */

import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { Random } from "../../src/numbers/random.ts";
import { SYNTHETIC_CLASSES, type SyntheticObject, syntheticPicture } from "../../src/data/synthetic.ts";
import { FeatherdetError } from "../../src/graph/error.ts";

Deno.test("Random is uniform, normal and repeatable", () => {
  const random = new Random(3);
  const uniform = Array.from({ length: 20000 }, () => random.next());
  assert(uniform.every((value) => value >= 0 && value < 1));
  assertAlmostEquals(uniform.reduce((sum, value) => sum + value) / uniform.length, 0.5, 0.01);
  const normal = Array.from({ length: 20000 }, () => random.normal());
  assertAlmostEquals(normal.reduce((sum, value) => sum + value) / normal.length, 0, 0.03);
  assertAlmostEquals(normal.reduce((sum, value) => sum + value * value) / normal.length, 1, 0.05);
  const [a, b, c] = [new Random(7), new Random(7), new Random(8)].map((one) => [one.next(), one.normal(), one.next()]);
  assertEquals(a, b);
  assertNotEquals(a, c);
  const picked = new Set(Array.from({ length: 200 }, () => random.pick(["x", "y", "z"])));
  assertEquals([...picked].sort(), ["x", "y", "z"]);
});

Deno.test("syntheticPicture repeats itself for equal seeds only", () => {
  const [a, b, c] = [5, 5, 6].map((seed) => syntheticPicture({ seed, width: 127, height: 63 }));
  assertEquals(a, b);
  assertNotEquals(a.image.data, c.image.data);
  assertEquals(a.image.data.length, 127 * 63 * 3);
});

Deno.test("syntheticPicture holds every class, inside the picture and without overlaps", () => {
  for (let seed = 0; seed < 6; seed++) {
    const { objects } = syntheticPicture({ seed, width: 320, height: 240 });
    assertEquals(new Set(objects.map(({ classId }) => classId)).size, SYNTHETIC_CLASSES.length);
    objects.forEach(({ classId, box }, i) => {
      assert(box[0] >= 0 && box[1] >= 0 && box[2] <= 320 && box[3] <= 240);
      assertAlmostEquals((box[3] - box[1]) / (box[2] - box[0]), SYNTHETIC_CLASSES[classId].aspect, 1e-9);
      for (const other of objects.slice(i + 1)) {
        const apart = box[2] < other.box[0] || other.box[2] < box[0] || box[3] < other.box[1] || other.box[3] < box[1];
        assert(apart, `seed ${seed}: objects overlap`);
      }
    });
  }
});

/** The box around all pixels near the object that have its class's colour. */
function measured(data: Uint8Array, width: number, { classId, box }: SyntheticObject): number[] {
  const found = [Infinity, Infinity, -Infinity, -Infinity];
  const strongest = [0, 1, 2][classId];
  for (let y = Math.floor(box[1]) - 3; y < box[3] + 3; y++) {
    for (let x = Math.floor(box[0]) - 3; x < box[2] + 3; x++) {
      const at = (y * width + x) * 3;
      const others = [0, 1, 2].filter((channel) => channel !== strongest).map((channel) => data[at + channel]);
      // About half of what a fully covered pixel shows, so that the edge lies where the cover passes one half.
      if (data[at + strongest] - (others[0] + others[1]) / 2 < 70) continue;
      found[0] = Math.min(found[0], x);
      found[1] = Math.min(found[1], y);
      found[2] = Math.max(found[2], x + 1);
      found[3] = Math.max(found[3], y + 1);
    }
  }
  return found;
}

Deno.test("boxes of syntheticPicture are those of the painted pixels", () => {
  for (let seed = 10; seed < 13; seed++) {
    const { image, objects } = syntheticPicture({ seed, width: 320, height: 240, noise: 0 });
    for (const object of objects) {
      measured(image.data, image.width, object).forEach((edge, side) => {
        // The triangle's corners are thinner than a pixel; every other edge is met within one.
        const tolerance = object.classId === 2 && side !== 3 ? 2.5 : 1;
        assertAlmostEquals(edge, object.box[side], tolerance, `seed ${seed}, class ${object.classId}, side ${side}`);
      });
    }
  }
});

Deno.test("syntheticPicture refuses sizes that hold nothing", () => {
  assertThrows(() => syntheticPicture({ seed: 1, width: 31, height: 64 }), FeatherdetError, "31x64");
  assertThrows(() => syntheticPicture({ seed: 1, width: 64.5, height: 64 }), FeatherdetError, "64.5x64");
});
