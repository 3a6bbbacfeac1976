/** Detectors whose files leave batch, height and width open, with and without names. */

import { assertEquals, assertRejects } from "@std/assert";
import { Detector } from "../../src/detect/detector.ts";
import { FeatherdetError } from "../../src/graph/mod.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { saveOnnx } from "../../src/onnx/mod.ts";
import { schema } from "../../src/onnx/proto.ts";
import { gpuTest, testDevice } from "../support/gpu.ts";

/** The demo detector with an input of the given open extents; "" has no name, numbers stay. */
function opened(extents: readonly (string | number)[]): Uint8Array {
  const model = schema.ModelProto.decode(saveOnnx(demoDetector({ size: 64 })));
  model.graph!.input![0].type!.tensorType!.shape!.dim = extents.map((extent) =>
    typeof extent === "number" ? { dimValue: extent } : extent ? { dimParam: extent } : {}
  );
  return Uint8Array.from(schema.ModelProto.encode(model).finish());
}

gpuTest("a detector with open extents is loaded for the size that is asked for", async () => {
  const device = await testDevice();
  for (const extents of [["", 3, "", ""], ["batch", "", "height", "width"], ["n", 3, 64, 64]]) {
    const detector = await Detector.load(opened(extents), { device, inputSize: 64 });
    assertEquals(detector.inputSize, [64, 64]);
    detector.destroy();
  }
  const error = await assertRejects(() => Detector.load(opened(["", 3, "", ""]), { device }), FeatherdetError);
  assertEquals(
    error.message,
    'model: input "images" [axis 0,3,axis 2,axis 3] has no size of its own: say one with inputSize',
  );
});
