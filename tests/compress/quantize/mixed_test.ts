/** Mixed precision: which sets of layers are tried, what decides between them, and who pays for conversions. */

import { assert, assertAlmostEquals, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  assignmentsOf,
  type LayerChoice,
  predictedFront,
  spread,
} from "../../../src/compress/quantize/mixed/assign.ts";
import { choosingLayers, shareOut } from "../../../src/compress/quantize/mixed/layers.ts";
import {
  type CalibrationSample,
  type LayerSensitivity,
  type MixedBudget,
  type MixedMeter,
  type MixedOptions,
  type MixedVariant,
  quantize,
  searchMixedPrecision,
} from "../../../src/compress/quantize/mod.ts";
import { measureFrameTimes } from "../../../src/eval/frame_times.ts";
import type { Detector } from "../../../src/detect/detector.ts";
import { FeatherdetError, type Graph } from "../../../src/graph/mod.ts";
import { foldBatchNormalization, recogniseActivations } from "../../../src/passes/mod.ts";
import { ModelBuilder } from "../../../src/models/builder.ts";
import { yolo11 } from "../../../src/models/yolo11.ts";
import { saveOnnx } from "../../../src/onnx/mod.ts";
import { lively } from "../../support/lively.ts";
import { randomTensor } from "../../support/random.ts";
import { ReferenceRunner } from "../../support/reference_runner.ts";

const SIDE = 8;

/** Five convolutions in a row. */
function network(): Graph {
  const b = new ModelBuilder({ seed: 3 });
  let value = b.input("images", [1, 3, SIDE, SIDE]);
  for (const name of ["a", "b", "c", "d"]) value = b.convBlock(name, value, { out: 4, kernel: 3 });
  return lively(b.graph("network", [b.conv("e", value, { out: 4 })]), 4);
}

const NETWORK = network();

const SAMPLES = Array.from({ length: 2 }, (_, i): CalibrationSample => {
  const shape = [1, 3, SIDE, SIDE];
  return { name: `picture ${i}`, inputs: { images: { shape, data: randomTensor(shape, i + 1, 0, 1) } } };
});

/** Milliseconds of each layer by its form, and the mAP that int8 costs in it: made up. */
const LAYERS: Readonly<Record<string, { f32: number; f16: number; int8: number; loss: number }>> = {
  "a.conv": { f32: 9, f16: 10, int8: 5, loss: 0.03 },
  "b.conv": { f32: 6, f16: 5, int8: 3, loss: 0.001 },
  "c.conv": { f32: 8, f16: 8, int8: 2, loss: 0.004 },
  "d.conv": { f32: 4, f16: 4, int8: 5, loss: 0 },
  e: { f32: 3, f16: 3, int8: 2, loss: 0.01 },
};
/** mAP of f32, and what f16 costs. */
const BEST = 0.4, HALF = 0.002;

/** Layers of a graph that read integer weights. */
function int8Of(graph: Graph): string[] {
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((value) => [value, node] as const)));
  return graph.nodes.filter(({ op, inputs }) => op === "Conv" && makers.get(inputs[1])?.op === "DequantizeLinear")
    .map(({ name }) => name);
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** Times and mAP that add up. */
function truth(int8: readonly string[], storage: "f32" | "f16") {
  const dispatches = Object.entries(LAYERS).map(([name, layer]) => {
    return { name, milliseconds: int8.includes(name) ? layer.int8 : layer[storage] };
  });
  const device = 1 + sum(dispatches.map(({ milliseconds }) => milliseconds));
  const map = BEST - (storage === "f16" ? HALF : 0) - sum(int8.map((name) => LAYERS[name].loss));
  return { dispatches: [...dispatches, { name: "suppress", milliseconds: 1 }], device, milliseconds: device + 10, map };
}

class Meter implements MixedMeter {
  maps: MixedVariant[] = [];
  times(variants: readonly MixedVariant[]) {
    return Promise.resolve(variants.map(({ graph, storage }) => truth(int8Of(graph), storage)));
  }
  map(variant: MixedVariant) {
    this.maps.push(variant);
    return Promise.resolve(truth(int8Of(variant.graph), variant.storage).map);
  }
}

const RATED = Object.entries(LAYERS).map(([name, { loss }]): LayerSensitivity => {
  return { name, operator: "Conv", covered: null, sqnr: null, loss };
});

function search(budget: MixedBudget, options: Partial<MixedOptions> = {}) {
  const runners = { f32: new ReferenceRunner(), f16: new ReferenceRunner() };
  const meter = new Meter();
  const given = { budget, runners, meter, sensitivity: RATED, points: 12, ...options };
  return { runners, meter, found: searchMixedPrecision(NETWORK, SAMPLES, given) };
}

/** Every set of layers with both forms of storage, as the meter measures them. */
const ALL = ["f32", "f16"].flatMap((storage) =>
  Array.from({ length: 2 ** 5 }, (_, bits) => {
    const int8 = Object.keys(LAYERS).filter((_, i) => bits >> i & 1);
    return { int8, storage, ...truth(int8, storage as "f32" | "f16") };
  })
);

Deno.test("sets of layers gain most for their loss, of all sets there are", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const [gains, losses] = [randomTensor([9], seed, -1, 5), randomTensor([9], seed + 100, 0, 1)];
    const choices = Array.from(gains, (gain, i): LayerChoice => ({ name: `${i}`, gain, loss: losses[i] }));
    const sets = assignmentsOf({ storage: "f32", milliseconds: 100, loss: 0.5 }, choices);
    assertEquals(sets.length, 1 + gains.filter((gain) => gain > 0).length);
    for (const { int8, milliseconds, loss } of sets) {
      const pick = (names: readonly string[]) => choices.filter(({ name }) => names.includes(name));
      assertAlmostEquals(milliseconds, 100 - sum(pick(int8).map(({ gain }) => gain)), 1e-9);
      assertAlmostEquals(loss, 0.5 + sum(pick(int8).map(({ loss }) => loss)), 1e-9);
      for (let bits = 0; bits < 2 ** 9; bits++) {
        const other = choices.filter((_, i) => bits >> i & 1);
        const isAffordable = 0.5 + sum(other.map(({ loss }) => loss)) <= loss + 1e-12;
        assert(!isAffordable || 100 - sum(other.map(({ gain }) => gain)) >= milliseconds - 1e-9);
      }
    }
  }
});

Deno.test("the predicted front keeps what nothing beats; some of it are spread over its times", () => {
  const at = (milliseconds: number, loss: number) => ({ storage: "f32" as const, int8: [], milliseconds, loss });
  const front = predictedFront([at(10, 0), at(9, 2), at(8, 1), at(8, 3), at(2, 4), at(3, 4)]);
  assertEquals(front.map(({ milliseconds, loss }) => [milliseconds, loss]), [[10, 0], [8, 1], [2, 4]]);
  const many = Array.from({ length: 101 }, (_, i) => at(100 - i, i));
  assertEquals(spread(many, 5).map(({ milliseconds }) => milliseconds), [100, 75, 50, 25, 0]);
  assertEquals(spread([at(3, 0)], 5).length, 1);
});

for (const map of [0, 0.0015, 0.006, 0.02, 0.5]) {
  Deno.test(`a budget of ${map} mAP: nothing that keeps it is faster, of all sets that lose no more`, async () => {
    const { found } = search({ map });
    const { report: { chosen, points }, storage, graph, quantized } = await found;
    assert(chosen.map >= BEST - map - 1e-9);
    const rivals = ALL.filter((one) => one.map >= chosen.map - 1e-9);
    assertAlmostEquals(chosen.device, Math.min(...rivals.map(({ device }) => device)), 1e-9);
    assertEquals([chosen.storage, chosen.int8Layers], [storage, int8Of(graph).length]);
    assertEquals(quantized?.int8Layers ?? 0, chosen.int8Layers);
    for (const { title, predicted, device } of points) {
      if (predicted !== null) assertAlmostEquals(predicted, device, 1e-9, title);
    }
    const beaten = points.filter(({ isOnFrontier }) => !isOnFrontier);
    for (const one of points) {
      const isBeaten = points.some((other) => other.device < one.device && other.map >= one.map);
      assertEquals(beaten.includes(one), isBeaten, one.title);
    }
    const times = points.map(({ device }) => device);
    assertEquals(times, times.toSorted((a, b) => b - a));
  });
}

Deno.test("a budget of time: the best mAP within it; one that nothing keeps is refused with the fastest", async () => {
  for (const milliseconds of [41, 36, 30, 28]) {
    const { chosen } = (await search({ milliseconds }).found).report;
    assert(chosen.milliseconds <= milliseconds);
    const rivals = ALL.filter((one) => one.milliseconds <= chosen.milliseconds);
    assertAlmostEquals(chosen.map, Math.max(...rivals.map(({ map }) => map)), 1e-9);
  }
  const error = await assertRejects(() => search({ milliseconds: 20 }).found, FeatherdetError);
  assertStringIncludes(error.message, "no assignment takes at most 20 ms here: the fastest, 4 layers int8");
});

Deno.test("the preset is measured with its float part in f32 and in f16, and either may be chosen", async () => {
  const preset = ["b.conv", "c.conv", "d.conv"];
  for (const storage of ["f32", "f16"] as const) {
    const meter = new Meter();
    meter.times = (variants) =>
      Promise.resolve(variants.map((variant) => {
        const int8 = int8Of(variant.graph), times = truth(int8, variant.storage);
        const isFavoured = String(int8) === String(preset) && variant.storage === storage;
        return isFavoured ? { ...times, device: 2, milliseconds: 12 } : times;
      }));
    const { report, graph, storage: chosen } = await search({ map: 0.05 }, { meter }).found;
    assertEquals(report.chosen.title, storage === "f32" ? "preset yolo11" : "preset yolo11, rest f16");
    assertEquals([chosen, report.chosen.storage, int8Of(graph)], [storage, storage, preset]);
    assertEquals(report.layers.map(({ precision }) => precision), [storage, "int8", "int8", "int8", storage]);
    assertAlmostEquals(report.chosen.map, truth(preset, storage).map, 1e-9);
  }
});

Deno.test("what was measured of layers is told, and a layer that alone costs more than the budget stays in float", async () => {
  const rated = RATED.map((layer) => layer.name === "a.conv" ? { ...layer, loss: 0, mapLoss: 0.1 } : layer);
  const { report, graph } = await search({ map: 0.04 }, { sensitivity: rated }).found;
  assertEquals(int8Of(graph).sort(), ["b.conv", "c.conv", "e"]);
  const layers = Object.fromEntries(report.layers.map((layer) => [layer.name, layer]));
  assertEquals(layers["a.conv"].precision, report.chosen.storage);
  assertEquals([layers["a.conv"].mapLoss, layers["b.conv"].mapLoss], [0.1, null]);
  assertEquals(layers["b.conv"].milliseconds, { f32: 6, f16: 5, int8: 3 });
  assertEquals(report.warnings.length, 1);
  assertStringIncludes(report.warnings[0], "calibrated on 2 samples only");
});

Deno.test("sensitivity is measured where it was not given, with mAP for the layers of greatest loss; all graphs are released", async () => {
  const { found, meter, runners } = search({ map: 0.02 }, { sensitivity: undefined, scored: 2, samples: 1, points: 2 });
  const { report } = await found;
  const scored = report.layers.filter(({ mapLoss }) => mapLoss !== null);
  assertEquals(scored.length, 2);
  for (const { name, mapLoss, loss } of scored) {
    assertAlmostEquals(mapLoss!, LAYERS[name].loss, 1e-9);
    assert(report.layers.every((other) => other.mapLoss !== null || other.loss <= loss));
  }
  // f32 once, although it is asked for as baseline and as candidate.
  assertEquals(meter.maps.filter(({ graph, storage }) => storage === "f32" && int8Of(graph).length === 0).length, 1);
  assertEquals([runners.f32.held.size, runners.f16.held.size], [0, 0]);
});

Deno.test("samples of a generator are read once; the same is found twice", async () => {
  const runners = { f32: new ReferenceRunner(), f16: new ReferenceRunner() };
  function* stream() {
    yield* SAMPLES;
  }
  const options = { budget: { map: 0.02 }, runners, meter: new Meter(), sensitivity: RATED, points: 12 };
  const [a, b] = [await searchMixedPrecision(NETWORK, stream(), options), await search({ map: 0.02 }).found];
  assertEquals(saveOnnx(a.graph), saveOnnx(b.graph));
  assertEquals(a.report, b.report);
});

Deno.test("budgets that are none, and a front of one point, are refused", async () => {
  for (const budget of [{ map: -1 }, { map: NaN }, { map: 2 }, { milliseconds: 0 }, { milliseconds: NaN }]) {
    const error = await assertRejects(() => search(budget).found, FeatherdetError);
    assertStringIncludes(error.message, "is none: mAP lies in 0..1, times are above 0");
  }
  await assertRejects(() => search({ map: 0.1 }, { samples: 0 }).found, FeatherdetError, "0 samples were asked for");
  await assertRejects(() => search({ map: 0.1 }, { scored: -1 }).found, FeatherdetError, "-1 scored layers were asked");
  await assertRejects(() => search({ map: 0.1 }, { points: 1 }).found, FeatherdetError, "at least 2 are needed");
});

Deno.test("where layers cannot be timed, that is said before mAP and sensitivity are measured", async () => {
  const meter = new Meter();
  meter.times = () => Promise.reject(new FeatherdetError("no timestamps"));
  const { found, runners } = search({ map: 0.1 }, { meter, sensitivity: undefined });
  await assertRejects(() => found, FeatherdetError, "no timestamps");
  // Calibration alone has run anything.
  assertEquals([meter.maps.length, runners.f32.runs, runners.f16.runs], [0, SAMPLES.length, 0]);
});

Deno.test("layers of YOLO11 that can choose: all with a dispatch of their own in float", () => {
  const graph = recogniseActivations(foldBatchNormalization(yolo11({ scale: "n", size: 64, width: 0.125 })));
  const fixed = choosingLayers(graph).filter(({ float }) => float !== undefined);
  assertEquals(fixed.map(({ node }) => node.name), [
    "model.10.m.0.attn.scores",
    "model.10.m.0.attn.mixed",
    "model.23/dfl/Conv",
  ]);
});

Deno.test("a conversion is paid for by the layers that read it, what belongs to none by nobody", async () => {
  const { graph } = await quantize(NETWORK, SAMPLES, { runner: new ReferenceRunner(), float: "none" });
  const conversions = graph.nodes.filter(({ op }) => op === "QuantizeLinear").map(({ name }) => name);
  assertEquals(conversions[0], "images/QuantizeLinear");
  const layers = choosingLayers(recogniseActivations(foldBatchNormalization(NETWORK)));
  const dispatches = [["letterbox", 1], ["images/QuantizeLinear", 2], ["a.conv", 4], ["b.conv", 8], [
    "b.conv",
    16,
  ]] as const;
  const shared = shareOut(dispatches.map(([name, milliseconds]) => ({ name, milliseconds })), layers);
  assertEquals([...shared.layers], [["a.conv", 6], ["b.conv", 24], ["c.conv", 0], ["d.conv", 0], ["e", 0]]);
  assertEquals(shared.others, 1);
  // A value that two layers read is stored for both.
  const b = new ModelBuilder({ seed: 1 });
  const x = b.input("images", [1, 3, SIDE, SIDE]);
  const two = choosingLayers(b.graph("two", [b.conv("left", x, { out: 4 }), b.conv("right", x, { out: 4 })]));
  const halves = shareOut([{ name: "images/QuantizeLinear", milliseconds: 6 }, { name: "left", milliseconds: 1 }], two);
  assertEquals([[...halves.layers], halves.others], [[["left", 4], ["right", 3]], 0]);
});

Deno.test("frames of detectors are timed in turn, dispatch by dispatch", async () => {
  const order: string[] = [];
  const fake = (name: string, times: number[]) => {
    let at = 0;
    return {
      device: { timestamps: true },
      detect: () => Promise.resolve(order.push(name)),
      profile: () => {
        const milliseconds = times[Math.min(at++, times.length - 1)];
        const step = { name: "conv", operator: "Conv", kernel: "k", macs: 5 };
        return Promise.resolve([{ ...step, milliseconds }, { ...step, milliseconds: 2 * milliseconds }]);
      },
    } as unknown as Detector;
  };
  const image = { width: 1, height: 1, data: new Uint8Array(3) };
  const [one, two] = await measureFrameTimes([fake("one", [99, 1, 5, 3]), fake("two", [1])], image, 3);
  assertEquals(order.join(" "), "one two one two one two one two");
  assertEquals(one.dispatches.map(({ median, macs }) => [median, macs]), [[3, 5], [6, 5]]);
  assertAlmostEquals(one.dispatches[0].p90, 4.6, 1e-9);
  assertEquals([one.device.median, one.device.max, two.device.median], [9, 15, 3]);
  const silent = { device: { timestamps: false, adapter: { name: "none" } } } as unknown as Detector;
  await assertRejects(() => measureFrameTimes([silent], image), FeatherdetError, '"none" has no timestamp queries');
});
