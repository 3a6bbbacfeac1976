/**
 * Detections on photographs against those of onnxruntime and a CPU NMS.
 *
 * @module
 */

import { Detector, type DetectorOptions } from "../../src/detect/detector.ts";
import { assert } from "./assert.ts";
import { cocoFixture, cocoSquare } from "./coco50.ts";
import { compareDetections, printDetection } from "./detections.ts";

/** Fails unless 99.9 % of the fixture's detections on its first pictures, and of those found, are the same. */
export async function assertSameDetections(
  model: URL,
  folder: URL,
  size: 320 | 640,
  count?: number,
  options: DetectorOptions = {},
): Promise<void> {
  const { confidence, iou, images } = cocoFixture(size);
  const detector = await Detector.load(model, { ...options, confidence, iou });
  const wrong: string[] = [];
  let same = 0, all = 0;
  try {
    for (const image of images.slice(0, count)) {
      // A picture of the input's size goes through the letterbox unchanged.
      const found = await detector.detect(await cocoSquare(image, folder));
      const agreement = compareDetections(image.detections, found, { iou: 0.99, score: 1e-3 });
      same += 2 * agreement.same;
      all += image.detections.length + found.length;
      wrong.push(...agreement.onlyFirst.map((one) => `${image.file}: missing ${printDetection(one)}`));
      wrong.push(...agreement.onlySecond.map((one) => `${image.file}: surplus ${printDetection(one)}`));
    }
  } finally {
    detector.destroy();
  }
  assert(
    same / all >= 0.999,
    `${(100 * same / all).toFixed(2)} % of the detections are the same:\n${wrong.join("\n")}`,
  );
}
