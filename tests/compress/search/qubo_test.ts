/** Binary problems against trying everything. */

import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { anneal } from "../../../src/compress/search/qubo/anneal.ts";
import { Qubo, readQubo, writeCoo, writeQubo } from "../../../src/compress/search/qubo/qubo.ts";
import { bitsOf, picksOf, stairsOf, stairsQubo } from "../../../src/compress/search/qubo/stairs.ts";
import { FeatherdetError } from "../../../src/graph/mod.ts";
import { Random } from "../../../src/numbers/random.ts";

/** Factors as a full matrix, and the energy as the definition has it. */
function drawn(size: number, density: number, random: Random) {
  const matrix = Array.from(
    { length: size },
    (_, i) =>
      Array.from({ length: size }, (_, j) => j >= i && (i === j || random.next() < density) ? random.normal() : 0),
  );
  const qubo = new Qubo(size);
  matrix.forEach((row, i) => row.forEach((factor, j) => qubo.add(i, j, factor)));
  const energy = (x: readonly number[]) =>
    matrix.reduce((sum, row, i) => sum + row.reduce((s, factor, j) => s + factor * x[i] * x[j], 0), 0);
  return { qubo, energy };
}

const vectors = (size: number) =>
  Array.from({ length: 2 ** size }, (_, n) => Array.from({ length: size }, (_, i) => n >> i & 1));

Deno.test("annealing finds the least energy of problems of up to 16 variables", () => {
  for (const [size, density] of [[1, 0], [5, 1], [11, 0.4], [13, 1], [16, 0.7]]) {
    const { qubo, energy } = drawn(size, density, new Random(size));
    const least = vectors(size).reduce((found, x) => Math.min(found, energy(x)), Infinity);
    const solved = anneal(qubo, new Random(7));
    assertAlmostEquals(solved.energy, least, 1e-9);
    assertAlmostEquals(energy([...solved.x]), least, 1e-9);
  }
});

Deno.test("a square penalty is what its formula says for every choice", () => {
  const qubo = new Qubo(4), coefficients = [1.5, -2, 0, 3];
  qubo.addSquare(coefficients, 2, 0.7);
  for (const x of vectors(4)) {
    const sum = coefficients.reduce((s, a, i) => s + a * x[i], 0);
    assertAlmostEquals(qubo.energy(x), 0.7 * (sum - 2) ** 2, 1e-12);
  }
});

Deno.test("files of both formats hold the problem, and broken ones are refused with their line", () => {
  const { qubo } = drawn(6, 0.5, new Random(3));
  for (const text of [writeQubo(qubo, "a choice\nof channels"), writeCoo(qubo)]) {
    const read = readQubo(text);
    for (const x of vectors(6)) assertAlmostEquals(read.energy(x), qubo.energy(x), 1e-12);
  }
  // The example of qbsolv's own description of its format.
  const text = "c a comment\np qubo 0 4 4 6\n0 0 3.4\n1 1 4.5\n2 2 2.1\n3 3 -2.4\n" +
    "0 1 2.2\n0 2 3.4\n1 2 4.5\n0 3 -2\n1 3 4.5678\n2 3 -3.22\n";
  assertAlmostEquals(readQubo(text).energy([1, 0, 1, 1]), 3.4 + 2.1 - 2.4 + 3.4 - 2 - 3.22, 1e-12);
  const refuses = (broken: string, says: string) =>
    assertThrows(() => readQubo(broken, "a.qubo"), FeatherdetError, says);
  refuses("p qubo 0 2 2 1\n0 0 1\n1 1 2\n", "a.qubo: has 2 variables and 0 pairs, its head says 2 and 1");
  refuses("p qubo 0 2 2 0\n0 0 1\n5 5 2\n", "a.qubo: line 3: there are only 2 variables");
  refuses("p qubo 1 2 2 0\n", 'line 1: "p qubo 1 2 2 0" is not');
  refuses("0 0 x\n", 'line 1: "0 0 x" is no entry');
});

Deno.test("choices as binary variables: the least energy is the best choice that meets the budget", () => {
  const counts = [4, 3, 5], random = new Random(5), stairs = stairsOf(counts);
  assertEquals(stairs.size, 9);
  for (let round = 0; round < 5; round++) {
    const costs = counts.map((count) => Array.from({ length: count - 1 }, () => 1 + random.integer(4)));
    const gains = Array.from({ length: stairs.size }, () => random.uniform(0.1, 1));
    const cost = (picks: readonly number[]) =>
      picks.reduce((sum, pick, c) => sum + costs[c].slice(0, pick).reduce((a, b) => a + b, 0), 2);
    const gain = (picks: readonly number[]) => [...bitsOf(stairs, picks)].reduce((sum, x, i) => sum + x * gains[i], 0);
    const all = counts.reduce(
      (lists, count) => lists.flatMap((list) => Array.from({ length: count }, (_, k) => [...list, k])),
      [[]] as number[][],
    );
    const most = cost(all[random.integer(all.length)]);
    // A step costs 1 at least, so that a penalty of all gains for each unit is more than any step brings.
    const best = all.filter((picks) => cost(picks) === most).reduce((a, b) => gain(b) > gain(a) ? b : a);
    const qubo = stairsQubo(stairs, { gains, cost, most, around: [1, 1, 1], penalty: 2 * most * most });
    const least = vectors(stairs.size).reduce((a, b) => qubo.energy(b) < qubo.energy(a) ? b : a);
    assertEquals([...least], [...bitsOf(stairs, picksOf(stairs, least))]);
    assertAlmostEquals(gain(picksOf(stairs, least)), gain(best), 1e-9);
    assertAlmostEquals(anneal(qubo, new Random(round)).energy, qubo.energy(least), 1e-6);
    assert(cost(picksOf(stairs, least)) === most);
  }
});
