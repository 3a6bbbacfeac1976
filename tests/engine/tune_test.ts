/** Tuning: everything that competes is measured, records are followed, and forgotten when a shader changes. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { measureOptions, median } from "../../src/engine/measure_kernels.ts";
import { Session } from "../../src/engine/session.ts";
import { planningFor, storageForm } from "../../src/engine/setup.ts";
import { tune } from "../../src/engine/tune.ts";
import { type Device, openSharedDevice } from "../../src/gpu/device.ts";
import { FeatherdetError, type Graph } from "../../src/graph/mod.ts";
import { ModelBuilder } from "../../src/models/builder.ts";
import { channelShuffle } from "../../src/models/channel_shuffle.ts";
import { buildPlan, type Plan, type PlannedOption } from "../../src/plan/plan.ts";
import { isTuning, type Tuning, TUNING_FORMAT } from "../../src/plan/tuning.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { quickContests } from "../support/contests.ts";
import { gpuTest } from "../support/gpu.ts";
import { randomTensor } from "../support/random.ts";

/** A unit of ShuffleNetV2 and a residual on maps that no tile divides: much of what a convolution takes along. */
function unit(): Graph {
  const b = new ModelBuilder({ seed: 4 });
  const x = b.conv("pre", b.input("x", [2, 5, 13, 7]), { out: 12 });
  const [past, through] = b.split("split", x, [6, 6]);
  const y = b.activation("act", b.conv("second", b.conv("first", through, { out: 6 }), { out: 6 }), "relu");
  const joined = channelShuffle(b, "shuffle", b.concat("concat", [past, y]), 2);
  const residual = b.add("add", b.conv("post", joined, { out: 12 }), x);
  return b.graph("unit", [b.conv("last", residual, { out: 3 })]);
}

function planOf(device: Device, graph: Graph, tuning?: Tuning): Plan {
  return buildPlan(graph, planningFor(device, storageForm(device, {}), tuning));
}

const named = ({ kernel, variant }: PlannedOption) => `${kernel} ${variant}`;

/** A record that says of one contest that an option is the fastest. */
function recordOf(key: string, { kernel, variant }: PlannedOption, revision: string): Tuning {
  const choices = { [key]: { kernel, variant, revision, milliseconds: 1 } };
  return { format: TUNING_FORMAT, adapter: "any", storage: "texture", scalar: "f32", choices };
}

gpuTest("a session computes the same to the last bit by every option for kernels of one pixel", async () => {
  const device = await openSharedDevice();
  const graph = unit();
  const data = randomTensor([2, 5, 13, 7], 3);
  const expected = runReference(graph, { x: referenceTensor([2, 5, 13, 7], data) }).get(graph.outputs[0])!;
  const run = async (tuning?: Tuning) => {
    const session = await Session.create(graph, { tuning });
    const { [graph.outputs[0]]: { data: found } } = await session.run({ x: { shape: [2, 5, 13, 7], data } });
    session.destroy();
    return found;
  };
  const first = await run();
  first.forEach((value, i) => assert(Math.abs(value - expected.data[i]) <= 2e-5 * (1 + Math.abs(expected.data[i]))));
  const fusions = new Set<string>();
  for (const { key, revision, options } of planOf(device, graph).contests.values()) {
    for (const word of ["channel-range", "channel-shuffle", "residual"]) if (key.includes(word)) fusions.add(word);
    for (const option of options.filter(({ measured }) => !measured)) {
      const found = await run(recordOf(key, option, revision));
      assertEquals([...found], [...first], `${key}: ${named(option)}`);
    }
  }
  assertEquals(fusions.size, 3);
});

gpuTest("tuning measures every option of every contest, and sessions follow the record", async () => {
  const device = await openSharedDevice();
  const graph = quickContests();
  if (!device.timestamps) {
    await assertRejects(() => tune(device, graph), FeatherdetError, "timestamp");
    return;
  }
  const plan = planOf(device, graph);
  const seen: string[] = [];
  const tuning = await tune(device, graph, { runs: 1, onProgress: (_done, _total, key) => seen.push(key) });
  assert(isTuning(JSON.parse(JSON.stringify(tuning))));
  assertEquals(Object.keys(tuning.choices), [...plan.contests.keys()]);
  assertEquals(seen, [...plan.contests.keys(), ""]);
  const tuned = planOf(device, graph, tuning);
  for (const [key, { kernel, variant, revision, milliseconds }] of Object.entries(tuning.choices)) {
    const contest = tuned.contests.get(key)!;
    assertEquals([named(contest.chosen), revision], [`${kernel} ${variant}`, contest.revision]);
    assert(milliseconds > 0);
  }
  // Every option once a round, the first round aside.
  const [contest] = plan.contests.values();
  const times = await measureOptions(device, plan, contest.options, 4);
  assertEquals(times.map(({ option }) => named(option)), contest.options.map(named));
  for (const { times: all, milliseconds } of times) assertEquals([all.length, milliseconds], [4, median(all)]);
});

gpuTest("a record of another revision, kernel or variant is as good as none", async () => {
  const device = await openSharedDevice();
  const graph = unit();
  const plan = planOf(device, graph);
  for (const { key, revision, options, chosen } of plan.contests.values()) {
    const other = options.find((option) => option !== chosen)!;
    const chosenBy = (tuning: Tuning) => named(planOf(device, graph, tuning).contests.get(key)!.chosen);
    assertEquals(chosenBy(recordOf(key, other, revision)), named(other), key);
    // As after a change of a shader.
    assertEquals(chosenBy(recordOf(key, other, "00000000000000")), named(chosen), key);
    assertEquals(chosenBy(recordOf(key, { ...other, variant: "x=1" }, revision)), named(chosen), key);
    assertEquals(chosenBy(recordOf(key, { ...other, kernel: "winograd" }, revision)), named(chosen), key);
  }
});

Deno.test("the median is the middle one, of an even number the upper one", () => {
  assertEquals([median([3, 1, 2]), median([4, 1, 3, 2]), median([7])], [2, 3, 7]);
});
