/** YOLO11n on photographs, against onnxruntime's numbers. */

import { assert, assertEquals } from "@std/assert";
import { loadOnnx } from "../../src/onnx/mod.ts";
import { Session } from "../../src/engine/session.ts";
import { cocoFixture, cocoSquare } from "../support/coco50.ts";
import { ON_CPU } from "../support/cpu_runtime.ts";
import { compareDetections } from "../support/detections.ts";
import { imageTensor } from "../support/letterbox_bytes.ts";
import { outputDifference } from "../support/output_tensor.ts";
import { assertSameDetections } from "../support/same_detections.ts";
import { sharedDataTest } from "../support/shared_data.ts";

const MODEL = "models/yolo11n.onnx", SMALL = "models/yolo11n_320.onnx", IMAGES = "coco/val/images/";
const REFERENCE = ["reference/397133.images.f32", "reference/397133.output0.f32"] as const;
const ANCHORS = 8400;

const floats = async (url: URL) => new Float32Array((await Deno.readFile(url)).buffer);

sharedDataTest(
  "yolo11n at 640: boxes within 0.02 px and scores within 1e-4 of onnxruntime's",
  [MODEL, ...REFERENCE],
  async (model, images, output0) => {
    const session = await Session.create(await loadOnnx(model));
    try {
      const feeds = { images: { shape: [1, 3, 640, 640], data: await floats(images) } };
      const { output0: found } = await session.run(feeds);
      assertEquals([...found.shape], [1, 84, ANCHORS]);
      const { box, score } = outputDifference(found.data, await floats(output0), found.shape);
      assert(box <= 0.02, `boxes differ by ${box} px`);
      assert(score <= 1e-4, `scores differ by ${score}`);
    } finally {
      session.destroy();
    }
  },
);

sharedDataTest(
  "yolo11n at 640 in f16: what has a score of 0.25 is within 2 px and 0.02 of onnxruntime's",
  [MODEL, ...REFERENCE],
  async (model, images, output0) => {
    const session = await Session.create(await loadOnnx(model), { precision: "f16" });
    try {
      const feeds = { images: { shape: [1, 3, 640, 640], data: await floats(images) } };
      const { output0: found } = await session.run(feeds);
      const { box, score } = outputDifference(found.data, await floats(output0), found.shape, 0.25);
      assert(box <= 2, `boxes differ by ${box} px`);
      assert(score <= 0.02, `scores differ by ${score}`);
    } finally {
      session.destroy();
    }
  },
);

sharedDataTest(
  "yolo11n on eight of 50 photographs: the detections of onnxruntime and a CPU NMS, from the same tensor",
  [MODEL, IMAGES],
  (model, folder) => assertSameDetections(model, folder, 640, 8),
);

sharedDataTest(
  "yolo11n_320 on five photographs: the detections of onnxruntime and a CPU NMS, from the same tensor",
  [SMALL, IMAGES],
  (model, folder) => assertSameDetections(model, folder, 320),
);

sharedDataTest(
  "yolo11n_320 on five photographs on the CPU: the same detections",
  [SMALL, IMAGES],
  (model, folder) => assertSameDetections(model, folder, 320, undefined, ON_CPU),
);

sharedDataTest(
  "yolo11n.onnx loaded for 320 gives what yolo11n_320.onnx gives, and a batch of two what two runs give",
  [MODEL, SMALL, IMAGES],
  async (model, small, folder) => {
    const images = await Promise.all(
      cocoFixture(320).images.slice(0, 2).map(async (one) => {
        return imageTensor(await cocoSquare(one, folder));
      }),
    );
    const own = await Session.create(await loadOnnx(small));
    const changed = await Session.create(await loadOnnx(model, { shapes: { images: [1, 3, 320, 320] } }));
    const batch = await Session.create(await loadOnnx(model, { shapes: { images: [2, 3, 320, 320] } }));
    try {
      const data = new Float32Array(images.flatMap(({ data }) => [...data]));
      const { output0: both } = await batch.run({ images: { shape: [2, 3, 320, 320], data } });
      assertEquals([...both.shape], [2, 84, 2100]);
      for (const [i, image] of images.entries()) {
        const { output0: expected } = await own.run({ images: image });
        const { output0: found } = await changed.run({ images: image });
        assertEquals([...expected.shape], [1, 84, 2100]);
        const size = expected.data.length;
        const part = both.data.subarray(i * size, (i + 1) * size);
        for (const data of [found.data, part]) {
          const { box, score } = outputDifference(data, expected.data, expected.shape);
          // The files' baked tables and the layouts of a batch may round differently.
          assert(box <= 0.01 && score <= 1e-5, `image ${i}: boxes differ by ${box} px, scores by ${score}`);
        }
      }
    } finally {
      for (const session of [own, changed, batch]) session.destroy();
    }
  },
);

Deno.test("the comparison of detections is not blind", () => {
  const one = { box: [10, 10, 50, 50] as const, score: 0.5, classId: 3 };
  const sameness = { iou: 0.99, score: 1e-3 };
  const compare = (other: typeof one) => compareDetections([one], [other], sameness).same;
  assertEquals(compare({ ...one, score: 0.5009 }), 1);
  assertEquals(compare({ ...one, score: 0.502 }), 0);
  assertEquals(compare({ ...one, classId: 4 }), 0);
  assertEquals(compareDetections([one], [{ ...one, box: [10, 10, 50, 51] }], sameness).onlySecond.length, 1);
  assertEquals(compareDetections([one, one], [one], sameness).onlyFirst.length, 1);
});
