/** The model of an adapter's times: what dispatches have to do, counted by hand; costs that are known; plans without a device. */

import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import measured from "../../bench/results/adapter-llvmpipe-llvm-15-0-6-256-bits-training.json" with { type: "json" };
import checked from "../../bench/results/adapter-llvmpipe-llvm-15-0-6-256-bits-unseen.json" with { type: "json" };
import shipped from "../../data/adapters/llvmpipe-llvm-15-0-6-256-bits.json" with { type: "json" };
import { layerShapes } from "../../src/compress/prune/mod.ts";
import { planFrame } from "../../src/detect/plan_model.ts";
import { FeatherdetError } from "../../src/graph/mod.ts";
import { describeDispatch, WORK_NAMES } from "../../src/hardware/adapter/describe.ts";
import { costOf, fitCosts, fitFrame, frameTime, type TimedWork } from "../../src/hardware/adapter/fit.ts";
import { adapterLayerMeter, adapterTimeMeter } from "../../src/hardware/adapter/meters.ts";
import {
  type AdapterModel,
  adapterModelFault,
  fitAdapter,
  unseenNetworks,
  workTimer,
} from "../../src/hardware/adapter/model.ts";
import { rankCorrelation, summarizeUnseen } from "../../src/hardware/adapter/unseen.ts";
import { predictFrame } from "../../src/hardware/adapter/predict.ts";
import {
  type AdapterMeasurements,
  enginePlanning,
  measurementsFault,
  mergeMeasurements,
  planningOf,
} from "../../src/hardware/adapter/record.ts";
import { ModelBuilder } from "../../src/models/builder.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { shaderHash } from "../../src/kernels/shader_hash.ts";
import { buildPlan } from "../../src/plan/plan.ts";
import { Random } from "../../src/numbers/random.ts";

// JSON has no literal types.
const MODEL = shipped as unknown as AdapterModel;
const RECORD = measured as unknown as AdapterMeasurements, UNSEEN = checked as unknown as AdapterMeasurements;

/** Numbers of a dispatch by name. */
const named = (work: readonly number[]) => Object.fromEntries(WORK_NAMES.map((name, i) => [name, work[i]]));

const planning = (separate: boolean) => enginePlanning(MODEL.planning, { scalar: "f32", separate });

Deno.test("what a convolution has to do is counted by hand, with what its tiles waste", () => {
  const b = new ModelBuilder();
  const made = b.conv("conv", b.input("x", [1, 13, 13, 7]), { out: 10, kernel: 3, stride: 2, padding: 1, bias: false });
  const plan = buildPlan(b.graph("small", [made]), planning(true));
  const dispatch = plan.dispatches.find(({ name }) => name.startsWith("conv"))!;
  const { kind, shader, work } = describeDispatch(dispatch, plan);
  const { K, TILE_X, TILE_Y, OUT_BLOCKS, WORKGROUP } = dispatch.kernel.constants as Record<string, number>;
  const threads = Math.ceil(4 / TILE_X) * Math.ceil(7 / TILE_Y) * Math.ceil(3 / OUT_BLOCKS);
  const dispatched = WORKGROUP * Math.ceil(threads / WORKGROUP);
  const layers = Math.ceil(3 / OUT_BLOCKS), columns = OUT_BLOCKS * K * K * 4;
  assertEquals(named(work), {
    ...{ dispatches: 1, steps: 1, threads: dispatched, pairs: 0 },
    products: dispatched * TILE_X * TILE_Y * OUT_BLOCKS * 9 * 4,
    ...{ read: 4 * 13 * 13 * 7, written: 4 * 10 * 7 * 4, macs: 9 * 13 * 10 * 7 * 4 },
    // Blocks of inputs and a row of biases, cells of four f32.
    weights: 16 * layers * columns * (4 + 1),
  });
  assertEquals([shader, kind.slice(0, kind.indexOf(" "))], ["conv/direct.wgsl", "conv/direct.wgsl"]);
});

Deno.test("Winograd's convolution has half of the products of the direct one to make, and the same weights to read", () => {
  const b = new ModelBuilder();
  const made = b.conv("conv", b.input("x", [1, 16, 20, 20]), { out: 16, kernel: 3, padding: 1, bias: false });
  const described = (["software", "hardware"] as const).map((target) => {
    const plan = buildPlan(b.graph("small", [made]), { ...planning(true), target });
    return describeDispatch(plan.dispatches.find(({ name }) => name.startsWith("conv"))!, plan);
  });
  assertEquals(described.map(({ shader }) => shader), ["conv/winograd.wgsl", "conv/direct.wgsl"]);
  const [winograd, direct] = described.map(({ work }) => named(work));
  // Ten rows of four pixels; the tile of the direct one is of two output blocks or one.
  const threads = 5 * 2 * 4;
  assertEquals([winograd.threads, winograd.products], [threads, threads * 4 * 10 * 4 * 9 / 2]);
  assertEquals([winograd.weights, winograd.macs], [direct.weights, direct.macs]);
});

Deno.test("a joint dispatch has to do what its steps have to, in a kind of dispatches with single ones", () => {
  const graph = yolo11({ width: 0.125, size: 96, classes: 3 });
  const [joined, alone] = [false, true].map((separate) => {
    const { plan, dispatches } = planFrame(graph, planning(separate));
    const described = dispatches.map((dispatch) => describeDispatch(dispatch, plan));
    const sums = WORK_NAMES.map((_, i) => described.reduce((sum, { work }) => sum + work[i], 0));
    return {
      sums: named(sums),
      described,
      count: dispatches.length,
      kinds: new Set(described.map(({ kind }) => kind)),
    };
  });
  assert(joined.count < alone.count);
  for (const name of ["steps", "macs", "written"] as const) {
    assertEquals(joined.sums[name], alone.sums[name], name);
  }
  // What several steps read is bound once.
  assert(joined.sums.read < alone.sums.read);
  assert(joined.described.some(({ work, kind }) => named(work).steps > 1 && alone.kinds.has(kind)));
  // Two queries a thread, sixteen threads a workgroup, one head of nine pixels.
  assertEquals(alone.sums.pairs, 16 * 9);
});

/** Dispatches of kinds whose costs are known; `noise` is the greatest share that a time is off. */
function timedByCosts(costs: Readonly<Record<string, readonly number[]>>, count: number, noise = 0): TimedWork[] {
  const random = new Random(5);
  return Object.entries(costs).flatMap(([kind, own]) =>
    Array.from({ length: count }, (): TimedWork => {
      const threads = 64 * Math.ceil(200 * random.next()), blocks = Math.ceil(30 * random.next());
      const work = [1, 1, threads, threads * blocks, 0, 40 * threads, 16 * threads, 16 * blocks, 12 * threads * blocks];
      const off = 1 + noise * (2 * random.next() - 1);
      return { kind, shader: kind.split(" ")[0], work, milliseconds: off * costOf(own, work) };
    })
  );
}

const COSTS = {
  "a.wgsl K=1": [0.02, 0, 4e-4, 3e-5, 0, 0, 0, 0, 0],
  "a.wgsl K=3": [0.02, 0, 5e-4, 2e-5, 0, 0, 0, 0, 0],
  "b.wgsl K=1": [0.01, 0, 2e-4, 0, 0, 2e-6, 0, 0, 0],
};

Deno.test("the fit finds costs that are known, also through noise and from few dispatches of a kind", () => {
  const others = timedByCosts(COSTS, 40).filter((_, i) => i % 2 === 1);
  for (const [noise, count, tolerance] of [[0, 40, 1e-3], [0.03, 40, 0.02], [0.03, 4, 0.1]] as const) {
    const { kinds } = fitCosts(timedByCosts(COSTS, count, noise));
    for (const { kind, work, milliseconds } of others) {
      assertAlmostEquals(costOf(kinds[kind], work) / milliseconds, 1, tolerance, `${kind}, ${noise}, ${count}`);
    }
    assert(Object.values(kinds).every((costs) => costs.every((cost) => cost >= 0)));
  }
});

Deno.test("one dispatch of a kind that is twice as slow as its shader doubles all of it, not the dispatch alone", () => {
  const usual = timedByCosts({ "a.wgsl K=1": COSTS["a.wgsl K=1"] }, 30);
  const slow = { ...usual[3], kind: "a.wgsl K=2", milliseconds: 2 * usual[3].milliseconds };
  const { kinds } = fitCosts([...usual, slow]);
  for (const { work, milliseconds } of usual) {
    assertAlmostEquals(costOf(kinds["a.wgsl K=2"], work) / milliseconds, 2, 0.1);
  }
});

Deno.test("a time that was measured stands; else costs say it, of the kind, the shader, or any dispatch", () => {
  const timed = timedByCosts(COSTS, 20), [{ kind, shader, work }] = timed;
  const timer = workTimer({ costs: fitCosts(timed), measured: { [kind]: [[...work, 123]] } });
  assertEquals(timer({ kind, shader, work }), { milliseconds: 123, from: "measured" });
  const other = work.map((one) => 2 * one), expected = costOf(COSTS["a.wgsl K=1"], other);
  const byKind = timer({ kind, shader, work: other });
  assertEquals(byKind.from, "kind");
  assertAlmostEquals(byKind.milliseconds / expected, 1, 0.01);
  const [byShader, byAny] = [`${shader} K=5`, "new.wgsl K=1"].map((kind) => {
    return timer({ kind, shader: kind.split(" ")[0], work: other });
  });
  assertEquals([byShader.from, byAny.from], ["shader", "any"]);
  for (const { milliseconds } of [byShader, byAny]) {
    assert(milliseconds > expected / 20 && milliseconds < 20 * expected);
  }
  // Names of objects' members are no kinds.
  assertEquals(timer({ kind: "constructor", shader: "toString", work: other }).from, "any");
});

Deno.test("what frames take besides their dispatches is found", () => {
  const costs = [13, 1.02, 0.001] as const;
  const frames = [[30, 60], [70, 74], [65, 90], [300, 74]].map(([device, dispatches]) => {
    return { device, dispatches, frame: frameTime(costs, device, dispatches) };
  });
  fitFrame(frames).forEach((found, i) => assertAlmostEquals(found / costs[i], 1, 1e-3));
});

Deno.test("ranks are compared as Spearman did, with ties", () => {
  assertEquals(rankCorrelation([1, 2, 3, 4], [10, 20, 30, 400]), 1);
  assertEquals(rankCorrelation([1, 2, 3], [3, 2, 1]), -1);
  // Ranks 0, 1.5, 1.5, 3 and 0, 1, 2, 3: 4.5 / sqrt(4.5 * 5).
  assertAlmostEquals(rankCorrelation([1, 2, 2, 5], [1, 2, 3, 4]), 4.5 / Math.sqrt(22.5), 1e-12);
});

Deno.test("a prediction is the sum of its dispatches, and of a graph that is no detector the device's time alone", () => {
  const graph = yolo11({ width: 0.125, size: 96, classes: 3 });
  const { deviceTime, milliseconds, dispatches, error_band: [low, high] = [] } = predictFrame(graph, MODEL);
  assertAlmostEquals(dispatches.reduce((sum, one) => sum + one.milliseconds, 0), deviceTime, 1e-9);
  assertAlmostEquals(milliseconds!, frameTime(MODEL.frame, deviceTime, dispatches.length), 1e-9);
  assert(low! < milliseconds! && milliseconds! < high!);
  assertEquals(dispatches[0].operator, "Letterbox+Conv+Silu");
  assertEquals(
    dispatches.map(({ name }) => name),
    planFrame(graph, planning(false)).dispatches.map(({ name }) => name),
  );
  // The model that is kept may be older than the shaders: it says so, and times of what is computed alike stand.
  const shaders = Object.fromEntries(Object.keys(MODEL.shaders).map((shader) => [shader, shaderHash(shader)]));
  assertEquals(predictFrame(graph, { ...MODEL, shaders }).changed, []);
  const stale = { ...MODEL, shaders: { ...shaders, "conv/direct.wgsl": "another" } };
  assertEquals(predictFrame(graph, stale).changed, ["conv/direct.wgsl"]);
  const b = new ModelBuilder();
  const small = predictFrame(b.graph("small", [b.conv("conv", b.input("x", [1, 8, 13, 7]), { out: 8 })]), MODEL);
  assertEquals([small.milliseconds, small.error_band], [undefined, undefined]);
  assert(small.deviceTime > 0);
});

Deno.test("meters by a model give networks and their layers the times of the prediction", async () => {
  const graph = yolo11({ width: 0.125, size: 96, classes: 3 }), meter = adapterLayerMeter(MODEL);
  const dispatches = await meter.dispatches(graph);
  assertEquals(dispatches, predictFrame(graph, MODEL, { separate: true }).dispatches);
  const times = new Map(dispatches.map(({ name, milliseconds }) => [name, milliseconds]));
  const shapes = [...layerShapes(graph)].filter(([name]) => times.has(name));
  assert(shapes.length > 60);
  const found = await meter.milliseconds(shapes.map(([, shape]) => shape));
  // A product behind a Split reads its part of a wider map: as a layer of its own it is another dispatch.
  const equal = shapes.filter(([name], i) => Math.abs(found[i] / times.get(name)! - 1) < 1e-6);
  assert(equal.length > 0.8 * shapes.length, `${equal.length} of ${shapes.length}`);
  const [network] = await adapterTimeMeter(MODEL).times([{ graph, storage: "f16" }]);
  const { deviceTime, milliseconds } = predictFrame(graph, MODEL, { scalar: "f16" });
  assertEquals([network.device, network.milliseconds], [deviceTime, milliseconds]);
  const other = adapterLayerMeter({ ...MODEL, measured: {} });
  assert(meter.revision(shapes[0][1]) !== other.revision(shapes[0][1]) && meter.place !== other.place);
});

Deno.test("plans for an adapter are made of what the record keeps", () => {
  const given = {
    ...{ maxPages: 2048, maxStorageTextures: 8, maxBufferBytes: 1 << 30, packedDot: true, target: "software" as const },
    ...{ form: { scalar: "f32" as const, storage: "texture" as const }, tuning: undefined },
  };
  const kept = JSON.parse(JSON.stringify(planningOf(given)));
  const { tuning: _, ...expected } = given;
  assertEquals(enginePlanning(kept, { scalar: "f32", separate: true }), { ...expected, separate: true });
  const buffers = planningOf({ ...given, maxPages: Infinity, form: { scalar: "f16", storage: "buffer" } });
  assertEquals(enginePlanning(buffers, { scalar: "f16", separate: false }).maxPages, Infinity);
});

Deno.test("records are checked and merged, newer networks in the place of older ones", () => {
  assertEquals([measurementsFault(RECORD), measurementsFault(UNSEEN), adapterModelFault(MODEL)], [
    undefined,
    undefined,
    undefined,
  ]);
  const { networks: [first, second], kinds } = RECORD;
  const part = (networks: AdapterMeasurements["networks"]) => ({ ...RECORD, networks });
  assertEquals(measurementsFault({ ...RECORD, format: 2 }), "format: expected 1");
  assertEquals(
    measurementsFault(part([{ ...first, dispatches: [{ ...first.dispatches[0], work: [1, 2] }] }])),
    `networks.0.dispatches.0.work: expected ${WORK_NAMES.length} numbers`,
  );
  assertEquals(
    measurementsFault({ ...part([first]), kinds: [] }),
    `networks: "${first.name}" has a dispatch of a kind that the record does not list`,
  );
  const reversed = { ...part([second]), kinds: kinds.toReversed() };
  const turned = {
    ...second,
    frame: { median: 2, min: 1 },
    dispatches: second.dispatches.map((one) => ({ ...one, kind: kinds.length - 1 - one.kind })),
  };
  const merged = mergeMeasurements(part([first, second]), { ...reversed, networks: [turned] });
  assertEquals(merged.networks, [first, { ...second, frame: { median: 2, min: 1 } }]);
  assertThrows(
    () => mergeMeasurements(RECORD, { ...RECORD, adapter: "another" }),
    FeatherdetError,
    "were not measured alike",
  );
  assertThrows(() => fitAdapter(part([first, second])), FeatherdetError, "at least three");
  assertEquals(adapterModelFault({ ...MODEL, frame: [1, 2] }), "frame: expected 3 numbers");
  assertEquals(adapterModelFault({ ...MODEL, work: ["macs"] }), `work: expected ${WORK_NAMES.join(", ")}`);
});

Deno.test("the model that is kept follows from the record that is kept, and holds on networks that are not in it", () => {
  const { unseen: _, ...fitted } = fitAdapter({ ...RECORD, networks: RECORD.networks }),
    { unseen: __, ...kept } = MODEL;
  assertEquals(JSON.parse(JSON.stringify(fitted)), kept);
  assertEquals(UNSEEN.networks.filter(({ name }) => MODEL.networks.includes(name)), []);
  const found = unseenNetworks(MODEL, UNSEEN);
  assert(found.length >= 20);
  for (const what of ["device", "frame"] as const) {
    const { median, rank, worst, worstName } = summarizeUnseen(found, what);
    assert(median <= 0.08 && rank >= 0.97, `${what}: median ${median}, rank ${rank}, worst ${worst} (${worstName})`);
  }
});
