/** Pictures in tiles by a detector on the device: a planted object is found once at every border, however the picture goes up. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { Detector, type DetectorOptions } from "../../../src/detect/detector.ts";
import { intersectionOverUnion } from "../../../src/detect/nms.ts";
import { FeatherdetError } from "../../../src/graph/error.ts";
import type { RgbImage } from "../../../src/image/rgb_image.ts";
import { demoDetector } from "../../../src/models/demo_detector.ts";
import { ON_CPU } from "../../support/cpu_runtime.ts";
import { gpuTest } from "../../support/gpu.ts";

const INPUT = 128;

type Box = readonly [number, number, number, number];

/** Green squares on grey. */
function planted(width: number, height: number, ...boxes: Box[]): RgbImage {
  const data = new Uint8Array(3 * width * height).fill(105);
  for (const [x1, y1, x2, y2] of boxes) {
    for (let y = y1; y < y2; y++) for (let x = x1; x < x2; x++) data.set([31, 173, 51], 3 * (y * width + x));
  }
  return { width, height, data };
}

const square = (x: number, y: number, side: number): Box => [x, y, x + side, y + side];

/** Tiles of 128 pixels of a picture of 300 x 230 begin at 0, 86, 172 across and 0, 102 down, with an overlap of a fifth. */
const [WIDTH, HEIGHT] = [300, 230];

async function findsPlanted(options: DetectorOptions): Promise<void> {
  const detector = await Detector.load(demoDetector({ size: INPUT }), { ...options, tiles: { size: INPUT } });
  try {
    for (
      const { side, whole, places } of [
        // In one tile, across one border, across two, at corners of four tiles.
        { side: 24, whole: true, places: [[10, 10], [72, 40], [84, 100], [126, 60], [190, 115], [160, 190]] },
        { side: 30, whole: false, places: [[113, 5], [100, 85], [186, 30], [160, 115], [20, 96], [240, 180]] },
        // Larger than the overlap: in pieces everywhere.
        { side: 60, whole: false, places: [[70, 80], [200, 60]] },
      ]
    ) {
      const boxes = places.map(([x, y]) => square(x, y, side));
      const found = await detector.detect(planted(WIDTH, HEIGHT, ...boxes), { tiles: { size: INPUT, whole } });
      assertEquals(found.map(({ label }) => label), boxes.map(() => "green square"), `${side} pixels`);
      for (const box of boxes) {
        const best = Math.max(...found.map((one) => intersectionOverUnion(one.box, box)));
        assert(best > 0.6, `${box}: ${best}`);
      }
    }
  } finally {
    detector.destroy();
  }
}

gpuTest("objects planted across every border of tiles are found once", () => findsPlanted({}));

Deno.test("objects planted across every border of tiles are found once on the CPU", () => findsPlanted(ON_CPU));

gpuTest("whatever goes up together, and however many tiles are run together, the boxes are the same", async () => {
  const boxes = [square(20, 20, 28), square(110, 90, 30), square(250, 180, 26), square(180, 10, 40)];
  const image = planted(WIDTH, HEIGHT, ...boxes);
  const graph = demoDetector({ size: INPUT });
  const detector = await Detector.load(graph, { inputSize: INPUT });
  try {
    const tiles = { size: INPUT, overlap: 0.3 };
    const expected = await detector.detect(image, { tiles });
    assertEquals(expected.length, boxes.length);
    // Seven and five do not divide the number of tiles.
    for (const batch of [2, 5, 7]) {
      const found = await detector.detect(image, { tiles: { ...tiles, batch } });
      assertEquals(found.length, expected.length);
      found.forEach(({ box, score }, i) => {
        assert(box.every((edge, k) => Math.abs(edge - expected[i].box[k]) < 0.01), `batch ${batch}: ${box}`);
        assert(Math.abs(score - expected[i].score) < 1e-4);
      });
    }
    // Several at once, whole ones between: each picture keeps the texture until its tiles are submitted.
    const other = planted(WIDTH, HEIGHT, square(200, 100, 30));
    const [a, b, c] = await Promise.all([
      detector.detect(image, { tiles }),
      detector.detect(planted(INPUT, INPUT, square(40, 40, 30))),
      detector.detect(other, { tiles }),
    ]);
    assertEquals([a, b.length, c.length], [expected, 1, 1]);
  } finally {
    detector.destroy();
  }
});

gpuTest("pictures that need no tiles, and calls that want none, are looked at whole", async () => {
  const detector = await Detector.load(demoDetector({ size: INPUT }), { tiles: "auto" });
  try {
    const small = planted(101, 77, square(30, 20, 30));
    assertEquals(await detector.detect(small), await detector.detect(small, { tiles: false }));
    const long = planted(700, 90, square(400, 20, 30));
    assertEquals((await detector.detect(long)).length, 1);
    // Scaled down to a fifth it is too small to be found.
    assertEquals(await detector.detect(long, { tiles: false }), []);
    const results: number[] = [];
    for await (const found of detector.stream([long, small, long])) results.push(found.length);
    assertEquals(results, [1, 1, 1]);
    await assertRejects(() => detector.detect(long, { tiles: { size: 3 } }), FeatherdetError, "a tile's side is 3");
  } finally {
    detector.destroy();
  }
});

gpuTest("a picture wider than textures are is detected in, whole and in tiles", async (device) => {
  const detector = await Detector.load(demoDetector({ size: INPUT }), { device });
  try {
    const width = device.limits.maxTextureDimension2D + 100;
    const image = planted(width, 40, square(20, 5, 30), square(width - 60, 6, 30));
    assertEquals(await detector.detect(image), []);
    const found = await detector.detect(image, { tiles: { size: INPUT, overlap: 0.3 } });
    assertEquals(found.map(({ box }) => Math.round(box[0] / 100)).sort(), [0, Math.round((width - 60) / 100)].sort());
  } finally {
    detector.destroy();
  }
});
