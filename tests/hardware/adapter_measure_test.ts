/** Networks are measured on the device at hand, as a record that a model can be fitted to. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { FeatherdetError } from "../../src/graph/mod.ts";
import { WORK_NAMES } from "../../src/hardware/adapter/describe.ts";
import { measureNetworks } from "../../src/hardware/adapter/measure.ts";
import { fitAdapter, workTimer } from "../../src/hardware/adapter/model.ts";
import { predictFrame } from "../../src/hardware/adapter/predict.ts";
import { measurementsFault } from "../../src/hardware/adapter/record.ts";
import { shaderHash } from "../../src/kernels/shader_hash.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";

Deno.test("networks are measured dispatch by dispatch, and a model of them tells what was measured", async () => {
  const how = { scalar: "f32", separate: false } as const, graph = demoDetector({ size: 64 });
  const record = await measureNetworks([
    { ...how, name: "small", graph },
    { ...how, name: "large", graph: demoDetector({ size: 96 }) },
    { ...how, name: "apart", graph, separate: true },
  ], { rounds: 2, setting: "a test" });
  assertEquals(measurementsFault(JSON.parse(JSON.stringify(record))), undefined);
  const [small, large, apart] = record.networks;
  assert(small.frame.min > 0 && small.frame.min <= small.frame.median);
  assert(apart.dispatches.length >= small.dispatches.length);
  const macs = WORK_NAMES.indexOf("macs");
  const sum = ({ dispatches }: typeof small) => dispatches.reduce((all, { work }) => all + work[macs], 0);
  // 36 by 36 pixels for every 24 by 24.
  assertEquals([sum(large) / sum(small), sum(apart) / sum(small)], [2.25, 1]);
  for (const [shader, hash] of Object.entries(record.shaders)) assertEquals(hash, shaderHash(shader));
  const model = fitAdapter(record), timer = workTimer(model);
  const kinds = new Set(record.networks.flatMap(({ dispatches }) => dispatches.map(({ kind }) => record.kinds[kind])));
  assertEquals([...kinds].sort(), Object.keys(model.measured).sort());
  const predicted = predictFrame(graph, model);
  assertEquals(predicted.dispatches.length, small.dispatches.length);
  assert(predicted.dispatches.every(({ from }) => from === "measured"));
  assertEquals(predicted.changed, []);
  const { kind, work } = large.dispatches[1];
  assertEquals(timer({ kind: record.kinds[kind], shader: "", work }).from, "measured");
  const classifier = { ...graph, outputs: [graph.nodes[0].outputs[0]] };
  await assertRejects(
    () => measureNetworks([{ ...how, name: "none", graph: classifier }], { rounds: 1, setting: "" }),
    FeatherdetError,
  );
});
