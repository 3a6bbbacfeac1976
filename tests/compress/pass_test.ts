/** Passes and pipelines: what is collected and when, what follows what, and what a history says of it. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { hashOfGraph } from "../../src/compress/graph_hash.ts";
import { historyOf } from "../../src/compress/history.ts";
import { noopPass } from "../../src/compress/noop.ts";
import { type Pass, passStep, runPasses } from "../../src/compress/pass.ts";
import { foldPass, recognisePass } from "../../src/compress/prepare.ts";
import {
  calibrate,
  equalisePass,
  listQuantizePasses,
  packWeights,
  packWeightsPass,
  quantize,
  quantizeFromCalibration,
  quantizeReport,
} from "../../src/compress/quantize/mod.ts";
import type { CalibrationSample, StatisticsSource, StatisticsWanted } from "../../src/compress/statistics.ts";
import { FeatherdetError, type Graph } from "../../src/graph/mod.ts";
import { ModelBuilder } from "../../src/models/builder.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { lively } from "../support/lively.ts";
import { randomTensor } from "../support/random.ts";
import { ReferenceRunner } from "../support/reference_runner.ts";

/** Two layers with BatchNormalization and one without, on an odd map. */
function model(): Graph {
  const b = new ModelBuilder({ seed: 2 });
  const first = b.convBlock("first", b.input("images", [1, 3, 13, 7]), { out: 6, kernel: 3, act: "relu" });
  const second = b.convBlock("second", first, { out: 5, kernel: 3 });
  return lively(b.graph("small", [b.conv("third", second, { out: 4 })]), 5);
}

const samples = [1, 2, 3].map((seed): CalibrationSample => ({
  name: `sample ${seed}`,
  inputs: { images: { shape: [1, 3, 13, 7], data: randomTensor([1, 3, 13, 7], seed, -1, 1) } },
}));

/** A source that counts how often it is read. */
function source(runner = new ReferenceRunner()): StatisticsSource & { runner: ReferenceRunner; reads: () => number } {
  let reads = 0;
  const counted = {
    *[Symbol.iterator]() {
      reads++;
      yield* samples;
    },
  };
  return { samples: counted, runner, reads: () => reads };
}

/** Looks at values without changing anything; notes what it was given. */
function looking(name: string, wanted: (graph: Graph) => StatisticsWanted, log: string[]): Pass<object, number> {
  return {
    name,
    effect: "looks",
    needs: wanted,
    apply(graph, statistics) {
      log.push(name);
      for (const value of wanted(graph).value ?? []) statistics.of("value", value);
      for (const key of wanted(graph).sample ?? []) assertEquals(statistics.of("sample", key), samples[Number(key)]);
      return { graph, report: statistics.samples };
    },
  };
}

/** Multiplies one weight by a factor. */
const scaling: Pass<{ readonly factor: number }, { readonly factor: number }> = {
  name: "scale",
  needs: (graph) => ({ value: [graph.inputs[0].name] }),
  apply(graph, statistics, { factor }) {
    assertEquals(statistics.of("value", "images").lows.length, 3);
    const weight = graph.constants.get("third.weight")!;
    const data = Float32Array.from(weight.data, (value) => value * factor);
    const constants = new Map([
      ...graph.constants,
      ["third.weight", { ...weight, dtype: "f32" as const, data }] as const,
    ]);
    return { graph: { ...graph, constants }, report: { factor } };
  },
};

Deno.test("passes run in order, and statistics are collected once for each state of the model", async () => {
  const log: string[] = [];
  const from = source();
  const [last] = model().outputs;
  const a = looking("a", () => ({ value: ["images", last] }), log);
  const b = looking("b", () => ({ value: [last, "first.conv"], sample: ["1"] }), log);
  const steps = [
    ...[passStep(a, {}), passStep(b, {}), passStep(a, {})] as const,
    ...[passStep(scaling, { factor: 2 }), passStep(b, {}), passStep(a, {})] as const,
  ] as const;
  const { graph, reports } = await runPasses(model(), steps, { source: from });
  assertEquals(log, ["a", "b", "a", "b", "a"]);
  assertEquals(reports, [3, 3, 3, { factor: 2 }, 3, 3]);
  // Three samples before the change and three behind it, each run on one graph that makes all that anybody looks at.
  assertEquals([from.reads(), from.runner.runs, from.runner.held.size], [2, 6, 0]);
  const [weight, before] = [graph, model()].map(({ constants }) => constants.get("third.weight")!.data);
  assertEquals([...weight], [...before].map((value) => value * 2));
});

Deno.test("what is known of a state is not collected again, what is not known is collected alone", async () => {
  const from = source();
  // A pass that may change the model is asked for its needs alone: it comes before others on the same graph where it changes nothing.
  const idle: Pass<object, null> = {
    ...{ name: "idle", needs: () => ({ value: ["images"] }) },
    apply: (graph) => ({ graph, report: null }),
  };
  const log: string[] = [];
  const more = looking("more", () => ({ value: ["images", "first.conv"] }), log);
  const steps = [passStep(idle, {}), passStep(idle, {}), passStep(more, {}), passStep(idle, {})] as const;
  const { graph, statistics } = await runPasses(model(), steps, { source: from });
  assertEquals([from.reads(), historyOf(graph)], [2, []]);
  assertEquals([...statistics.all("value").keys()].sort(), ["first.conv", "images"]);
});

Deno.test("statistics of values are those of the reference's values", async () => {
  const graph = model();
  const log: string[] = [];
  const pass = looking("look", () => ({ value: ["first.conv"] }), log);
  const { statistics } = await runPasses(graph, [passStep(pass, {})], { source: source() });
  const seen = statistics.of("value", "first.conv");
  const values = samples.map(({ inputs: { images: { shape, data } } }) => {
    const made = runReference({ ...graph, outputs: ["first.conv"] }, { images: referenceTensor(shape, data) });
    return Float32Array.from(made.get("first.conv")!.data);
  });
  assertEquals(seen.lows, values.map((data) => Math.min(...data)));
  const means = Array.from({ length: 6 }, (_, channel) => {
    const all = values.flatMap((data) => [...data.subarray(channel * 91, (channel + 1) * 91)]);
    return all.reduce((sum, one) => sum + one, 0) / all.length;
  });
  seen.means().forEach((mean, channel) => assert(Math.abs(mean - means[channel]) < 1e-6));
});

Deno.test("the history has what changed the model, with the parent that a user had", async () => {
  const before = model();
  const { graph } = await runPasses(
    before,
    [
      passStep(foldPass, {}),
      passStep(recognisePass, {}),
      passStep(scaling, { factor: 3 }),
      passStep(scaling, { factor: 0.5 }, {
        why: "to see",
      }),
    ],
    { source: source(), origin: { seed: 4, dataset: { name: "random", pictures: 3 } } },
  );
  const [first, second, ...more] = historyOf(graph);
  assertEquals([first.name, first.options, first.seed, first.dataset?.name], ["scale", { factor: 3 }, 4, "random"]);
  assertEquals([first.parent?.hash, second.options, more], [hashOfGraph(before), { factor: 0.5, why: "to see" }, []]);
  const halfway = await runPasses(before, [passStep(foldPass, {}), passStep(scaling, { factor: 3 })], {
    source: source(),
  });
  assertEquals(second.parent?.hash, hashOfGraph(halfway.graph));
});

Deno.test("a pipeline makes what the functions make, bit for bit", async () => {
  const runner = new ReferenceRunner();
  for (const equalise of [false, true]) {
    const options = { observer: "percentile", percentile: 99, float: "none", equalise } as const;
    const alone = await quantize(model(), samples, { ...options, runner });
    const calibrated = await calibrate(model(), samples, { runner, equalise });
    const later = quantizeFromCalibration(calibrated, options);
    const { graph, reports } = await runPasses(model(), listQuantizePasses(options), { source: source(runner) });
    for (const other of [alone, later]) {
      assertEquals(hashOfGraph(graph), hashOfGraph(other.graph));
      assertEquals(quantizeReport(reports), other.report);
      assertEquals(historyOf(other.graph), historyOf(graph));
    }
    assertEquals(historyOf(graph).map(({ name }) => name), equalise ? ["equalise", "quantize"] : ["quantize"]);
  }
  const packed = await runPasses(model(), [passStep(packWeightsPass, { bits: 2, float: "none" })]);
  const { graph, report } = packWeights(model(), { bits: 2, float: "none" });
  assertEquals([hashOfGraph(packed.graph), packed.reports[0]], [hashOfGraph(graph), report]);
  assertEquals(historyOf(packed.graph), historyOf(graph));
});

Deno.test("the pass that changes nothing returns the model itself and says what it saw", async () => {
  const graph = model();
  const plain = await runPasses(graph, [passStep(noopPass, {})]);
  assertEquals([plain.graph === graph, plain.reports[0].samples, plain.reports[0].outputs], [true, 0, []]);
  assertEquals(plain.reports[0].nodes, graph.nodes.length);
  const { reports: [seen] } = await runPasses(graph, [passStep(noopPass, { look: true })], { source: source() });
  const [{ name, range: [low, high] }] = seen.outputs;
  const values = samples.flatMap(({ inputs: { images: { shape, data } } }) => [
    ...runReference(graph, { images: referenceTensor(shape, data) }).get(name)!.data,
  ]);
  assertEquals([low, high], [Math.min(...values), Math.max(...values)].map(Math.fround));
});

Deno.test("pipelines refuse in one sentence what cannot be", async () => {
  const refused = (run: () => Promise<unknown>, sentence: string) => assertRejects(run, FeatherdetError, sentence);
  const look = passStep(noopPass, { look: true });
  await refused(
    () => runPasses(model(), [look]),
    "small: noop looks at what the model makes of samples, and there are none",
  );
  const runner = new ReferenceRunner();
  await refused(
    () => runPasses(model(), [look], { source: { samples: [], runner } }),
    "there are no calibration samples, a pass needs some",
  );
  const once = (function* () {
    yield* samples;
  })();
  await refused(
    () => runPasses(model(), [look, passStep(scaling, { factor: 2 }), look], { source: { samples: once, runner } }),
    "noop looks at a model that was changed, and the samples can be read only once",
  );
  const liar: Pass<object, null> = {
    ...{ name: "noop", effect: "looks", needs: () => ({}) },
    apply: (graph) => ({ graph: { ...graph }, report: null }),
  };
  await refused(() => runPasses(model(), [passStep(liar, {})]), "noop says that it only looks, and changed the model");
  const greedy: Pass<object, null> = {
    ...{ name: "greedy", needs: () => ({}) },
    apply: (graph, statistics) => ({ graph, report: statistics.of("value", "images") && null }),
  };
  await refused(() => runPasses(model(), [passStep(greedy, {})]), 'no statistics of value "images" were collected');
  const packed = packWeights(model(), { bits: 1, float: "none" }).graph;
  await refused(
    () => runPasses(packed, [passStep(equalisePass, { equalise: true })]),
    "the model is quantized already",
  );
});
