/** Fronts of several aims against counting by hand. */

import { assert, assertEquals } from "@std/assert";
import { crowdingOf, dominates, frontOf, hypervolume, ranksOf } from "../../../src/compress/search/front.ts";
import { Random } from "../../../src/numbers/random.ts";

const some = (count: number, seed: number, levels: number) => {
  const random = new Random(seed);
  return Array.from({ length: count }, () => [random.integer(levels), random.integer(levels)]);
};

Deno.test("ranks: peeling off the front again and again", () => {
  for (const seed of [1, 2, 3]) {
    const losses = some(37, seed, 9), ranks = ranksOf(losses);
    let left = losses.map((_, i) => i);
    for (let rank = 0; left.length > 0; rank++) {
      const front = left.filter((i) => !left.some((j) => dominates(losses[j], losses[i])));
      for (const i of front) assertEquals(ranks[i], rank);
      left = left.filter((i) => !front.includes(i));
    }
    const best = frontOf(losses).map((i) => String(losses[i])).sort();
    const first = [...new Set(losses.filter((_, i) => ranks[i] === 0).map(String))].sort();
    assertEquals(best, first);
  }
});

Deno.test("the covered area is that of the cells that somebody covers", () => {
  for (const seed of [4, 5]) {
    const losses = some(13, seed, 12), reference = [10, 11];
    let cells = 0;
    for (let x = 0; x < reference[0]; x++) {
      for (let y = 0; y < reference[1]; y++) if (losses.some(([a, b]) => a <= x && b <= y)) cells++;
    }
    assertEquals(hypervolume(losses, reference), cells);
  }
  assertEquals(hypervolume([[2, 2]], [2, 3]), 0);
});

Deno.test("crowding: the ends have room without end, the others what is between their neighbours", () => {
  assertEquals(crowdingOf([[0, 4], [1, 2], [4, 0]]), [Infinity, 2, Infinity]);
  assert(crowdingOf([[1, 1]])[0] === Infinity && crowdingOf([]).length === 0);
});
