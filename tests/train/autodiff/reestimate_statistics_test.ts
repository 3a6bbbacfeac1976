/** Statistics measured anew, against sums worked out over the reference's own values. */

import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { couplingGroups } from "../../../src/graph/channels/mod.ts";
import { FeatherdetError, type Graph } from "../../../src/graph/mod.ts";
import { ModelBuilder } from "../../../src/models/builder.ts";
import { removeChannels } from "../../../src/passes/remove_channels.ts";
import { normTargets, reestimateStatistics } from "../../../src/train/autodiff/reestimate_statistics.ts";
import { lively } from "../../support/lively.ts";
import { randomTensor } from "../../support/random.ts";
import { ReferenceRunner } from "../../support/reference_runner.ts";

const SHAPE = [3, 2, 13, 7];

function network(): Graph {
  const b = new ModelBuilder();
  let x = b.input("x", SHAPE);
  for (const name of ["a", "b", "c"]) x = b.convBlock(name, x, { out: 5, kernel: 3 });
  return lively(b.graph("net", [b.conv("last", x, { out: 2 })]), 3);
}

const samples = [1, 2, 3].map((seed) => ({ inputs: { x: { shape: SHAPE, data: randomTensor(SHAPE, seed) } } }));
const runner = new ReferenceRunner();
const run: Parameters<typeof normTargets>[2] = (graph, inputs) => runner.run(graph, inputs);
const numbers = (graph: Graph, name: string) => [...graph.constants.get(name)!.data].map(Number);

/** Mean and variance of every channel of a value over all samples. */
async function momentsOf(graph: Graph, value: string) {
  const sums: { count: number; sum: number; square: number }[] = [];
  for (const { inputs } of samples) {
    const { [value]: { shape: [n, channels, h, w], data } } = await run(
      { ...graph, outputs: [value] },
      inputs,
    ) as Record<
      string,
      { shape: readonly number[]; data: Float32Array }
    >;
    for (let i = 0; i < data.length; i++) {
      const channel = Math.floor(i / (h * w)) % channels;
      const entry = sums[channel] ??= { count: 0, sum: 0, square: 0 };
      entry.count++;
      entry.sum += data[i];
      entry.square += data[i] ** 2;
    }
    assertEquals(data.length, n * channels * h * w);
  }
  return sums.map(({ count, sum, square }) => ({ mean: sum / count, variance: square / count - (sum / count) ** 2 }));
}

Deno.test("without targets the first layer's statistics are those of its map on the pictures", async () => {
  const graph = network(), made = await reestimateStatistics(graph, samples, run);
  const seen = await momentsOf(graph, graph.nodes[0].outputs[0]);
  seen.forEach(({ mean, variance }, channel) => {
    assertAlmostEquals(numbers(made, "a.bn.running_mean")[channel], mean, 1e-5);
    // Epsilon is part of what a normalisation divides by.
    assertAlmostEquals(numbers(made, "a.bn.running_var")[channel], variance - 1e-3, 1e-5);
  });
  for (const name of ["a.conv.weight", "a.bn.weight", "a.bn.bias"]) {
    assertEquals(numbers(made, name), numbers(graph, name));
  }
});

Deno.test("a model that was not changed keeps its statistics: exactly on one batch, whose own statistics are all there are", async () => {
  const graph = network(), one = samples.slice(0, 1);
  const made = await reestimateStatistics(graph, one, run, await normTargets(graph, one, run));
  for (const layer of ["a", "b", "c"]) {
    for (const [i, variance] of numbers(made, `${layer}.bn.running_var`).entries()) {
      const before = numbers(graph, `${layer}.bn.running_var`)[i];
      assertAlmostEquals(variance / before, 1, 2e-3);
      const shift = numbers(made, `${layer}.bn.running_mean`)[i] - numbers(graph, `${layer}.bn.running_mean`)[i];
      assertAlmostEquals(shift / Math.sqrt(before), 0, 2e-3);
    }
  }
});

Deno.test("after channels are removed, normalised maps have the mean and variance that they had before", async () => {
  const graph = network(), targets = await normTargets(graph, samples, run);
  const [first, second] = couplingGroups(graph).groups;
  const gone = new Set(
    [first, second].flatMap(({ members }) =>
      members.filter(({ node }) => node === "a.bn").flatMap(({ indices }) => indices)
    ),
  );
  const pruned = removeChannels(graph, [first, second]);
  const left = (list: ArrayLike<number>) => Array.from(list).filter((_, i) => !gone.has(i));
  const kept = new Map(targets);
  const { mean, deviation } = targets.get("a.bn")!;
  kept.set("a.bn", { mean: left(mean), deviation: left(deviation) });
  const made = await reestimateStatistics(pruned, samples, run, kept);
  const found = await normTargets(made, samples, run), stale = await normTargets(pruned, samples, run);
  const distance = (targets: typeof found) =>
    Math.max(
      ...Array.from(targets.get("b.bn")!.deviation, (value, i) => Math.abs(value - kept.get("b.bn")!.deviation[i])),
    );
  assert(distance(found) < 0.05, `${distance(found)}`);
  assert(distance(stale) > 4 * distance(found), `${distance(stale)} against ${distance(found)}`);
});

Deno.test("no pictures, and values that are not finite, are refused", async () => {
  const graph = network();
  await assertRejects(() => reestimateStatistics(graph, [], run), FeatherdetError, "no pictures");
  const constants = new Map(graph.constants);
  constants.set("a.conv.weight", {
    ...constants.get("a.conv.weight")!,
    data: constants.get("a.conv.weight")!.data.map(() => NaN) as Float32Array,
  });
  await assertRejects(() => reestimateStatistics({ ...graph, constants }, samples, run), FeatherdetError, "not finite");
});
