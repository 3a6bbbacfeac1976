/** A thousand frames of a real model in a row. */

import { fileURLToPath } from "node:url";
import { assertSteady } from "../support/assert_soak.ts";
import { sharedDataTest } from "../support/shared_data.ts";

sharedDataTest(
  "1000 frames of yolo11n at 320: no growth of memory, no leaked buffer, equal results",
  ["models/yolo11n_320.onnx"],
  (model) => assertSteady(fileURLToPath(model), 320, 1000),
);
