/** Signals end what takes long, between two frames or samples, and leave it usable. */

import { assertEquals, assertRejects } from "@std/assert";
import { quantize } from "../../src/compress/quantize/mod.ts";
import { Detector } from "../../src/detect/detector.ts";
import { createSessionRunner } from "../../src/engine/session_runner.ts";
import { evaluate } from "../../src/eval/evaluate.ts";
import { colours, picture } from "../support/faults/gpu_operations.ts";
import { gpuTest } from "../support/gpu.ts";
import { graphOf, node, weight } from "../support/tiny_graph.ts";

gpuTest("detect, stream and evaluate end with the signal's reason; the detector goes on", async (device) => {
  const detector = await Detector.load(colours(), { device });
  const before = await detector.detect(picture(0));
  const aborted = AbortSignal.abort(new Error("too late"));
  await assertRejects(() => detector.detect(picture(0), { signal: aborted }), Error, "too late");
  await assertRejects(() => detector.detect([picture(0)], { signal: aborted }), Error, "too late");
  const during = new AbortController();
  const running = detector.detect(picture(0), { signal: during.signal });
  during.abort(new Error("meanwhile"));
  await assertRejects(() => running, Error, "meanwhile");

  const image = picture(0), abort = new AbortController(), done: number[] = [];
  const dataset = {
    ...{ name: "set", classes: ["red", "green", "blue"], categoryIds: [1, 2, 3], warnings: [] },
    images: Array.from({ length: 9 }, (_, id) => ({
      ...{ id, name: String(id), width: image.width, height: image.height, boxes: [] },
      load: () => Promise.resolve(image),
      bytes: () => Promise.reject(new Error("a picture without a file")),
    })),
  };
  const onProgress = (count: number) => {
    done.push(count);
    if (count === 2) abort.abort(new Error("enough"));
  };
  await assertRejects(() => evaluate(detector, dataset, { signal: abort.signal, onProgress }), Error, "enough");
  assertEquals(done, [1, 2]);
  assertEquals(await detector.detect(picture(0)), before);
  detector.destroy();
});

gpuTest("quantize ends between two samples", async (device) => {
  const runner = createSessionRunner({ device });
  const graph = graphOf(
    { x: [1, 3, 5, 7] },
    ["y"],
    [node("Conv", ["x", "w"], ["y"], { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 })],
    { w: weight([4, 3, 1, 1]) },
  );
  const abort = new AbortController(), seen: number[] = [];
  function* samples() {
    for (let at = 0; at < 5; at++) {
      yield { name: String(at), inputs: { x: { shape: [1, 3, 5, 7], data: new Float32Array(105).fill(at) } } };
    }
  }
  const onSample = (done: number) => {
    seen.push(done);
    if (done === 2) abort.abort(new Error("enough"));
  };
  await assertRejects(
    () => quantize(graph, samples(), { runner, float: "none", onSample, signal: abort.signal }),
    Error,
    "enough",
  );
  assertEquals(seen, [1, 2]);
  const { graph: made } = await quantize(graph, samples(), { runner, float: "none" });
  assertEquals(made.nodes.some(({ op }) => op === "QuantizeLinear"), true);
  runner.destroy();
});
