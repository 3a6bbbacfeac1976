/** Server optimizers against the papers' formulas, dealing, compression, vectors, the proximal loss. */

import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { FeatherdetError } from "../../../src/graph/error.ts";
import { Random } from "../../../src/numbers/random.ts";
import { yolo11 } from "../../../src/models/yolo11.ts";
import { packUpdate, unpackUpdate, UpdatePacker } from "../../../src/train/federated/compression.ts";
import { newServerState, SERVER_OPTIMIZERS } from "../../../src/train/federated/server.ts";
import { DEAL_NAMES, dealPictures, dirichlet, gamma } from "../../../src/train/federated/split.ts";
import { exchangedOf, fromVector, lengthOf, toVector, weightedMean } from "../../../src/train/federated/vector.ts";

Deno.test("three rounds of each server optimizer, unrolled by the papers' formulas", () => {
  const means = [0.3, -0.2, 0.05];
  const run = (name: keyof typeof SERVER_OPTIMIZERS, own: object) => {
    const { step, defaults } = SERVER_OPTIMIZERS[name], settings = { ...defaults, ...own };
    const state = newServerState(1, settings);
    return means.map((mean) => step([mean], state, settings)[0]);
  };
  assertEquals(run("fedavg", { learningRate: 0.5 }), [0.15, -0.1, 0.025]);
  const [b, lr] = [0.9, 0.7], [x, y, z] = means;
  const avgm = run("fedavgm", { learningRate: lr, momentum: b });
  [x, b * x + y, b * b * x + b * y + z].forEach((v, i) => assertAlmostEquals(avgm[i], lr * v, 1e-15));
  const [c, eps] = [0.99, 1e-3];
  const adam = run("fedadam", { learningRate: lr, momentum: b, secondMomentum: c, epsilon: eps });
  const m = [(1 - b) * x, (1 - b) * (b * x + y), (1 - b) * (b * b * x + b * y + z)];
  const v = [
    c * eps ** 2 + (1 - c) * x ** 2,
    c ** 2 * eps ** 2 + (1 - c) * (c * x ** 2 + y ** 2),
    c ** 3 * eps ** 2 + (1 - c) * (c ** 2 * x ** 2 + c * y ** 2 + z ** 2),
  ];
  m.forEach((first, i) => assertAlmostEquals(adam[i], lr * first / (Math.sqrt(v[i]) + eps), 1e-13));
});

Deno.test("the mean weighs clients by their pictures", () => {
  const mean = weightedMean([{ values: [1, -2], weight: 1 }, { values: [5, 2], weight: 3 }]);
  assertEquals([...mean], [4, 1]);
  assertThrows(() => weightedMean([{ values: [1], weight: 0 }]), FeatherdetError, "nothing to average");
});

Deno.test("a model's numbers go into vectors and back; statistics are apart, and BatchNormalization can stay local", () => {
  const model = yolo11({ width: 0.0625, depth: 0.3, size: 64, classes: 3, seed: 5 });
  const { parameters, statistics } = exchangedOf(model), local = exchangedOf(model, { localNorm: true });
  const names = new Set([...parameters, ...statistics].map(({ name }) => name));
  const norms = model.nodes.filter(({ op }) => op === "BatchNormalization");
  assertEquals(statistics.length, 2 * norms.length);
  for (const { inputs } of norms) {
    assertEquals(inputs.slice(1).every((name) => names.has(name)), true);
    assertEquals(local.parameters.some(({ name }) => inputs.includes(name)), false);
  }
  assertEquals([local.statistics.length, local.parameters.length], [0, parameters.length - 2 * norms.length]);
  assertEquals([...names].some((name) => /dfl/.test(name)), false);
  const numbers = new Map([...model.constants].map(([name, { data }]) => [name, Float32Array.from(data)]));
  const vector = toVector(parameters, numbers);
  assertEquals(vector.length, lengthOf(parameters));
  for (const [name, data] of fromVector(parameters, vector)) assertEquals(data, numbers.get(name));
  assertThrows(() => toVector(parameters, new Map()), FeatherdetError, "has no numbers");
});

Deno.test("every picture goes to one client; the smaller alpha, the more uneven; classes and sources stay together", () => {
  const random = new Random(1);
  const pictures = Array.from({ length: 400 }, (_, i) => ({
    classes: [i % 5, i % 5, random.integer(5)],
    source: `camera ${i % 7}`,
  }));
  /** Mean over clients of the share of their most frequent class. */
  const lopsided = (dealt: readonly (readonly number[])[]) => {
    const shares = dealt.map((own) => {
      const counts = [0, 0, 0, 0, 0];
      for (const i of own) counts[pictures[i].classes[0]]++;
      return Math.max(...counts) / own.length;
    });
    return shares.reduce((sum, one) => sum + one) / shares.length;
  };
  for (const how of DEAL_NAMES) {
    const dealt = dealPictures(pictures, how, { clients: 4, seed: 3 });
    assertEquals(dealt.flat().sort((a, b) => a - b), pictures.map((_, i) => i));
    assertEquals(dealPictures(pictures, how, { clients: 4, seed: 3 }), dealt);
    assert(dealt.every((own) => own.length > 0));
  }
  const of = (alpha: number) => lopsided(dealPictures(pictures, "dirichlet", { clients: 4, seed: 3, alpha }));
  assert(of(0.1) > of(1) && of(1) > of(1000) && of(1000) < 0.25);
  assert(lopsided(dealPictures(pictures, "class", { clients: 5, seed: 3 })) > 0.45);
  for (const own of dealPictures(pictures, "source", { clients: 3, seed: 3 })) {
    const cameras = new Set(own.map((i) => pictures[i].source));
    assertEquals(own.length, pictures.filter(({ source }) => cameras.has(source)).length);
  }
  assertThrows(() => dealPictures(pictures.slice(0, 3), "iid", { clients: 4, seed: 0 }), FeatherdetError, "too few");
  assertThrows(() => dealPictures(pictures, "source", { clients: 9, seed: 0 }), FeatherdetError, "7 sources");
});

Deno.test("gamma numbers have the distribution's mean and variance, Dirichlet shares those of theirs", () => {
  const random = new Random(11), count = 20_000;
  for (const alpha of [0.3, 1, 4.5]) {
    const draws = Array.from({ length: count }, () => gamma(random, alpha));
    const mean = draws.reduce((sum, one) => sum + one) / count;
    const variance = draws.reduce((sum, one) => sum + (one - mean) ** 2, 0) / count;
    // Both are alpha; five standard deviations of the estimates.
    assert(Math.abs(mean - alpha) < 5 * Math.sqrt(alpha / count));
    assert(Math.abs(variance - alpha) < 5 * Math.sqrt((2 * alpha ** 2 + 6 * alpha) / count));
  }
  const shares = Array.from({ length: 5000 }, () => dirichlet(random, 3, 0.5)[0]);
  const mean = shares.reduce((sum, one) => sum + one) / 5000;
  const variance = shares.reduce((sum, one) => sum + (one - mean) ** 2, 0) / 5000;
  // a (A - a) / (A^2 (A + 1)) with a = 0.5 and A = 1.5.
  assert(Math.abs(mean - 1 / 3) < 0.02 && Math.abs(variance - 0.5 / (2.25 * 2.5)) < 0.01);
});

const PARTS = [{ name: "a", length: 13 }, { name: "b", length: 127 }, { name: "c", length: 1 }];

function vectorOf(seed: number): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: 141 }, (_, i) => random.normal() * (i < 13 ? 10 : 0.01));
}

Deno.test("updates in int8 are within half a step of each tensor; the greatest numbers alone come back", () => {
  const vector = vectorOf(1), exact = unpackUpdate(packUpdate(vector, PARTS, "none"), PARTS);
  assertEquals(exact, vector);
  const int8 = packUpdate(vector, PARTS, "int8"), back = unpackUpdate(int8, PARTS);
  assertEquals(int8.length, 4 + 4 * 3 + 141);
  for (const [from, to] of [[0, 13], [13, 140], [140, 141]]) {
    const most = Math.max(...vector.subarray(from, to).map(Math.abs));
    for (let i = from; i < to; i++) assert(Math.abs(back[i] - vector[i]) <= most / 127 / 2 * 1.0001);
  }
  const top = packUpdate(vector, PARTS, "topk", 0.05), sparse = unpackUpdate(top, PARTS);
  assertEquals(top.length, 12 + 5 * 7);
  const order = [...vector.keys()].sort((a, b) => Math.abs(vector[b]) - Math.abs(vector[a]));
  const sent = [...sparse.keys()].filter((i) => sparse[i] !== 0);
  assertEquals(sent.sort((a, b) => a - b), order.slice(0, 7).sort((a, b) => a - b));
  for (const bytes of [new Uint8Array(2), new Uint8Array(99), top.subarray(0, 20), int8.subarray(1)]) {
    assertThrows(() => unpackUpdate(bytes, PARTS), FeatherdetError, "are no packed update of 141 numbers");
  }
});

Deno.test("what packing leaves out comes later: the sum of what was sent and of what is left is the sum of the updates", () => {
  for (const how of ["int8", "topk"] as const) {
    const packer = new UpdatePacker(PARTS, how, 0.05), sum = new Float64Array(141), seen = new Float64Array(141);
    for (let round = 0; round < 9; round++) {
      const update = vectorOf(round);
      update.forEach((value, i) => sum[i] += value);
      unpackUpdate(packer.pack(update), PARTS).forEach((value, i) => seen[i] += value);
    }
    for (let i = 0; i < 141; i++) assertAlmostEquals(seen[i] + packer.left![i], sum[i], 1e-4);
  }
});
