/** YOLO11n from JPEG files to mAP, on a dozen photographs; on all of them in `tests/long/`. */

import { assertYoloFigures, YOLO_FILES } from "../support/yolo_figures.ts";
import { sharedDataTest } from "../support/shared_data.ts";

sharedDataTest(
  "yolo11n at 320 on 12 photographs: the twelve figures are those of onnxruntime",
  YOLO_FILES,
  async () => {
    await assertYoloFigures({ size: 320, precision: "f32", tolerance: 5e-4, few: true });
  },
);
