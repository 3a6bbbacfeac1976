/**
 * Quantized models as we write them, run by onnxruntime (WebAssembly) with the integer kernels that it fuses from them.
 */

import { assert } from "@std/assert";
import { loadPeer } from "../../src/recipes/bench/peers.ts";
import { importOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import { inSteps, quantizedModels } from "../support/quantized_models.ts";

for (const model of quantizedModels()) {
  Deno.test(`onnxruntime runs ${model.name} as it is written again`, async () => {
    const graph = importOnnx(model.file);
    const peer = await loadPeer(saveOnnx(graph), "onnxruntime-web/wasm");
    const found = await peer.run(model.input);
    await peer.release();
    const { most, mean } = inSteps(graph, model, found.data as Float32Array);
    // The fixture was computed with floats between DequantizeLinear and QuantizeLinear.
    assert(most < 1.01 && mean < 0.01, `at most ${most} steps off, ${mean} in the mean`);
  });
}
