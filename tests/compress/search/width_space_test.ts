/** Widths as a space: candidates are widths that the ladders have, and searches find the best of them. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { chooseWidths, type WidthProblem, type Widths } from "../../../src/compress/prune/mod.ts";
import { searchMethod } from "../../../src/compress/search/methods.ts";
import { runSearch } from "../../../src/compress/search/run.ts";
import { widthSearch } from "../../../src/compress/search/width_space.ts";
import { FeatherdetError } from "../../../src/graph/mod.ts";

const WHOLE = [8, 16, 3, 8], GAINS = [1, 3, 0, 2];

/** Four bundles, the third of which stays whole; the score falls with what is gone, the second bundle counts most. */
function problem(most: number): WidthProblem & { readonly asked: Widths[] } {
  const asked: Widths[] = [];
  const cost = (widths: Widths) => widths.reduce((sum, width, i) => sum + width * (widths[i + 1] ?? 1), 0);
  const falling = (count: number, step: number) =>
    Array.from({ length: count / step - 1 }, (_, i) => count - step * (i + 1));
  return {
    asked,
    whole: WHOLE,
    ladders: WHOLE.map((count) => ({
      order: Array.from({ length: count }, (_, i) => i),
      scores: Array.from({ length: count }, () => 1),
      steps: count === 3 ? [] : falling(count, count === 16 ? 1 : 2),
    })),
    budget: { model: { cost, saving: () => 1 }, most, text: "a budget" },
    meter: {
      score(widths) {
        asked.push(widths);
        return Promise.resolve(-widths.reduce((sum, width, i) => sum + GAINS[i] * (1 - width / WHOLE[i]) ** 2, 0));
      },
    },
  };
}

Deno.test("dimensions are bundles that can become narrower, from the narrowest width to the whole, thinned out evenly", () => {
  const { problem: search, widthsOf } = widthSearch(problem(1e9), { values: 6, features: (bundle) => [bundle, 1] });
  assertEquals(search.space.dimensions.map(({ name, values, features }) => ({ name, values, features })), [
    { name: "bundle 0", values: [2, 4, 6, 8], features: [0, 1] },
    { name: "bundle 1", values: [1, 4, 7, 10, 13, 16], features: [1, 1] },
    { name: "bundle 3", values: [2, 4, 6, 8], features: [3, 1] },
  ]);
  assertEquals(widthsOf([0, 5, 2]), [2, 16, 3, 6]);
  assertThrows(
    () => widthSearch({ ...problem(9), meter: undefined }),
    FeatherdetError,
    "somebody who scores candidates",
  );
});

Deno.test("searches choose widths within the budget, near the best that there are", async () => {
  const most = 110, all: { widths: Widths; score: number }[] = [];
  const given = problem(most), { problem: search, widthsOf } = widthSearch(given);
  const counts = search.space.dimensions.map(({ values }) => values.length);
  for (let a = 0; a < counts[0]; a++) {
    for (let b = 0; b < counts[1]; b++) {
      for (let c = 0; c < counts[2]; c++) {
        if (search.cost!([a, b, c]) > most) continue;
        const widths = widthsOf([a, b, c]);
        all.push({ widths, score: await given.meter!.score(widths) });
      }
    }
  }
  const scores = all.map(({ score }) => score).sort((a, b) => b - a);
  for (const method of ["random", "tpe", "evolution", "qubo"] as const) {
    const own = problem(most), told: string[] = [];
    const widths = await chooseWidths({ ...own, method, onChoosing: (what) => void told.push(what) });
    assert(own.budget.model.cost(widths) <= most);
    const found = await own.meter!.score(widths);
    assert(found >= scores[2], `${method}: ${found}, the best are ${scores.slice(0, 4)}`);
    assertEquals(told.length, 60);
    assert(own.asked.length <= all.length + 1, "a candidate that was scored before is not scored again");
  }
});

Deno.test("successive halving looks by the cheaper meters first, and only what is left is scored by all of them", async () => {
  const whole = problem(1e9), firsts: Widths[] = [];
  const look = (share: number) => ({
    share,
    meter: {
      score(widths: Widths) {
        firsts.push(widths);
        return whole.meter!.score(widths).then((score) => score - share);
      },
    },
  });
  const { problem: search } = widthSearch({ ...whole }, { looks: [look(0.25), look(0.5)] });
  assertEquals(search.fidelities, [0.25, 0.5, 1]);
  // Candidates are not filled up to the budget: all would be the whole.
  const { trials } = await runSearch({ ...search, fill: false }, {
    method: searchMethod("asha"),
    seed: 3,
    evaluations: 12,
  });
  const of = (fidelity: number) => trials.filter((trial) => trial.fidelity === fidelity);
  assert(of(0.25).length > of(0.5).length && of(0.5).length > of(1).length && of(1).length > 0);
  // What was looked at once is known.
  const looked = new Set([...of(0.25), ...of(0.5)].map(({ point, fidelity }) => `${fidelity} ${point}`));
  assertEquals(firsts.length, looked.size);
  // What was scored whole was among the best of its first look.
  const scores = of(0.25).map(({ values: [score] }) => score).toSorted((a, b) => b - a);
  for (const { point } of of(1)) {
    const first = of(0.25).find((trial) => trial.point.join() === point.join())!;
    assert(scores.indexOf(first.values[0]) < scores.length / 2);
  }
  assertEquals(widthSearch(whole).problem.fidelities, undefined);
});
