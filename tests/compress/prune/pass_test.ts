/** Pruning as a step of a pipeline: what it asks for, what it is handed, what is left beside what the functions leave. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { hashOfGraph } from "../../../src/compress/graph_hash.ts";
import { historyOf } from "../../../src/compress/history.ts";
import { passStep, runPasses } from "../../../src/compress/pass.ts";
import { prune, prunePass, type PrunePassOptions } from "../../../src/compress/prune/mod.ts";
import { listQuantizePasses, quantize } from "../../../src/compress/quantize/mod.ts";
import type { Runner, RunnerTensor } from "../../../src/compress/runner.ts";
import type { CalibrationSample } from "../../../src/compress/statistics.ts";
import { FeatherdetError, type Graph } from "../../../src/graph/mod.ts";
import { ModelBuilder } from "../../../src/models/builder.ts";
import { referenceTensor, runReference } from "../../../src/reference/run.ts";
import { lively } from "../../support/lively.ts";
import { randomTensor } from "../../support/random.ts";
import { ReferenceRunner } from "../../support/reference_runner.ts";

/** Three layers, two with BatchNormalization, on an odd map. */
function network(): Graph {
  const b = new ModelBuilder({ seed: 2 });
  const first = b.convBlock("first", b.input("images", [1, 3, 13, 7]), { out: 12, kernel: 3, act: "relu" });
  const second = b.convBlock("second", first, { out: 8, kernel: 3 });
  return lively(b.graph("small", [b.conv("third", second, { out: 4 })]), 5);
}

const MODEL = network(), SHAPE = [1, 3, 13, 7];

const samples = [1, 2, 3].map((seed): CalibrationSample => ({
  name: `sample ${seed}`,
  inputs: { images: { shape: SHAPE, data: randomTensor(SHAPE, seed, -1, 1) } },
  labels: { truth: { shape: [1, 2], data: Float32Array.of(seed, 10 * seed) } },
}));

/** A runner whose gradients are made up of what it was handed, and kept. */
class MadeUpGradients extends ReferenceRunner {
  readonly asked: { batch: number; truth: RunnerTensor }[] = [];
  readonly made = new Map<string, Float32Array[]>();

  gradients: NonNullable<Runner["gradients"]> = (graph, { labels }, constants) => {
    this.held.add(graph);
    this.asked.push({ batch: graph.inputs[0].shape[0], truth: labels.truth });
    return Promise.resolve(
      new Map(constants.map((name, i) => {
        const { shape } = graph.constants.get(name)!;
        const gradient = randomTensor(shape, 100 * this.asked.length + i, -1, 1);
        this.made.set(name, [...this.made.get(name) ?? [], gradient]);
        return [name, gradient] as const;
      })),
    );
  };
}

const step = (options: Partial<PrunePassOptions> = {}) =>
  passStep(prunePass, { budget: { gflops: 0.6 }, multiple: 1, ...options });

Deno.test("activations are the means of the reference's absolute values, however many samples are run together", async () => {
  for (const together of [1, 2, 5]) {
    const runner = new ReferenceRunner();
    const { statistics } = await runPasses(MODEL, [step({ criterion: "activation" })], {
      source: { samples, runner, together },
    });
    const known = statistics.all("activation");
    assert(known.has("first.conv") && known.has(MODEL.nodes.find(({ op }) => op === "Relu")!.outputs[0]));
    for (const [value, found] of known) {
      const all = samples.map(({ inputs: { images: { shape, data } } }) =>
        runReference({ ...MODEL, outputs: [value] }, { images: referenceTensor(shape, data) }).get(value)!.data
      );
      Array.from(found).forEach((mean, channel) => {
        const own = all.flatMap((data) => [...data.subarray(channel * 91, (channel + 1) * 91)]).map(Math.abs);
        const expected = own.reduce((sum, x) => sum + x, 0) / own.length;
        assert(Math.abs(mean - expected) < 1e-6, `${value} ${channel}: ${mean}, expected ${expected}`);
      });
    }
    assertEquals([runner.runs, runner.held.size], [Math.ceil(3 / together), 0]);
  }
});

Deno.test("gradients are those of runs of several samples, and taylor prunes by them as the function does", async () => {
  const runner = new MadeUpGradients();
  const { graph, statistics, reports: [{ report, groups }] } = await runPasses(MODEL, [step()], {
    source: { samples, runner, together: 2 },
  });
  const truth = runner.asked.map(({ batch, truth: { shape, data } }) => [batch, shape, [...data]]);
  assertEquals(truth, [[2, [2, 2], [1, 10, 2, 20]], [1, [1, 2], [3, 30]]]);
  // Scales and biases of what is normalised; the outputs of the third layer stay.
  const names = ["first", "second"].flatMap((name) => [`${name}.bn.weight`, `${name}.bn.bias`]);
  assertEquals([...statistics.all("gradient").keys()].sort(), names.sort());
  const alone = prune(MODEL, { budget: { gflops: 0.6 }, multiple: 1, statistics: { gradient: runner.made } });
  assertEquals([hashOfGraph(graph), report], [hashOfGraph(alone.graph), alone.report]);
  assertEquals(groups.length, alone.groups.length);
  assertEquals([runner.runs, runner.held.size], [0, 0]);
});

Deno.test("one pipeline prunes and quantizes, bit for bit what the functions make one after the other", async () => {
  const runner = new ReferenceRunner(), options = { float: "none" } as const;
  const how = { budget: { parameters: 0.7 }, criterion: "activation", multiple: 2 } as const;
  let reads = 0;
  const counted = {
    *[Symbol.iterator]() {
      reads++;
      yield* samples;
    },
  };
  const { graph, statistics, reports: [{ report }, , , , quantized] } = await runPasses(
    MODEL,
    [passStep(prunePass, how), ...listQuantizePasses(options)],
    { source: { samples: counted, runner, together: 3 }, origin: { dataset: { name: "noise", pictures: 3 } } },
  );
  const seen = await runPasses(MODEL, [passStep(prunePass, how)], { source: { samples, runner, together: 3 } });
  const pruned = prune(MODEL, { ...how, statistics: { activation: seen.statistics.all("activation") } });
  const both = await quantize(pruned.graph, samples, { ...options, runner });
  assertEquals(hashOfGraph(graph), hashOfGraph(both.graph));
  assertEquals([report, quantized.int8Layers], [pruned.report, both.report.int8Layers]);
  // Once for the whole model and once for the pruned one.
  assertEquals([reads, statistics.all("activation").size, runner.held.size], [2, 0, 0]);
  const [first, second, ...more] = historyOf(graph);
  assertEquals([first.name, first.options, second.name, more], ["prune", how, "quantize", []]);
  assertEquals([first.dataset?.name, first.parent?.hash], ["noise", hashOfGraph(MODEL)]);
  assertEquals(second.parent?.hash, hashOfGraph(pruned.graph));
});

Deno.test("a budget that is met leaves the model itself, without an event in its history", async () => {
  const { graph, reports: [{ report, groups }] } = await runPasses(MODEL, [
    step({ budget: { gflops: 1 }, criterion: "l2" }),
  ]);
  assert(graph === MODEL && groups.length === 0 && report.groups.removed === 0);
});

Deno.test("what the pass cannot have is refused in a sentence", async () => {
  const refused = (run: Promise<unknown>, sentence: string) => assertRejects(() => run, FeatherdetError, sentence);
  const runner = new ReferenceRunner(), made = new MadeUpGradients();
  await refused(runPasses(MODEL, [step()]), "prune looks at what the model makes of samples, and there are none");
  await refused(runPasses(MODEL, [step()], { source: { samples, runner } }), "the runner has no loss");
  const [{ name, inputs }] = samples;
  await refused(
    runPasses(MODEL, [step()], { source: { samples: [{ name, inputs }], runner: made } }),
    'sample "sample 1" has no labels',
  );
  const more = { ...samples[1], labels: { truth: { shape: [1, 3], data: new Float32Array(3) } } };
  await refused(
    runPasses(MODEL, [step()], { source: { samples: [samples[0], more], runner: made, together: 2 } }),
    '"truth" is [1,2] in sample "sample 1" and [1,3] in "sample 2"',
  );
  const broken = { ...samples[0], inputs: { images: { shape: SHAPE, data: new Float32Array(273).fill(NaN) } } };
  await refused(
    runPasses(MODEL, [step({ criterion: "activation" })], { source: { samples: [broken], runner } }),
    "is not finite",
  );
  made.gradients = (_, __, wanted) =>
    Promise.resolve(new Map(wanted.map((name) => [name, new Float32Array(12).fill(NaN)])));
  await refused(
    runPasses(MODEL, [step()], { source: { samples, runner: made } }),
    "the gradient is not finite",
  );
  assertEquals([runner.held.size, made.held.size], [0, 0]);
});
