/** The benchmark on the demo detector: what it measures is there and consistent, and the verb prints one object. */

import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { profileRows } from "../../src/recipes/bench/ours.ts";
import { compareRecords, comparisonTable } from "../../src/recipes/bench/compare.ts";
import { type BenchRecord, type BenchResult, type Engine, recordName } from "../../src/recipes/bench/record.ts";
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
  for (const text of [record.adapter.name, "featherdet", "GFLOP/s", "of a picture"]) assertStringIncludes(table, text);
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

/** A record of one size, with the peer on the CPU if it has a time. */
function recordOf(
  { run, middle, peer, adapter = "one", load = 0 }: {
    run: number;
    middle?: [number, number];
    peer?: number;
    adapter?: string;
    load?: number;
  },
): BenchRecord {
  const result = (engine: Engine, median: number): BenchResult => ({
    ...{ engine, model: "m", size: 320, precision: "f32", adapter: null, load: { create: 1 }, firstRun: 1 },
    start: engine === "featherdet" ? { warm: { import: 1, load: 1, first: 1, toBoxes: 2 * median, boxes: 1 } } : {},
    run: { count: 5, median, min: 0.5 * median, p90: 1.5 * median, max: 2 * median },
    ...(engine === "featherdet" && middle && { middle }),
  });
  return {
    schema: 1,
    date: "2026-01-31T12:34:56.789Z",
    adapter: { name: adapter, vendor: "", architecture: "", software: true, packedDot: false },
    software: true,
    machine: { os: "linux", arch: "x86_64", cores: 4, load },
    versions: { deno: "2.9.6" },
    commit: null,
    picture: "p",
    results: [result("featherdet", run), ...(peer === undefined ? [] : [result("onnxruntime-web/wasm", peer)])],
  };
}

Deno.test("records compared: ratios with their ranges, less the drift of a peer, and what makes them doubtful", () => {
  const before = recordOf({ run: 100, middle: [90, 120], peer: 50 });
  const now = recordOf({ run: 150, middle: [130, 160], peer: 60, adapter: "two", load: 3 });
  const { times, remarks } = compareRecords(before, now);
  assertEquals(times.map(({ engine, what }) => `${engine} ${what}`), [
    "featherdet run",
    "featherdet warm start",
    "onnxruntime-web/wasm run",
  ]);
  const [run, warm, peer] = times;
  assertEquals([run.ratio, run.range, run.besidePeer], [1.5, [130 / 120, 160 / 90], 1.5 / 1.2]);
  assertEquals([warm.before, warm.now, warm.range], [200, 300, undefined]);
  // A record of before there were middle halves: from the fastest to nine of ten.
  assertEquals([peer.range, peer.besidePeer], [[30 / 75, 90 / 25], undefined]);
  assertEquals(remarks, [
    "the adapter is another one: two, before it was one",
    "other work was running now: a load of 3.0",
  ]);
  const table = comparisonTable({ ...compareRecords(before, now), times }).split("\n");
  assertEquals(table.filter((line) => line.endsWith("  slower")).length, 1);
  assertEquals(compareRecords(recordOf({ run: 1 }), now).times[0].besidePeer, undefined);
  const other = { ...now, results: now.results.map((result) => ({ ...result, size: 640 })) };
  assertThrows(() => compareRecords(before, other), FeatherdetError, "no engine, model and size in common");
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
