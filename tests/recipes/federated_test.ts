/** Rounds of federated training with clients that move by known numbers: means, masks, lost clients, compression, privacy. */

import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { FeatherdetError, type Graph, withNodes } from "../../src/graph/mod.ts";
import { ModelBuilder } from "../../src/models/builder.ts";
import { Random } from "../../src/numbers/random.ts";
import { folderFiles } from "../../src/queue/files.ts";
import { type LocalTraining, numbersOf } from "../../src/recipes/federated/client.ts";
import { folderClient } from "../../src/recipes/federated/folder_client.ts";
import { localPool } from "../../src/recipes/federated/local_pool.ts";
import type { Phase } from "../../src/recipes/federated/phases.ts";
import { type FederatedOptions, type RoundRecord, runFederated } from "../../src/recipes/federated/server.ts";
import { dealDataset } from "../../src/recipes/federated/deal.ts";
import { trainFederated } from "../../src/recipes/federated/train_federated.ts";
import { train } from "../../src/recipes/train_detector.ts";
import { syntheticDataset } from "../../src/data/synthetic_scenes.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { gpuTest } from "../support/gpu.ts";
import { runReference } from "../../src/reference/run.ts";
import { clipped, norm } from "../../src/train/federated/privacy.ts";
import { proximal } from "../../src/train/federated/proximal.ts";
import { toFixed } from "../../src/train/federated/fixed_point.ts";
import { exchangedOf, toVector } from "../../src/train/federated/vector.ts";
import { buildTrainingGraph, trainableGraph, withWeights } from "../../src/train/mod.ts";
import { inFolder } from "../support/data_folders.ts";

function net(): Graph {
  const b = new ModelBuilder({ seed: 5 });
  const stem = b.convBlock("stem", b.input("images", [1, 3, 8, 8]), { out: 13, kernel: 3 });
  return b.graph("net", [b.conv("head", stem, { out: 5, bias: 0.1 })]);
}

/** What a client adds to every number, by its place, the round and the client: variances grow. */
function changeOf(length: number, client: number, round: number): Float32Array {
  const random = new Random(100 * client + round);
  return Float32Array.from({ length }, () => random.uniform(0, 0.1));
}

/** Numbers of all that is exchanged, as one list. */
const listOf = (model: Graph) => {
  const { parameters, statistics } = exchangedOf(model), numbers = numbersOf(model);
  return { parameters: toVector(parameters, numbers), statistics: toVector(statistics, numbers) };
};

const CLIENTS = 4, PICTURES = 9;

interface Told {
  readonly model: Graph;
  readonly rounds: readonly RoundRecord[];
  /** Pictures of each client. */
  readonly pictures: readonly number[];
  readonly said: readonly string[];
}

async function run(
  more: Partial<Omit<FederatedOptions, "training">> & { training?: object },
  isLost?: (phase: Phase, round: number, client: number) => boolean,
): Promise<Told> {
  const pictures: number[] = [], said: string[] = [];
  const training: LocalTraining = (model, { images }, { client, round }) => {
    pictures[client] = images.length;
    const { parameters, statistics } = exchangedOf(model), numbers = numbersOf(model);
    const all = [...parameters, ...statistics];
    const change = changeOf(all.reduce((sum, { length }) => sum + length, 0), client, round);
    let at = 0;
    const next = new Map(all.map(({ name, length }) => {
      const from = at;
      at += length;
      return [name, numbers.get(name)!.map((value, i) => value + change[from + i])];
    }));
    return Promise.resolve({ model: withWeights(model, next), losses: { box: client } });
  };
  const { training: own, ...rest } = more;
  let result: Awaited<ReturnType<typeof runFederated>>;
  await inFolder(async (folder) => {
    const files = folderFiles(join(folder, "files"));
    const client = folderClient(files, join(folder, "clients"), { training });
    const pool = localPool(files, () => client, isLost);
    result = await runFederated(net(), pool, {
      ...{ run: "a", rounds: 1, clients: CLIENTS, share: 1, seed: 3, optimizer: "fedavg", validateEvery: 1 },
      training: {
        ...{ data: "synthetic", split: "train", limit: PICTURES, epochs: 1, batch: 2, learningRate: 0.1, momentum: 0 },
        ...{ seed: 0, augment: false, mu: 0, localNorm: false, compression: "none" as const, keep: 0.1 },
        deal: { how: "dirichlet" as const, clients: CLIENTS, seed: 2, alpha: 1 },
        ...own,
      },
      ...rest,
    }, { say: (line) => said.push(line) });
  });
  return { ...result!, pictures, said };
}

/** The mean change of clients, weighted by pictures, in double precision. */
function expectedChange({ pictures }: Told, clients: readonly number[], round = 0): number[] {
  const { parameters, statistics } = listOf(net()), length = parameters.length + statistics.length;
  const total = clients.reduce((sum, id) => sum + pictures[id], 0), mean = new Array(length).fill(0);
  for (const id of clients) changeOf(length, id, round).forEach((one, i) => mean[i] += pictures[id] / total * one);
  return mean;
}

/** How far the model has moved. */
function moved({ model }: Told): number[] {
  const before = listOf(net()), after = listOf(model);
  const of = (name: "parameters" | "statistics") => Array.from(after[name], (one, i) => one - before[name][i]);
  return [...of("parameters"), ...of("statistics")];
}

function close(actual: readonly number[], expected: readonly number[], within: number): void {
  assertEquals(actual.length, expected.length);
  actual.forEach((value, i) => assertAlmostEquals(value, expected[i], within));
}

Deno.test("a round moves the model by the mean of its clients, weighted by pictures; lost clients are left out", async () => {
  const all = await run({});
  assertEquals(all.pictures.reduce((sum, one) => sum + one), PICTURES);
  assert(new Set(all.pictures).size > 1, "the deal is even");
  close(moved(all), expectedChange(all, [0, 1, 2, 3]), 1e-6);
  const [{ losses: { box }, heard, sentBytes }] = all.rounds;
  assertAlmostEquals(box, all.pictures.reduce((sum, one, id) => sum + id * one, 0) / PICTURES, 1e-12);
  assertEquals([heard, sentBytes], [[0, 1, 2, 3], CLIENTS * (8 + 4 * moved(all).length)]);
  const some = await run({}, (_, __, client) => client === 1 || client === 2);
  close(moved(some), expectedChange(all, [0, 3]), 1e-6);
  assertEquals([some.rounds[0].heard, some.said], [[0, 3], ["client 1 does not answer", "client 2 does not answer"]]);
  const sampled = await run({ training: { sample: 2 } });
  assertEquals(sampled.pictures, all.pictures.map((count) => Math.min(2, count)));
  const none = await run({ rounds: 2 }, (_, round) => round === 0);
  assertEquals(none.rounds[0].skipped, "too few clients answered");
  close(moved(none), expectedChange(all, [0, 1, 2, 3], 1), 1e-6);
});

Deno.test("under masks the model is that of the plain sum of integers bit for bit, also where a client is lost while it trains", async () => {
  const before = listOf(net()), start = [...before.parameters, ...before.statistics];
  for (const lost of [[], [2]]) {
    const told = await run({ secure: { range: 1 } }, (phase, _, client) => phase === "train" && lost.includes(client));
    const ids = [0, 1, 2, 3].filter((id) => !lost.includes(id)), how = { range: 1, weights: 4096 * CLIENTS };
    const sum = new Uint32Array(start.length);
    for (const id of ids) {
      // What a client sends is the difference of single floats.
      const change = changeOf(start.length, id, 0).map((one, i) => Math.fround(start[i] + one) - start[i]);
      toFixed(change, told.pictures[id], how).forEach((value, i) => sum[i] += value);
    }
    const steps = Math.floor((2 ** 31 - 1) / how.weights - 1),
      total = ids.reduce((all, id) => all + told.pictures[id], 0);
    const after = listOf(told.model);
    const exact = Array.from(sum, (value, i) => Math.fround(start[i] + (value | 0) / steps / total));
    assertEquals([...after.parameters, ...after.statistics], exact);
    assertEquals(told.rounds[0].heard, ids);
  }
  const few = await run({ secure: { range: 1 } }, (phase, _, client) => phase === "train" && client !== 1);
  assertEquals([few.rounds[0].skipped, Math.max(...moved(few))], ["too few clients answered", 0]);
  await assertRejects(
    () => run({ secure: { range: 1 }, training: { compression: "int8" } }),
    FeatherdetError,
    "secure aggregation goes with no compression",
  );
});

Deno.test("compressed updates move the model nearly as whole ones do, in fewer bytes; what is left out comes in the next round", async () => {
  const whole = await run({ rounds: 2 });
  const int8 = await run({ rounds: 2, training: { compression: "int8" } });
  const [plain, packed] = [whole, int8].map(({ rounds }) => rounds[1].sentBytes);
  const { statistics } = listOf(net());
  // A byte a number of the parameters, four of each part; statistics are sent as they are.
  const parts = exchangedOf(net()).parameters.length;
  assertEquals(plain - packed, CLIENTS * (3 * listOf(net()).parameters.length - 4 * parts));
  assert(packed < plain && statistics.length > 0);
  close(moved(int8), moved(whole), 0.1 / 127);
  // One client alone: in the second round it sends the greatest of what is new and what was left out before.
  const top = (rounds: number) =>
    run({ rounds, training: { compression: "topk", keep: 0.25 } }, (_, __, client) => client !== 0);
  const [one, two] = [await top(1), await top(2)], length = listOf(net()).parameters.length;
  const [first, both] = [one, two].map((told) => moved(told).slice(0, length));
  const wanted = first.map((sent, i) => changeOf(length, 0, 0)[i] - sent + changeOf(length, 0, 1)[i]);
  const order = [...wanted.keys()].sort((i, j) => Math.abs(wanted[j]) - Math.abs(wanted[i]));
  const sent = both.flatMap((value, i) => Math.abs(value - first[i]) > 1e-6 ? [i] : []);
  assertEquals(sent, order.slice(0, Math.round(length / 4)).sort((i, j) => i - j));
});

Deno.test("BatchNormalization of its own stays with each client; privacy clips, counts alike and leaves statistics alone", async () => {
  const local = await run({ rounds: 2, training: { localNorm: true } });
  const kept = exchangedOf(net(), { localNorm: true }), numbers = [numbersOf(net()), numbersOf(local.model)];
  const isSent = new Set(kept.parameters.map(({ name }) => name));
  for (const { name } of [...exchangedOf(net()).parameters, ...exchangedOf(net()).statistics]) {
    const same = numbers[0].get(name)!.every((value, i) => value === numbers[1].get(name)![i]);
    assertEquals(same, !isSent.has(name), name);
  }
  const clip = 0.5, told = await run({ privacy: { clip, noise: 0, delta: 1e-5 } });
  const length = listOf(net()).parameters.length, mean = new Array(length).fill(0);
  for (let id = 0; id < CLIENTS; id++) {
    const change = changeOf(moved(told).length, id, 0).slice(0, length);
    assert(norm(change) > clip);
    clipped(change, clip).forEach((one, i) => mean[i] += one / CLIENTS);
  }
  close(moved(told).slice(0, length), mean, 1e-6);
  close(moved(told).slice(length), new Array(moved(told).length - length).fill(0), 0);
  assertEquals(told.rounds[0].epsilon, Infinity);
  const noisy = await run({ privacy: { clip, noise: 2, delta: 1e-5 } });
  const noise = moved(noisy).slice(0, length).map((one, i) => one - mean[i]);
  const deviation = Math.sqrt(noise.reduce((sum, one) => sum + one ** 2, 0) / length);
  // Five standard deviations of the estimate.
  assert(Math.abs(deviation / (2 * clip / CLIENTS) - 1) < 5 / Math.sqrt(2 * length));
  assert(noisy.rounds[0].epsilon! > 0 && Number.isFinite(noisy.rounds[0].epsilon!));
});

Deno.test("the proximal loss is half of mu times the square of the distance, and what it is measured from does not move", () => {
  const model = net(), { graph, losses: [{ value, weight }] } = proximal(0.5).losses(trainableGraph(model));
  assertEquals(weight, 0.25);
  const before = buildTrainingGraph(model).parameters.map(({ name }) => name);
  const { parameters } = buildTrainingGraph(graph, { outputs: [...graph.outputs, value] });
  assertEquals(parameters.map(({ name }) => name).sort(), before.sort());
  const random = new Random(1);
  let square = 0;
  const away = new Map(before.map((name) => {
    const own = Float32Array.from(model.constants.get(name)!.data, (one) => one + random.uniform(-1, 1));
    own.forEach((one, i) => square += (one - model.constants.get(name)!.data[i]) ** 2);
    return [name, own];
  }));
  const constants = new Map([...graph.constants].map(([name, constant]) => {
    const data = away.get(name);
    return [name, data ? { ...constant, data } : constant];
  }));
  const alone = withNodes({ ...graph, constants, inputs: [], outputs: [value] }, graph.nodes);
  assertAlmostEquals(runReference(alone, {}).get(value)!.data[0] / square, 1, 1e-5);
});

gpuTest("one client that is always heard trains as `train` does; of several, each has its own pictures", async () => {
  const pictures = syntheticDataset({ split: "train", count: 6, size: 64 });
  const start = yolo11({ width: 0.0625, depth: 0.3, size: 64, classes: pictures.classes });
  const how = { epochs: 1, batch: 3, learningRate: 0.01, momentum: 0.9, augment: false as const, seed: 0 };
  const { model: alone } = await trainFederated(start, [pictures], { ...how, rounds: 1 });
  const { model: trained } = await train(start, pictures, {
    ...{ ...how, optimizer: "sgd", warmupEpochs: 0, finalFactor: 1, workers: 0 },
  });
  const before = listOf(start).parameters, [own, other] = [alone, trained].map((one) => listOf(one).parameters);
  assert(own.some((value, i) => value !== before[i]));
  // The server adds what was changed to what it had, in single precision.
  own.forEach((value, i) => assertAlmostEquals(value, other[i], 1e-6 + 1e-6 * Math.abs(before[i])));

  const clients = dealDataset(pictures, "dirichlet", { clients: 2, alpha: 0.3 });
  assertEquals(clients.flatMap(({ images }) => images.map(({ id }) => id)).sort(), [1, 2, 3, 4, 5, 6]);
  const models: Graph[] = [];
  const { rounds, model } = await trainFederated(start, clients, {
    ...{ ...how, rounds: 2, isLost: (round, client) => round === 1 && client === 0, validation: pictures },
    ...{ validateEvery: 2, onRound: (_, model) => void models.push(model) },
  });
  assertEquals(rounds.map(({ heard, score }) => [heard, score !== undefined]), [[[0, 1], false], [[1], true]]);
  assertEquals(models[1], model);
  await assertRejects(() => trainFederated(start, []), FeatherdetError, "needs at least one client");
});
