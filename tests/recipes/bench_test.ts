/** The benchmark on the demo detector: what it measures is there and consistent, and the verb prints one object. */

import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { profileRows } from "../../src/recipes/bench/ours.ts";
import { type BenchRecord, recordName } from "../../src/recipes/bench/record.ts";
import { benchTable } from "../../src/recipes/bench/table.ts";
import { modelFile } from "../../src/recipes/bench/subject.ts";
import { outputBoxes } from "../../src/recipes/bench/host_detect.ts";
import { interleave, summarize, throughput } from "../../src/eval/latency.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { commandLine } from "../support/command_line.ts";

Deno.test("bench --json prints one complete record", async () => {
  const args = ["--model", "demo", "--size", "64", "--precision", "f32", "--runs", "3", "--profile", "--no-save"];
  const { code, stdout: out, stderr: err } = await commandLine(["bench", "--json", ...args]);
  assertEquals(code, 0, err);
  const record: BenchRecord = JSON.parse(out);
  assertEquals(record.schema, 1);
  assertEquals(record.software, record.adapter.software);
  assert(record.adapter.name.length > 0);
  assertEquals(record.versions.deno, Deno.version.deno);
  assertEquals(record.results.length, 1);
  const [result] = record.results;
  assertEquals([result.engine, result.model, result.size, result.precision], ["featherdet", "demo", 64, "f32"]);
  for (const latency of [result.run, result.detect!, result.gpu!]) {
    assertEquals(latency.count, 3);
    assert(0 < latency.min && latency.min <= latency.median && latency.median <= latency.p90);
    assert(latency.p90 <= latency.max);
  }
  assert(result.gpu!.min < result.detect!.min, "GPU time is part of the time from end to end");
  assert(result.stream! > 0 && result.firstRun > 0 && result.load.create > 0);
  const { import: imported, load, first, toBoxes } = result.start.warm!;
  assert(imported > 0);
  assertAlmostEquals(toBoxes, load + first, 1e-6);
  assertEquals(result.start.cold, undefined);
  const { weights, total, detect } = result.memory!;
  assert(detect.lowerBound <= detect.planned && detect.planned + weights <= total);
  assertEquals(result.profile!.length, result.dispatches!.detect);
  assertAlmostEquals(result.profile!.reduce((sum, { share }) => sum + share, 0), 1, 1e-9);
  const table = benchTable(record);
  for (const text of [record.adapter.name, "featherdet", "GFLOP/s", "letterbox"]) assertStringIncludes(table, text);
});

Deno.test("bench names what it cannot measure", async () => {
  const wrong = ["bench", "--json", "--model", "nothing-of-that-name", "--no-save"];
  const { code, stdout: out, stderr: err } = await commandLine(wrong);
  assertEquals([code, out], [1, ""]);
  assertMatch(err, /unknown model "nothing-of-that-name"/);
});

Deno.test("the file for other engines has the size asked for", async () => {
  const { name, path, temporary } = await modelFile("demo", 96);
  try {
    assertEquals([name, temporary], ["demo", true]);
    const { loadOnnx } = await import("../../src/onnx/mod.ts");
    assertEquals([...(await loadOnnx(path)).inputs[0].shape], [1, 3, 96, 96]);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("profile rows: GFLOP/s and shares", () => {
  const step = { name: "a", operator: "Conv", kernel: "k" };
  const [first, second] = profileRows([{ ...step, milliseconds: 2, macs: 3e6 }, { ...step, milliseconds: 6, macs: 0 }]);
  assertAlmostEquals(first.gflopsPerSecond, 3);
  assertEquals([first.share, second.share, second.gflopsPerSecond], [0.25, 0.75, 0]);
});

Deno.test("record names hold date and adapter", () => {
  const adapter = { name: "llvmpipe (LLVM 15.0.6, 256 bits)", vendor: "", architecture: "", software: true };
  const name = recordName({ date: "2026-01-31T12:34:56.789Z", adapter });
  assertEquals(name, "2026-01-31T12-34-56-llvmpipe-llvm-15-0-6-256-bits.json");
});

Deno.test("latency: statistics, turns and throughput", async () => {
  assertEquals(summarize([5, 1, 4, 2, 3]), { count: 5, median: 3, p90: 4.6, min: 1, max: 5 });
  await assertRejects(() => Promise.resolve().then(() => summarize([])), FeatherdetError, "no times");
  const order: string[] = [];
  const contestants = [{ work: () => order.push("a"), each: 2 }, { work: () => order.push("b") }];
  const times = await interleave(contestants, 2);
  // Once each without being measured, then in turn; the next round begins with the next one.
  assertEquals(order.join(""), "ab" + "aab" + "baa");
  assertEquals(times.map((list) => list.length), [4, 2]);
  async function* once() {
    yield await Promise.resolve(1);
  }
  await assertRejects(() => throughput(once()), FeatherdetError, "throughput of 1");
});

Deno.test("the peers' suppression on the host", () => {
  // Two anchors of one object, one of another class, one too weak.
  const columns = [[50, 50, 20, 20, 0.9, 0], [51, 50, 20, 20, 0.8, 0], [50, 50, 20, 20, 0, 0.7], [
    9,
    9,
    4,
    4,
    0.2,
    0.1,
  ]];
  const data = Float32Array.from({ length: 24 }, (_, i) => columns[i % 4][Math.floor(i / 4)]);
  const boxes = outputBoxes({ shape: [1, 6, 4], data });
  assertEquals(boxes.map(({ classId, box }) => [classId, ...box]), [[0, 40, 40, 60, 60], [1, 40, 40, 60, 60]]);
});
