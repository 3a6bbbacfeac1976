/** YOLO11n in int8, calibrated on 256 photographs of coco/train: mAP on the 200 of coco/val against the float model's. */

import { assert } from "@std/assert";
import { calibrate, quantizeFromCalibration, type SchemeOptions } from "../../src/compress/quantize/mod.ts";
import { openDataset } from "../../src/data/open.ts";
import { Detector } from "../../src/detect/detector.ts";
import { takeCalibrationSamples } from "../../src/eval/calibration.ts";
import { COCO_SETTINGS, evaluate } from "../../src/eval/evaluate.ts";
import { loadOnnx } from "../../src/onnx/mod.ts";
import { createSessionRunner } from "../../src/engine/session_runner.ts";
import { sharedDataTest } from "../support/shared_data.ts";

/** mAP50-95 of the float model here; onnxruntime and pycocotools say the same of it. */
const FLOAT = 0.3997;

/** What is allowed to be lost, and kept of the bytes. */
const CASES: readonly { what: string; options: SchemeOptions; loss: number; bytes: number }[] = [
  { what: "default preset", options: {}, loss: 0.004, bytes: 0.27 },
  { what: "all in int8", options: { float: "none" }, loss: 0.012, bytes: 0.27 },
];

sharedDataTest(
  "yolo11n in int8 finds on coco/val what it finds in float",
  ["models/yolo11n.onnx", "coco/val", "coco/train"],
  async (model) => {
    const graph = await loadOnnx(model);
    const runner = createSessionRunner();
    const calibration = await openDataset("coco", { split: "train", limit: 256 });
    const calibrated = await calibrate(graph, takeCalibrationSamples(calibration, { size: 640 }), { runner });
    runner.destroy();
    const dataset = await openDataset("coco", { split: "val" });
    for (const { what, options, loss, bytes } of CASES) {
      const { graph: int8, report } = quantizeFromCalibration(calibrated, options);
      const detector = await Detector.load(int8, COCO_SETTINGS);
      const { map, map50 } = await evaluate(detector, dataset);
      detector.destroy();
      const { ratio } = report.bytes;
      console.log(
        `${what}: mAP ${map.toFixed(4)}, mAP50 ${map50.toFixed(4)}, ${(100 * ratio).toFixed(2)} % of the bytes`,
      );
      assert(map >= FLOAT - loss, `${what}: mAP ${map}, at least ${FLOAT - loss} was wanted`);
      assert(ratio <= bytes, `${what}: ${ratio} of the bytes`);
    }
  },
);
