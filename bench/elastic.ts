/**
 * Whether the scores of sub-networks of an elastic network stand in the order of their scores after a training of their own, and whether a
 * network that is found beats the uniformly scaled one of equal cost after equal training.
 *
 * `deno run -A bench/elastic.ts --run runs/elastic --data bccd --subnets 20 --steps 26 --out bench/results/elastic.json`
 *
 * Sub-networks are drawn from narrow and shallow to wide and deep. Each is taken out as a plain graph and judged, before and after its own
 * training. That training is the one of the plain graph, made with its masks in the plan of the whole (equal to it, as
 * `tests/train/elastic_test.ts` shows), so that one plan serves all. The record is written after each of them: the same command goes on.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { sampleRankCorrelation } from "npm:simple-statistics@7.12.1";
import { elasticNet, entropyOf, masksOf, subnetOf } from "../src/compress/elastic/mod.ts";
import { dearestPoint, type Point, pointKey } from "../src/compress/search/space.ts";
import { countBoxRows, openTrainingBatches } from "../src/data/augment/mod.ts";
import { openDataset } from "../src/data/open.ts";
import { adapterText, openSharedDevice } from "../src/gpu/device.ts";
import { sizeOf } from "../src/graph/mod.ts";
import { writeWhole } from "../src/host/whole_file.ts";
import { Random } from "../src/numbers/random.ts";
import { withBatch } from "../src/passes/mod.ts";
import { createTrainer } from "../src/recipes/detection_trainer.ts";
import { searchSubnet, subnetCosts, uniformPoint } from "../src/recipes/elastic/search.ts";
import { createSubnetMeter } from "../src/recipes/elastic/subnet_meter.ts";
import { loadElastic } from "../src/recipes/elastic/training.ts";
import { elastic, inPlaceValues, maskInputs, withWeights } from "../src/train/mod.ts";
import type { TrainingBatch } from "../src/train/loop/trainer.ts";

const { values: given } = parseArgs({
  options: {
    run: { type: "string" },
    data: { type: "string", default: "bccd" },
    out: { type: "string", default: "bench/results/elastic.json" },
    subnets: { type: "string", default: "20" },
    steps: { type: "string", default: "26" },
    evaluations: { type: "string", default: "20" },
    longer: { type: "string", default: "52" },
    seeds: { type: "string", default: "2" },
    width: { type: "string", default: "0.5" },
    rate: { type: "string", default: "0.0005" },
    batch: { type: "string", default: "8" },
    pictures: { type: "string", default: "64" },
    limit: { type: "string" },
  },
});
if (given.run === undefined) {
  console.error("usage: bench/elastic.ts --run FOLDER [--data D] [--subnets N] [--steps N] [--out FILE]");
  Deno.exit(2);
}
const [subnets, steps, evaluations, longer, seeds, rate, batch, pictures] = [
  ...[given.subnets, given.steps, given.evaluations, given.longer, given.seeds, given.rate, given.batch],
  given.pictures,
].map(Number);
const limit = given.limit === undefined ? undefined : Number(given.limit);

/** Figures of a sub-network before and after its own training. */
interface Row {
  readonly name: string;
  readonly point: Point;
  readonly gflops: number;
  readonly entropy: number;
  readonly before: { readonly map: number; readonly map50: number };
  readonly after: { readonly map: number; readonly map50: number };
}

interface Record {
  readonly rows: Row[];
  readonly compared: Row[];
  found?: Point;
}

const [train, judge, test] = await Promise.all([
  openDataset(given.data, { split: "train" }),
  openDataset(given.data, { split: "val", limit }),
  openDataset(given.data, { split: "test" }),
]);
const { net } = await loadElastic(given.run), costs = await subnetCosts(net), { adapter } = await openSharedDevice();
const meterOf = (source: typeof net, by: typeof judge) => createSubnetMeter(source, { train, judge: by }, { pictures });

const settings = { ...given, adapter: adapterText(adapter), size: net.graph.inputs[0].shape[2] };
const record: Record = { rows: [], compared: [] };
try {
  const before = JSON.parse(await Deno.readTextFile(given.out));
  if (JSON.stringify(before.settings) === JSON.stringify(settings)) Object.assign(record, before.record);
} catch (error) {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

/** What is compared of the rows: ranks of scores. */
function summary() {
  const { rows } = record;
  if (rows.length < 3) return {};
  const after = rows.map((row) => row.after.map50),
    ranks = (of: (row: Row) => number) => sampleRankCorrelation(rows.map(of), after);
  return {
    spearman: {
      before: ranks((row) => row.before.map50),
      entropy: ranks((row) => row.entropy),
      gflops: ranks((row) => row.gflops),
    },
  };
}

async function keep() {
  const date = new Date().toISOString().slice(0, 10);
  await writeWhole(given.out, `${JSON.stringify({ date, settings, ...summary(), record }, null, 1)}\n`);
}

/** Batches of a seed, as many as are asked for. */
async function batchesOf(seed: number, count: number): Promise<TrainingBatch[]> {
  const augment = { mosaic: 0, scale: 0.3, flipVertical: 0.5 } as const, size = [settings.size, settings.size] as const;
  const made: TrainingBatch[] = [], boxes = countBoxRows(train, augment, size);
  const source = openTrainingBatches(train, {
    size,
    batch,
    boxes,
    epochs: 1000,
    seed,
    augment,
    closeMosaic: 0,
    workers: 0,
  });
  for await (const one of source.read({ epoch: 0, step: 0 })) {
    if (made.push(one) >= count) break;
  }
  return made;
}

const boxes = countBoxRows(train, { mosaic: 0, scale: 0.3, flipVertical: 0.5 }, [settings.size, settings.size]);
const trainer = await createTrainer(withBatch(net.graph, batch), { boxes, optimizer: "adamw", variant: elastic(net) });
const start = await trainer.state(), inputs = maskInputs(net);
const shapes = new Map(trainer.session.inputs.map(({ name, shape }) => [name, shape]));
const silent = Object.fromEntries(
  inPlaceValues(net).map(([, input]) => [input, new Float32Array(sizeOf(shapes.get(input)!))]),
);
const factors = Object.fromEntries(
  trainer.losses.filter((name) => name.startsWith("distil ")).map((name) => [name, 0]),
);

/** The net with the weights that a sub-network has after a training of its own. */
async function trained(point: Point, batches: readonly TrainingBatch[]) {
  trainer.restore(start);
  const masks = Object.fromEntries([...masksOf(net, point)].map(([name, mask]) => [inputs.get(name)!, mask]));
  for (const [i, one] of batches.entries()) {
    const now = rate * Math.min(1, (i + 1) / 3) * (1 - 0.99 * i / batches.length);
    await trainer.step({ ...one, fed: { ...silent, ...masks }, factors, keepsStatistics: true }, {
      ...{ learningRates: { weight: now, bias: now, norm: now }, momentum: 0.9, weightDecay: 5e-4 },
      ...{ averageDecay: 0, clipNorm: 10 },
    });
  }
  const { order: _, ...options } = net.options, weights = await trainer.trained("current");
  const known = [...weights].filter(([name]) => net.graph.constants.has(name));
  return elasticNet(withWeights(net.graph, new Map(known)), { ...options, order: net.options.order });
}

async function rowOf(name: string, point: Point, batches: readonly TrainingBatch[], by: typeof judge): Promise<Row> {
  const meter = meterOf(net, by), before = await meter.score(await meter.take(point));
  const later = meterOf(await trained(point, batches), by), after = await later.score(await later.take(point));
  const row = { name, point, gflops: costs.cost(point), entropy: entropyOf(subnetOf(net, point)).score, before, after };
  console.log(
    `${name}  ${row.gflops.toFixed(4)} GFLOPs  mAP50 ${before.map50.toFixed(3)} -> ${after.map50.toFixed(3)}`,
  );
  return row;
}

const random = new Random(7), some = await batchesOf(0, steps);
const points = Array.from({ length: subnets }, (_, i): Point => {
  // From the narrow end to the wide one, so that there are costs of all sizes.
  const tilt = (i + 0.5) / subnets;
  return net.space.dimensions.map(({ values }) =>
    Math.min(values.length - 1, Math.max(0, Math.round((values.length - 1) * (tilt + random.uniform(-0.5, 0.5)))))
  );
});
for (const [i, point] of points.entries()) {
  if (i < record.rows.length) continue;
  record.rows.push(await rowOf(`subnet ${i}`, point, some, judge));
  await keep();
}
console.log(JSON.stringify(summary()));

const uniform = uniformPoint(net, Number(given.width)), whole = costs.cost(dearestPoint(net.space));
if (record.found === undefined && evaluations > 0) {
  const { best } = await searchSubnet(net, meterOf(net, judge), costs, {
    ...{ share: costs.cost(uniform) / whole, method: "random", sieve: 8, evaluations, metric: "map50" },
    onTrial: ({ number, values }) => console.log(`trial ${number}: ${values.map((one) => one.toFixed(4)).join(", ")}`),
  });
  record.found = best!.point;
  await keep();
}
if (record.found !== undefined) {
  for (let seed = 1; seed <= seeds; seed++) {
    const batches = await batchesOf(seed, longer);
    for (const [name, point] of [["found", record.found], ["uniform", uniform]] as const) {
      const label = `${name}, seed ${seed}`;
      if (record.compared.some((row) => row.name === label && pointKey(row.point) === pointKey(point))) continue;
      record.compared.push(await rowOf(label, point, batches, test));
      await keep();
    }
  }
}
trainer.destroy();
