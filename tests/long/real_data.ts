/** YOLO11n on all photographs of the fixture, and in every form of storage: the default tests do part of it. */

import { assert } from "@std/assert";
import { openSharedDevice } from "../../src/gpu/device.ts";
import { loadOnnx } from "../../src/onnx/mod.ts";
import { Session } from "../../src/engine/session.ts";
import { outputDifference } from "../support/output_tensor.ts";
import { assertSameDetections } from "../support/same_detections.ts";
import { sharedDataTest } from "../support/shared_data.ts";

const REFERENCE = ["models/yolo11n.onnx", "reference/397133.images.f32", "reference/397133.output0.f32"];

/** Least score of the anchors that are compared, and how far they may be off. */
const BOUNDS = {
  f32: { least: 0, box: 0.02, score: 1e-4 },
  f16: { least: 0.25, box: 2, score: 0.02 },
} as const;

for (const storage of ["texture", "buffer"] as const) {
  for (const precision of ["f32", "f16"] as const) {
    sharedDataTest(
      `yolo11n at 640 in ${storage}s of ${precision} gives onnxruntime's output`,
      REFERENCE,
      async (...urls) => {
        const { device } = await openSharedDevice();
        if (precision === "f16" && storage === "buffer" && !device.features.has("shader-f16")) return;
        const [images, output] = await Promise.all(
          urls.slice(1).map(async (url) => new Float32Array((await Deno.readFile(url)).buffer)),
        );
        const session = await Session.create(await loadOnnx(urls[0]), { precision, storage });
        try {
          const { output0 } = await session.run({ images: { shape: [1, 3, 640, 640], data: images } });
          const bounds = BOUNDS[precision];
          const all = outputDifference(output0.data, output, output0.shape);
          const { box, score } = outputDifference(output0.data, output, output0.shape, bounds.least);
          console.log(`from a score of ${bounds.least}: ${box} px, ${score}; everywhere: ${all.box} px, ${all.score}`);
          assert(box <= bounds.box && score <= bounds.score, `boxes are ${box} px off, scores ${score}`);
        } finally {
          session.destroy();
        }
      },
    );
  }
}

sharedDataTest(
  "yolo11n on 50 photographs: the detections of onnxruntime and a CPU NMS, from the same tensor",
  ["models/yolo11n.onnx", "coco/val/images/"],
  (model, folder) => assertSameDetections(model, folder, 640),
);
