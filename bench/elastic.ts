/**
 * Whether the scores of sub-networks of an elastic network stand in the order of their scores after a training of their own, and whether a
 * network that is found beats the uniformly scaled one of equal cost after equal training.
 *
 * `deno run -A bench/elastic.ts --model bccd --data bccd --size 128 --updates 400 --subnets 20 --steps 26 --out bench/results/elastic.json`
 *
 * The elastic network is trained here (and kept beside the record as ONNX), or read from a run of `train --elastic` (`--run FOLDER`).
 * Sub-networks are drawn from narrow and shallow to wide and deep. Each is taken out as a plain graph and judged, before and after its own
 * training. That training is the one of the plain graph, made with its masks in the plan of the whole (equal to it, as
 * `tests/train/elastic_test.ts` shows), so that one plan serves all. The record is written after each of them: the same command goes on.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { sampleRankCorrelation } from "npm:simple-statistics@7.12.1";
import { type ElasticNet, elasticNet, entropyOf, masksOf, subnetOf } from "../src/compress/elastic/mod.ts";
import { dearestPoint, type Point, pointKey } from "../src/compress/search/space.ts";
import { countBoxRows, openTrainingBatches } from "../src/data/augment/mod.ts";
import { openDataset } from "../src/data/open.ts";
import { adapterText, openSharedDevice } from "../src/gpu/device.ts";
import { sizeOf } from "../src/graph/mod.ts";
import { writeWhole } from "../src/host/whole_file.ts";
import { Random } from "../src/numbers/random.ts";
import { loadOnnx, saveOnnx } from "../src/onnx/mod.ts";
import { withBatch } from "../src/passes/mod.ts";
import { createTrainer } from "../src/recipes/detection_trainer.ts";
import { searchSubnet, subnetCosts, uniformPoint } from "../src/recipes/elastic/search.ts";
import { createSubnetMeter } from "../src/recipes/elastic/subnet_meter.ts";
import { ElasticTrainer } from "../src/recipes/elastic/trainer.ts";
import { loadElastic, orderByNorm } from "../src/recipes/elastic/training.ts";
import { trainModel } from "../src/recipes/starting_model.ts";
import { elastic, inPlaceValues, maskInputs, withWeights } from "../src/train/mod.ts";
import type { TrainingBatch } from "../src/train/loop/trainer.ts";

const { values: given } = parseArgs({
  options: {
    run: { type: "string" },
    model: { type: "string", default: "bccd" },
    data: { type: "string", default: "bccd" },
    size: { type: "string", default: "128" },
    widths: { type: "string", default: "0.5,0.75,1" },
    updates: { type: "string", default: "400" },
    rate: { type: "string", default: "0.001" },
    chance: { type: "string", default: "2" },
    batch: { type: "string", default: "8" },
    subnets: { type: "string", default: "20" },
    steps: { type: "string", default: "26" },
    tuning: { type: "string", default: "0.0005" },
    evaluations: { type: "string", default: "20" },
    longer: { type: "string", default: "52" },
    seeds: { type: "string", default: "2" },
    uniform: { type: "string", default: "0.5" },
    pictures: { type: "string", default: "64" },
    limit: { type: "string" },
    out: { type: "string", default: "bench/results/elastic.json" },
  },
});
const numbers = Object.fromEntries(Object.entries(given).map(([name, text]) => [name, Number(text)]));
const { batch, pictures } = numbers, KEPT = given.out.replace(/(\.json)?$/, ".onnx");
const AUGMENT = { mosaic: 0, scale: 0.3, flipVertical: 0.5 } as const;

/** Figures of a sub-network before and after its own training. */
interface Row {
  readonly name: string;
  readonly point: Point;
  readonly gflops: number;
  readonly entropy: number;
  readonly before: { readonly map: number; readonly map50: number };
  readonly after: { readonly map: number; readonly map50: number };
}

const limit = given.limit === undefined ? undefined : numbers.limit;
const [train, judge, test] = await Promise.all([
  openDataset(given.data, { split: "train" }),
  openDataset(given.data, { split: "val", limit }),
  openDataset(given.data, { split: "test", limit }),
]);
const { adapter } = await openSharedDevice(), settings = { ...given, adapter: adapterText(adapter) };
const record: { readonly rows: Row[]; readonly compared: Row[]; found?: Point } = { rows: [], compared: [] };
const before = await Deno.readTextFile(given.out).then(JSON.parse, () => undefined);
if (JSON.stringify(before?.settings) === JSON.stringify(settings)) Object.assign(record, before.record);

/** Rank correlations with the scores after training. */
function summary() {
  const { rows } = record, after = rows.map((row) => row.after.map50);
  if (rows.length < 3) return {};
  const ranks = (of: (row: Row) => number) => sampleRankCorrelation(rows.map(of), after);
  const [scores, entropy, gflops] = [
    (row: Row) => row.before.map50,
    (row: Row) => row.entropy,
    (row: Row) => row.gflops,
  ]
    .map(ranks);
  return { spearman: { before: scores, entropy, gflops } };
}

async function keep() {
  const date = new Date().toISOString().slice(0, 10);
  await writeWhole(given.out, `${JSON.stringify({ date, settings, ...summary(), record }, null, 1)}\n`);
}

/** The network of the run, or what is trained here: as it was kept, or as it begins. */
async function begun(): Promise<{ net: ElasticNet; isTrained: boolean }> {
  if (given.run !== undefined) return { net: (await loadElastic(given.run)).net, isTrained: true };
  const source = await trainModel({ model: given.model, size: numbers.size, seed: 0 }, train, () => {});
  const options = { widths: given.widths.split(",").map(Number), order: orderByNorm(source) };
  const kept = await Deno.readFile(KEPT).catch(() => undefined);
  return { net: elasticNet(kept ? await loadOnnx(kept) : source, options), isTrained: kept !== undefined };
}

const { net: first, isTrained } = await begun(), side = first.graph.inputs[0].shape[2];
const boxes = countBoxRows(train, AUGMENT, [side, side]), said = inPlaceValues(first), inputs = maskInputs(first);
const trainer = await createTrainer(withBatch(first.graph, batch), {
  ...{ boxes, optimizer: "adamw", variant: elastic(first), report: said.map(([value]) => value) },
});
const shapes = new Map(trainer.session.inputs.map(({ name, shape }) => [name, shape]));
const silent = Object.fromEntries(said.map(([, input]) => [input, new Float32Array(sizeOf(shapes.get(input)!))]));
const factors = Object.fromEntries(
  trainer.losses.filter((name) => name.startsWith("distil ")).map((name) => [name, 0]),
);
const fresh = await trainer.state();

/** Batches of a seed, as many as are asked for. */
async function batchesOf(seed: number, count: number): Promise<TrainingBatch[]> {
  const made: TrainingBatch[] = [], how = { size: [side, side], batch, boxes, epochs: 1000, seed } as const;
  const source = openTrainingBatches(train, { ...how, augment: AUGMENT, closeMosaic: 0, workers: 0 });
  for await (const one of source.read({ epoch: 0, step: 0 })) {
    if (made.push(one) >= count) break;
  }
  return made;
}

/** Rates that rise over a few updates and then fall on a line. */
function settingsAt(rate: number, at: number, count: number) {
  const now = rate * Math.min(1, (at + 1) / Math.min(10, count)) * (1 - 0.99 * at / count);
  const learningRates = { weight: now, bias: now, norm: now };
  return { learningRates, momentum: 0.9, weightDecay: 5e-4, averageDecay: 0, clipNorm: 10 };
}

/** The net with the weights that the trainer has now. */
async function netNow(): Promise<ElasticNet> {
  const known = [...await trainer.trained("current")].filter(([name]) => first.graph.constants.has(name));
  return elasticNet(withWeights(first.graph, new Map(known)), first.options);
}

if (!isTrained) {
  const make = () => Promise.reject(new Error("there is one size"));
  const sandwich = new ElasticTrainer(first, { trainer, silent }, make, { subnets: numbers.chance });
  for (const [at, one] of (await batchesOf(0, numbers.updates)).entries()) {
    const { losses } = await sandwich.step(one, settingsAt(numbers.rate, at, numbers.updates));
    if (at % 10 === 0) console.log(`update ${at}: ${JSON.stringify(losses)}`);
  }
  await writeWhole(KEPT, saveOnnx((await netNow()).graph));
}
const net = await netNow(), costs = await subnetCosts(net);
// Sub-networks begin with the net's weights and without moments.
const start = {
  updates: 0,
  arrays: new Map(
    [...(await trainer.state()).arrays].map(([name, data]) => {
      return [name, name.includes("moment") ? fresh.arrays.get(name)! : data] as const;
    }),
  ),
};

const meterOf = (source: ElasticNet, by: typeof judge) => createSubnetMeter(source, { train, judge: by }, { pictures });

/** The net with the weights that a sub-network has after a training of its own. */
async function trained(point: Point, batches: readonly TrainingBatch[]): Promise<ElasticNet> {
  trainer.restore(start);
  const masks = Object.fromEntries([...masksOf(net, point)].map(([name, mask]) => [inputs.get(name)!, mask]));
  for (const [at, one] of batches.entries()) {
    const step = { ...one, fed: { ...silent, ...masks }, factors, keepsStatistics: true };
    await trainer.step(step, settingsAt(numbers.tuning, at, batches.length));
  }
  return await netNow();
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

const random = new Random(7), some = await batchesOf(1, numbers.steps);
const points = Array.from({ length: numbers.subnets }, (_, i): Point => {
  // From the narrow end to the wide one, so that there are costs of all sizes.
  const tilt = (i + 0.5) / numbers.subnets;
  return net.space.dimensions.map(({ values: { length } }) =>
    Math.min(length - 1, Math.max(0, Math.round((length - 1) * (tilt + random.uniform(-0.5, 0.5)))))
  );
});
for (const [i, point] of points.entries()) {
  if (i < record.rows.length) continue;
  record.rows.push(await rowOf(`sub-network ${i}`, point, some, judge));
  await keep();
}
console.log(JSON.stringify(summary()));

const uniform = uniformPoint(net, numbers.uniform), whole = costs.cost(dearestPoint(net.space));
if (record.found === undefined && numbers.evaluations > 0) {
  const { best } = await searchSubnet(net, meterOf(net, judge), costs, {
    ...{ share: costs.cost(uniform) / whole, method: "random", sieve: 8, metric: "map50" },
    evaluations: numbers.evaluations,
    onTrial: ({ number, values }) => console.log(`trial ${number}: ${values.map((one) => one.toFixed(4)).join(", ")}`),
  });
  record.found = best!.point;
  await keep();
}
for (let seed = 2; record.found !== undefined && seed < 2 + numbers.seeds; seed++) {
  const batches = await batchesOf(seed, numbers.longer);
  for (const [name, point] of [["found", record.found], ["uniform", uniform]] as const) {
    const label = `${name}, batches ${seed}`;
    if (record.compared.some((row) => row.name === label && pointKey(row.point) === pointKey(point))) continue;
    record.compared.push(await rowOf(label, point, batches, test));
    await keep();
  }
}
trainer.destroy();
