/** The table of times by widths: what is measured, what is interpolated, and budgets that are met by it. */

import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { LayerShape } from "../../../src/compress/meter.ts";
import {
  GRID,
  latencyModel,
  LatencyTable,
  layerShapes,
  prune,
  pruneBy,
  type PruneByOptions,
  settle,
  WidthModel,
} from "../../../src/compress/prune/mod.ts";
import { analyze, FeatherdetError } from "../../../src/graph/mod.ts";
import { ModelBuilder } from "../../../src/models/builder.ts";
import { NAMED_MODELS } from "../../../src/models/named.ts";
import { yolo11 } from "../../../src/models/yolo11.ts";
import { pruneOn } from "../../../src/recipes/prune/one_shot.ts";
import { lively } from "../../support/lively.ts";
import { byWork, fakeLayerMeter } from "../../support/fake_layer_meter.ts";

const LAYER: LayerShape = {
  ...{ kernel: [3, 3], strides: [1, 1], dilations: [1, 1], pads: [1, 1, 1, 1], groups: 1, map: [1, 13, 127] },
  ...{ behind: [], inputs: 100, outputs: 52 },
};

/** Linear in each of the widths, so that interpolating along both is exact. */
const bilinear = ({ inputs, outputs }: LayerShape) => 0.3 + 0.01 * inputs + 0.02 * outputs + 0.004 * inputs * outputs;

Deno.test("times between measured widths are interpolated along both, and exact where they were measured", async () => {
  const meter = fakeLayerMeter(bilinear), table = new LatencyTable(meter);
  for (const [inputs, outputs] of [[100, 52], [64, 32], [70, 41], [97, 51], [4, 4], [5, 50]]) {
    const wanted = bilinear({ ...LAYER, inputs, outputs });
    assertAlmostEquals(await settle(table, () => table.time(LAYER, inputs, outputs)), wanted, 1e-12);
  }
  // Below the least width the time is that of the least: a cell is computed whole.
  assertEquals(await settle(table, () => table.time(LAYER, 1, 4)), bilinear({ ...LAYER, inputs: 4, outputs: 4 }));
  const widths = meter.asked.flat();
  assert(widths.every(({ inputs, outputs }) => [...GRID, 100].includes(inputs) && [...GRID, 52].includes(outputs)));
  assertEquals(new Set(widths.map(({ inputs, outputs }) => `${inputs},${outputs}`)).size, widths.length);
});

Deno.test("a layer of fixed width is measured at it, a depthwise one along its one width", async () => {
  const meter = fakeLayerMeter(({ inputs, outputs }) => inputs * 100 + outputs), table = new LatencyTable(meter);
  const first: LayerShape = { ...LAYER, inputs: 3 }, depthwise: LayerShape = { ...LAYER, groups: "each", inputs: 52 };
  assertEquals(await settle(table, () => table.time(first, 3, 20)), 320);
  assertEquals(await settle(table, () => table.time(depthwise, 20, 20)), 2020);
  assertEquals(meter.asked.flat().map(({ inputs, outputs }) => [inputs, outputs]), [[3, 16], [3, 24], [16, 16], [
    24,
    24,
  ]]);
});

Deno.test("the weight of a grouped layer counts the inputs of one group, the table all of them", async () => {
  const b = new ModelBuilder({ seed: 1 });
  const x = b.convBlock("one", b.input("images", [1, 3, 32, 32]), { out: 24, kernel: 3 });
  const whole = b.graph("grouped", [b.conv("two", x, { out: 8, kernel: 3, groups: 4 })]);
  const table = new LatencyTable(fakeLayerMeter(byWork)), shapes = layerShapes(whole);
  assertEquals([shapes.get("two")!.inputs, shapes.get("two")!.groups], [24, 4]);
  const model = new WidthModel(whole), cost = latencyModel(table, { shapes, rest: 0 })(model);
  const wanted = [...shapes.values()].reduce((sum, shape) => sum + byWork(shape), 0);
  assertAlmostEquals(await settle(table, () => cost.cost(model.whole)), wanted, 1e-12);
});

Deno.test("noise makes no layer slower than with more channels", async () => {
  const noisy = ({ outputs }: LayerShape) => ({ 32: 5, 48: 4, 52: 7 })[outputs] ?? 1;
  const table = new LatencyTable(fakeLayerMeter(noisy));
  const times = await settle(table, () => [24, 32, 40, 48, 50, 52].map((outputs) => table.time(LAYER, 100, outputs)));
  assertEquals(times, [1, 4, 4, 4, 5.5, 7]);
});

Deno.test("layers of equal form share what was measured, others do not", async () => {
  const meter = fakeLayerMeter(bilinear), table = new LatencyTable(meter);
  await settle(table, () => table.time(LAYER, 64, 32));
  await settle(table, () => table.time({ ...LAYER, inputs: 80 }, 64, 32));
  assertEquals(meter.asked.length, 1);
  await settle(table, () => table.time({ ...LAYER, map: [1, 13, 126] }, 64, 32));
  assertEquals(meter.asked.length, 2);
});

Deno.test("shapes say what is fused behind a convolution, and which are depthwise", () => {
  const shapes = layerShapes(yolo11({ width: 0.125, size: 64, classes: 3 }));
  const behind = (name: string) => shapes.get(name)!.behind.map(({ op }) => op);
  assertEquals(shapes.get("model.0.conv")!.map, [1, 64, 64]);
  assertEquals([behind("model.0.conv"), behind("model.2.m.0.cv2.conv"), behind("model.23.cv3.0.2")], [
    ["Silu"],
    ["Silu", "Add"],
    [],
  ]);
  assertEquals(shapes.get("model.10.m.0.attn.pe.conv")!.groups, "each");
});

for (const name of ["yolo11n", "yolo11lite-shufflenetv2-0.5x", "yolo11lite-efficientnet-lite0"]) {
  Deno.test(`a budget of latency on ${name} is met by the times of the graph that is left`, async () => {
    const whole = lively(NAMED_MODELS[name]({ size: 64, batch: 1 }), 2), rest = 0.5;
    const table = new LatencyTable(fakeLayerMeter(byWork));
    const latency = latencyModel(table, { shapes: layerShapes(whole), rest });
    const { graph, report } = await settle(
      table,
      () => prune(whole, { budget: { latency: 0.7 }, criterion: "l2", latency }),
    );
    const timeOf = (of: typeof whole) =>
      [...layerShapes(of).values()].reduce((sum, shape) => sum + byWork(shape), rest);
    const model = new WidthModel(whole), before = await settle(table, () => latency(model).cost(model.whole));
    assertAlmostEquals(before, timeOf(whole), 1e-9);
    // The formula is bilinear, so that predictions are exact but for noise of rounding.
    assert(timeOf(graph) <= 0.7 * before + 1e-9 && timeOf(graph) > 0.6 * before, `${timeOf(graph) / before}`);
    assert(analyze(graph).flops < analyze(whole).flops);
    const own = [layerShapes(whole), layerShapes(graph)];
    for (const { name, ...states } of report.layers) {
      [states.before, states.after].forEach(({ milliseconds }, i) => {
        const shape = own[i].get(name);
        if (shape) assertAlmostEquals(milliseconds!, byWork(shape), 1e-9, name);
        else assertEquals(milliseconds, undefined, name);
      });
    }
  });
}

Deno.test("times that are only guessed are measured where that can be waited for, and refused where not", async () => {
  const whole = lively(yolo11({ width: 0.125, size: 64, classes: 3 }), 3), rest = 0.5;
  const unfilled = () => latencyModel(new LatencyTable(fakeLayerMeter(byWork)), { shapes: layerShapes(whole), rest });
  const how = { budget: { latency: 0.7 }, criterion: "l2" } as const;
  assertThrows(() => prune(whole, { ...how, latency: unfilled() }), FeatherdetError, "times of layers are guesses");
  const timeOf = (of: typeof whole) => [...layerShapes(of).values()].reduce((sum, shape) => sum + byWork(shape), rest);
  for (
    const make of [pruneBy, (source: typeof whole, options: PruneByOptions) => pruneOn(source, undefined, options)]
  ) {
    const { graph, report } = await make(whole, { ...how, latency: unfilled() });
    assertAlmostEquals(report.before.latency!, timeOf(whole), 1e-9);
    assertAlmostEquals(report.after.latency!, timeOf(graph), 1e-9);
    assert(report.after.latency! <= 0.7 * report.before.latency!);
  }
});

Deno.test("a search that fails by guesses is tried again with times, one that fails by times is not", async () => {
  const whole = lively(yolo11({ width: 0.125, size: 64, classes: 3 }), 3);
  const meter = fakeLayerMeter(byWork), table = new LatencyTable(meter);
  // The rest alone is above the budget.
  const latency = latencyModel(table, { shapes: layerShapes(whole), rest: 1e4 });
  await assertRejects(
    () => settle(table, () => prune(whole, { budget: { latency: 0.5 }, criterion: "l2", latency })),
    FeatherdetError,
    "the budget of 0.5 of latency cannot be met",
  );
  assert(meter.asked.length > 0 && table.missing === 0);
});
