/** Sessions that begin with the kernels that compile quickly, and runners that choose them for small networks. */

import { assert, assertEquals } from "@std/assert";
import { hasFewOperations } from "../../src/engine/few_operations.ts";
import { createSessionRunner } from "../../src/engine/session_runner.ts";
import { Session, type SessionOptions } from "../../src/engine/session.ts";
import { openSharedDevice } from "../../src/gpu/device.ts";
import type { Graph } from "../../src/graph/mod.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { TUNING_FORMAT } from "../../src/plan/tuning.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { difference } from "../support/channels.ts";
import { gpuTest } from "../support/gpu.ts";
import { lively } from "../support/lively.ts";
import { miniYolo11 } from "../support/mini_yolo11.ts";
import { randomTensor } from "../support/random.ts";

const model = lively(miniYolo11({ width: 0.25, size: 64, batch: 3, classes: ["disc", "square"], seed: 4 }), 2);
const SHAPE = [3, 3, 64, 64], data = randomTensor(SHAPE, 5);

/** What a session computes, and the shaders of its convolutions. */
async function runWith(graph: Graph, options: SessionOptions): Promise<{ found: number[]; shaders: Set<string> }> {
  const session = await Session.create(graph, options);
  const { output0 } = await session.run({ images: { shape: SHAPE, data } });
  const convolutions = session.plan.dispatches.filter(({ operator }) => /^Conv\b/.test(operator));
  session.destroy();
  return { found: [...output0.data], shaders: new Set(convolutions.map(({ kernel }) => kernel.shader)) };
}

gpuTest("a light session computes what the reference does, with one shader for all convolutions", async () => {
  const truth = runReference(model, { images: referenceTensor(SHAPE, data) }).get("output0")!.data;
  const light = await runWith(model, { start: "light" }), full = await runWith(model, {});
  assertEquals([...light.shaders], ["conv/light.wgsl"]);
  assert(!full.shaders.has("conv/light.wgsl"));
  for (const { found } of [light, full]) assert(difference(found, [...truth]) < 1e-5);
  const { adapter } = await openSharedDevice();
  const tuning = {
    format: TUNING_FORMAT,
    adapter: adapter.name,
    storage: "texture",
    scalar: "f32",
    choices: {},
  } as const;
  assert(!(await runWith(model, { start: "light", tuning })).shaders.has("conv/light.wgsl"));
});

gpuTest("a runner chooses the kernels of a session by the graph alone", async () => {
  const { adapter: { software } } = await openSharedDevice();
  const [light, full] = await Promise.all((["light", "full"] as const).map((start) => runWith(model, { start })));
  for (const [start, wanted] of [[undefined, software ? light : full], ["full", full], ["light", light]] as const) {
    const runner = createSessionRunner({ start });
    const { output0 } = await runner.run(model, { images: { shape: SHAPE, data } });
    runner.destroy();
    assertEquals([...output0.data], wanted.found, start);
  }
  // Light kernels and those that run fastest differ in the order of sums.
  assert(difference(light.found, full.found) > 0);
});

Deno.test("few operations are those of the convolutions that count, at the graph's batch", () => {
  assert(hasFewOperations(model));
  const large = yolo11({ width: 0.125, size: 320, batch: 2, classes: 3 });
  assert(!hasFewOperations(large) && hasFewOperations(large, ({ name }) => name === "model.0.conv"));
});
