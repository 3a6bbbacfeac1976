/** A detector keeps to its limit of memory whatever the picture, whole or in tiles, and finds the same. */

import { assert, assertAlmostEquals, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Detector } from "../../src/detect/detector.ts";
import { planModel, planWithin } from "../../src/detect/plan_model.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { syntheticPicture } from "../../src/data/synthetic.ts";
import { gpuTest, testDevice } from "../support/gpu.ts";

const SIZE = 128;

gpuTest("pictures of any size are detected in within the limit, whole and in tiles", async () => {
  const device = await testDevice();
  const graph = demoDetector({ size: SIZE });
  const free = await Detector.load(graph, { device, start: "full" });
  const empty = free.bytes;
  // Room for the input's own size and some rows of a picture.
  const limit = empty + 200_000;
  const tight = await Detector.load(graph, { device, memoryLimit: limit, precision: "f32" });
  const { image } = syntheticPicture({ seed: 3, width: 500, height: 400, sizes: [26, 60] });
  try {
    for (const tiles of [false, SIZE, { size: SIZE, whole: false, overlap: 0.3 }] as const) {
      const [expected, found] = [await free.detect(image, { tiles }), await tight.detect(image, { tiles })];
      assert(tight.bytes <= limit, `${tight.bytes} of ${limit}`);
      assertEquals(found.map(({ label }) => label), expected.map(({ label }) => label));
      found.forEach(({ box, score }, i) => {
        assertAlmostEquals(score, expected[i].score, 1e-4);
        box.forEach((edge, k) => assertAlmostEquals(edge, expected[i].box[k], 0.02));
      });
    }
    assert((await free.detect(image, { tiles: SIZE })).length > 2);
    // The whole picture went up there.
    assert(free.bytes >= empty + 4 * 500 * 400);
    await Promise.all(Array.from({ length: 20 }, () => tight.detect(image)));
    assert(tight.bytes <= limit, `${tight.bytes} of ${limit} after many at once`);
  } finally {
    free.destroy();
    tight.destroy();
  }
});

gpuTest("a detector that fits in no way is refused with the least that it needs", async () => {
  const device = await testDevice();
  const refused = (options: object) =>
    assertRejects(() => Detector.load(demoDetector({ size: SIZE }), { device, ...options }), FeatherdetError);
  assertMatch(
    (await refused({ memoryLimit: 10_000 })).message,
    /the detector needs [\d.]+ MB of device memory at least/,
  );
  assertMatch((await refused({ memoryLimit: -5 })).message, /memoryLimit is -5/);
});

Deno.test("plans say what a model takes within a limit, without a device", () => {
  const graph = demoDetector({ size: SIZE, batch: 4 });
  const form = { precision: "f32", storage: "buffer" } as const;
  const { bytes } = planModel(graph, form);
  assertEquals(planWithin(graph, { ...form, memoryLimit: bytes }).text, "f32 in buffers");
  const less = planWithin(graph, { ...form, memoryLimit: bytes - 1 });
  assertEquals(less.text, "f32 in buffers, 2 of 4 images at once");
  assert(less.bytes < bytes);
});
