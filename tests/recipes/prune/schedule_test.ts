/** Budgets of the rounds of progressive pruning. */

import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { FeatherdetError } from "../../../src/graph/mod.ts";
import { roundBudgets } from "../../../src/recipes/prune/schedule.ts";

Deno.test("equal rounds take the same share of what is left, cubic ones fall fast at first", () => {
  const equal = roundBudgets({ gflops: 0.2, bytes: 0.4 }, 4, "equal");
  assertEquals(equal.at(-1), { gflops: 0.2, bytes: 0.4 });
  for (let i = 1; i < 4; i++) assertAlmostEquals(equal[i].gflops! / equal[i - 1].gflops!, 0.2 ** 0.25, 1e-12);
  const cubic = roundBudgets({ gflops: 0.2 }, 4, "cubic").map(({ gflops }) => 1 - gflops!);
  // 1 - (1 - t)^3 of the way (Zhu and Gupta 2017, equation 1).
  [1 / 4, 1 / 2, 3 / 4, 1].forEach((t, i) => assertAlmostEquals(cubic[i], 0.8 * (1 - (1 - t) ** 3), 1e-12));
  assert(cubic[0] > 1 - equal[0].gflops!);
});

Deno.test("rounds that are not whole and unknown schedules are refused", () => {
  assertThrows(() => roundBudgets({ gflops: 0.5 }, 0, "equal"), FeatherdetError, "0 rounds");
  assertThrows(() => roundBudgets({ gflops: 0.5 }, 1.5, "equal"), FeatherdetError, "1.5 rounds");
  assertThrows(
    () => roundBudgets({ gflops: 0.5 }, 2, "linear" as "equal"),
    FeatherdetError,
    'unknown schedule "linear"',
  );
});
