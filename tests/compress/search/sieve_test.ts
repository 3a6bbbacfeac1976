/** A sieve: only the best proposal by the cheap score is evaluated, within the budget, and methods still learn. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { runSearch, SEARCH_METHODS, sieved } from "../../../src/compress/search/mod.ts";
import { createSpace, type Point } from "../../../src/compress/search/space.ts";
import { FeatherdetError } from "../../../src/graph/mod.ts";

const SPACE = createSpace(
  ["a", "b"].map((name) => ({ name, kind: "other" as const, values: [0, 1, 2, 3, 4, 5, 6, 7] })),
);
const sum = (point: Point) => point[0] + point[1];
const problem = {
  ...{ space: SPACE, basis: "a sum", aims: [{ name: "score", better: "more" as const }], cost: sum, most: 9 },
  evaluate: (point: Point) => Promise.resolve([sum(point)]),
};

Deno.test("of many proposals the best within the budget is evaluated, the same after a stop", async () => {
  const asked: Point[] = [];
  const score = (point: Point) => (asked.push(point), sum(point));
  const method = sieved(SEARCH_METHODS.evolution, { name: "sum", score, of: 16 });
  const whole = await runSearch(problem, { method, evaluations: 30, seed: 3 });
  assertEquals(asked.length, 30 * 16);
  assert(asked.every((point) => sum(point) <= 9));
  assert(whole.trials.every(({ values: [value], method }) => value >= 8 && method === "evolution+sum"));
  const first = await runSearch(problem, { method, evaluations: 25, seed: 3 });
  const rest = await runSearch(problem, { method, evaluations: 30, seed: 3, history: first.history });
  assertEquals(rest.trials, whole.trials);
  assertThrows(() => sieved(SEARCH_METHODS.random, { name: "sum", score, of: 1 }), FeatherdetError, "compares 1");
});
