/** YOLO11n from JPEG files to mAP on the 200 photographs of coco/val, and where the time of that goes. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { openSharedDevice } from "../../src/gpu/device.ts";
import { assertYoloFigures, YOLO_FILES, type YoloCase } from "../support/yolo_figures.ts";
import { sharedDataTest } from "../support/shared_data.ts";

/** What is known of the model file, measured elsewhere, and how far we may be off. */
const PUBLISHED = {
  640: { map: 0.4006, map50: 0.5552 },
  320: { map: 0.3079, map50: 0.4481 },
} as const;

const CASES: readonly (YoloCase & { readonly published: number })[] = [
  { size: 640, precision: "f32", tolerance: 5e-4, published: 0.002 },
  { size: 640, precision: "f16", tolerance: 0.005, published: 0.003 },
  { size: 320, precision: "f32", tolerance: 5e-4, published: 0.003 },
];

for (const one of CASES) {
  const { size, precision, published } = one;
  sharedDataTest(`yolo11n at ${size} in ${precision} on coco/val: mAP as published`, YOLO_FILES, async () => {
    const { map, map50, speed } = await assertYoloFigures(one);
    const stages = Object.entries(speed.stages).map(([name, time]) => `${name} ${time.toFixed(1)}`).join(", ");
    const share = (100 * (speed.networkShare ?? NaN)).toFixed(1);
    console.log(`mAP ${map.toFixed(4)}, mAP50 ${map50.toFixed(4)}, ${speed.seconds.toFixed(1)} s, ${share} % network`);
    console.log(`milliseconds an image: ${stages}, idle ${speed.idle?.toFixed(1)}`);
    assertAlmostEquals(map, PUBLISHED[size].map, published, "mAP50-95");
    assertAlmostEquals(map50, PUBLISHED[size].map50, published, "mAP50");
    const { adapter, timestamps } = await openSharedDevice();
    // Decoding and post-processing are hidden behind a network that takes its time.
    if (size === 640 && adapter.software && timestamps) {
      assert(speed.networkShare! >= 0.9, `${share} % of the time is spent in the network`);
    }
  });
}

sharedDataTest(
  "the built yolo11n with the file's weights finds on coco/val what the file finds",
  YOLO_FILES,
  async () => {
    const one: YoloCase = { size: 320, precision: "f32", tolerance: 5e-4 };
    const file = await assertYoloFigures(one);
    const built = await assertYoloFigures({ ...one, built: true });
    assertEquals(built.figures, file.figures);
    assertEquals(built.detections.length, file.detections.length);
    const differing = built.detections.findIndex((found, i) =>
      JSON.stringify(found) !== JSON.stringify(file.detections[i])
    );
    assertEquals(differing, -1);
  },
);
