/** Milliseconds by name: of adapters that were measured, and of devices that are not here, in int8 where they have it. */

import { assertEquals, assertRejects } from "@std/assert";
import { FeatherdetError } from "../../src/graph/mod.ts";
import { predictFrame } from "../../src/hardware/adapter/predict.ts";
import { predictLatency } from "../../src/hardware/predict.ts";
import { readAdapterModel } from "../../src/host/adapter_models.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { parseTarget } from "../../src/recipes/compress/targets.ts";
import { predictedMilliseconds, predictedNames } from "../../src/recipes/predicted_latency.ts";

const LLVMPIPE = "llvmpipe-llvm-15-0-6-256-bits";

Deno.test("a name stands for a device or an adapter, also in targets", async () => {
  const graph = yolo11({ width: 0.125, size: 96, classes: 3 }), model = await readAdapterModel(LLVMPIPE);
  for (const scalar of ["f32", "f16"] as const) {
    assertEquals(
      await predictedMilliseconds(graph, LLVMPIPE, scalar),
      predictFrame(graph, model, { scalar }).deviceTime,
    );
  }
  const on = (device: string, precision?: "fp32" | "fp16" | "int8") => predictLatency(graph, { device, precision });
  assertEquals(await predictedMilliseconds(graph, "rk3588", "int8"), on("rk3588", "int8").milliseconds);
  assertEquals(await predictedMilliseconds(graph, "jetson-nano"), on("jetson-nano", "fp16").milliseconds);
  // Nothing is published of it in int8.
  assertEquals(await predictedMilliseconds(graph, "rpi5-ncnn", "int8"), on("rpi5-ncnn", "fp32").milliseconds);
  await assertRejects(() => predictedMilliseconds(graph, "toaster"), FeatherdetError, 'device "toaster" is not known');
  assertEquals(["this", LLVMPIPE, "rk3588"].filter((name) => !predictedNames().includes(name)), []);
  assertEquals(parseTarget(`latency=0.5@${LLVMPIPE}`).device, LLVMPIPE);
});
