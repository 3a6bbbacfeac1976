/** Counts of labels: against sums over all objects, written down one by one. */

import { assert, assertEquals } from "@std/assert";
import { countLabels } from "../../src/eval/label_statistics.ts";
import { demoDataset } from "../support/demo_dataset.ts";
import { randomCase } from "../support/random_sets.ts";

Deno.test("objects, pictures and classes are counted; crowds by themselves", () => {
  for (const seed of [501, 502, 503, 504, 505, 506]) {
    const { set } = randomCase(seed);
    const images = set.images.map(({ boxes }) => ({ width: 500, height: 400, boxes }));
    const all = images.flatMap(({ boxes }, picture) => boxes.map((one) => ({ ...one, picture })));
    const counted = all.filter(({ crowd }) => !crowd);
    const { classes, crowds, empty, objects, images: pictures } = countLabels({ classes: set.classes, images });
    assertEquals([pictures, objects, crowds], [images.length, counted.length, all.length - counted.length]);
    assertEquals(empty, images.length - new Set(counted.map(({ picture }) => picture)).size);
    assertEquals(
      classes,
      set.classes.map((name, k) => {
        const own = counted.filter(({ classId }) => classId === k);
        return { name, objects: own.length, images: new Set(own.map(({ picture }) => picture)).size };
      }),
    );
  }
});

Deno.test("centres and sizes fall into the cells that hold them, the far edge into the last", () => {
  const { classes, images } = demoDataset(11);
  const { objects, centres, sizes } = countLabels({ classes, images }, 13);
  for (const [grid, point] of [[centres, "centre"], [sizes, "size"]] as const) {
    for (let row = 0; row < 13; row++) {
      for (let column = 0; column < 13; column++) {
        const inside = images.flatMap(({ width, height, boxes }) =>
          boxes.filter(({ box: [x1, y1, x2, y2] }) => {
            const x = point === "centre" ? (x1 + x2) / 2 / width : (x2 - x1) / width;
            const y = point === "centre" ? (y1 + y2) / 2 / height : (y2 - y1) / height;
            return x >= column / 13 && x < (column + 1) / 13 && y >= row / 13 && y < (row + 1) / 13;
          })
        );
        assertEquals(grid.counts[13 * row + column], inside.length, `${point} ${row} ${column}`);
      }
    }
    assertEquals(grid.counts.reduce((sum, count) => sum + count, 0), objects);
  }
  assert(objects > 20);
  const whole = { id: 1, classId: 0, box: [0, 0, 7, 127], area: 889, crowd: false } as const;
  const { sizes: one } = countLabels({ classes: ["a"], images: [{ width: 7, height: 127, boxes: [whole] }] }, 3);
  assertEquals(one.counts, [0, 0, 0, 0, 0, 0, 0, 0, 1]);
});
