/** Ways to choose widths: the knapsack against all that is possible, sensitivities and NetAdapt with meters that compute scores. */

import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { chooseWidths, WIDTH_METHOD_NAMES, type WidthProblem, type Widths } from "../../../src/compress/prune/mod.ts";
import { type LeastLoss, leastLoss, solveKnapsack } from "../../../src/compress/prune/knapsack.ts";
import { lossAt, scanSensitivity } from "../../../src/compress/prune/sensitivity.ts";
import { FeatherdetError } from "../../../src/graph/mod.ts";
import { Random } from "../../../src/numbers/random.ts";

const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);

/** All ways to pick one of each. */
function* everyPick(counts: readonly number[]): Generator<number[]> {
  if (counts.length === 0) return yield [];
  for (const rest of everyPick(counts.slice(1))) for (let i = 0; i < counts[0]; i++) yield [i, ...rest];
}

/** The least loss of all picks within the cost; Infinity for none. */
function leastOfAll(counts: readonly number[], loss: (picks: number[]) => number, isMet: (picks: number[]) => boolean) {
  let least = Infinity;
  for (const picks of everyPick(counts)) if (isMet(picks)) least = Math.min(least, loss(picks));
  return least;
}

Deno.test("the knapsack loses no more than any other picks within the cost", () => {
  const random = new Random(3);
  const below = (count: number) => random.integer(count);
  let met = 0;
  for (let trial = 0; trial < 200; trial++) {
    const places = Array.from(
      { length: 1 + below(5) },
      () => Array.from({ length: 1 + below(5) }, () => ({ cost: below(3) - 1 + random.next(), loss: below(4) / 2 })),
    );
    const most = random.next() * places.length;
    const costOf = (picks: readonly number[]) => sum(picks.map((pick, place) => places[place][pick].cost));
    const lossOf = (picks: readonly number[]) => sum(picks.map((pick, place) => places[place][pick].loss));
    const least = leastOfAll(places.map(({ length }) => length), lossOf, (picks) => costOf(picks) <= most);
    const found = solveKnapsack(places, most);
    if (least === Infinity) assertEquals(found, undefined);
    else {
      assertEquals(lossOf(found!), least);
      assert(costOf(found!) <= most + 1e-12);
      met++;
    }
  }
  assert(met > 100);
});

Deno.test("with more partial sums than are kept, what can be met is met, and little is lost", () => {
  const random = new Random(5);
  const places = Array.from({ length: 40 }, () =>
    Array.from({ length: 12 }, (_, i) => {
      return { cost: 12 - i + random.next() / 10, loss: i === 0 ? 0 : i * i * random.next() };
    }));
  const cheapest = sum(places.map((choices) => Math.min(...choices.map(({ cost }) => cost))));
  for (const most of [cheapest, 1.5 * cheapest, 6 * cheapest]) {
    const picks = solveKnapsack(places, most)!;
    const found = sum(picks.map((pick, place) => places[place][pick].loss));
    assert(sum(picks.map((pick, place) => places[place][pick].cost)) <= most * (1 + 1e-9));
    // Lagrange: for any price of cost, no picks lose less than the sum of what is best at this price (weak duality).
    const bound = Math.max(...Array.from({ length: 400 }, (_, i) => {
      const price = i / 10;
      return sum(places.map((list) => Math.min(...list.map(({ cost, loss }) => loss + price * cost)))) - price * most;
    }));
    assert(found >= bound - 1e-9 && (most === cheapest || found <= bound * 1.02 + 1), `${found}, at least ${bound}`);
  }
});

/** Layers between neighbouring bundles, each as dear as the product of what it reads and makes. */
function chain(widths: Widths, weights: readonly number[]): number {
  return sum(weights.map((weight, i) => weight * (i === 0 ? 3 : widths[i - 1]) * (widths[i] ?? 2)));
}

Deno.test("with costs that are products of widths, the knapsack and exchanges find the least loss of all", () => {
  const random = new Random(11);
  for (let trial = 0; trial < 60; trial++) {
    const count = 2 + trial % 3, weights = Array.from({ length: count + 1 }, () => 0.2 + random.next());
    const options = Array.from({ length: count }, () => [16, 12, 8, 4]);
    const losses = options.map(() => {
      let loss = 0;
      return [0, 1, 2, 3].map((i) => loss += i * random.next() * 3);
    });
    const cost = (widths: Widths) => chain(widths, weights);
    const most = (0.3 + 0.6 * random.next()) * cost(options.map(([whole]) => whole));
    const problem: LeastLoss = { options, losses, model: { cost }, most };
    const lossOf = (picks: readonly number[]) => sum(picks.map((pick, bundle) => losses[bundle][pick]));
    const widthsOf = (picks: readonly number[]) => picks.map((pick, bundle) => options[bundle][pick]);
    const least = leastOfAll(options.map(() => 4), lossOf, (picks) => cost(widthsOf(picks)) <= most);
    const picks = leastLoss(problem);
    assert(cost(widthsOf(picks)) <= most * (1 + 1e-9));
    assertAlmostEquals(lossOf(picks), least, 1e-9);
  }
});

const ladder = (count: number, steps: readonly number[]) => ({
  order: Array.from({ length: count }, (_, i) => i),
  scores: Array.from({ length: count }, (_, i) => i + 1),
  steps,
});

/** Three bundles; the first is frozen, the second matters most. */
const WHOLE = [8, 16, 13];

function problem(share: number, changes: Partial<WidthProblem> = {}): WidthProblem & { readonly asked: Widths[] } {
  const asked: Widths[] = [], weights = [1, 1, 0.5, 2];
  const cost = (widths: Widths) => chain(widths, weights);
  return {
    asked,
    whole: WHOLE,
    ladders: [ladder(8, []), ladder(16, [12, 8, 4]), ladder(13, [12, 8, 4])],
    budget: {
      model: { cost, saving: (widths, b, fewer) => cost(widths) - cost(widths.with(b, widths[b] - fewer)) },
      most: share * cost(WHOLE),
      text: `${share} of it`,
    },
    meter: {
      score(widths) {
        asked.push(widths);
        return Promise.resolve(1 - 0.05 * (16 - widths[1]) - 0.01 * (13 - widths[2]));
      },
    },
    ...changes,
  };
}

Deno.test("a scan scores every bundle alone at the widths nearest to its shares", async () => {
  const given = problem(0.5);
  const found = await scanSensitivity(given);
  assertEquals(given.asked, [WHOLE, [8, 12, 13], [8, 8, 13], [8, 4, 13], [8, 16, 8], [8, 16, 4]]);
  assertEquals(found.bundles.map((points) => points.map(({ width }) => width)), [[], [12, 8, 4], [8, 4]]);
  assertEquals(found.whole, 1);
  await assertRejects(
    () => scanSensitivity(problem(0.5, { meter: { score: () => Promise.resolve(NaN) } })),
    FeatherdetError,
    "has the score NaN",
  );
});

Deno.test("losses are linear between measured widths and beyond, and never fall", () => {
  const points = [{ width: 12, score: 0.7 }, { width: 8, score: 0.75 }, { width: 4, score: 0.5 }];
  const at = (width: number) => lossAt({ whole: 0.8, bundles: [points] }, 0, 16, width);
  [[16, 0], [14, 0.05], [12, 0.1], [8, 0.1], [6, 0.2], [4, 0.3], [2, 0.4]].forEach(([width, loss]) =>
    assertAlmostEquals(at(width), loss, 1e-12)
  );
  // What scores better than the whole network loses nothing.
  assertEquals(lossAt({ whole: 0.8, bundles: [[{ width: 8, score: 0.9 }]] }, 0, 16, 8), 0);
});

Deno.test("knapsack and NetAdapt narrow what the score does not need; ranking goes by the criterion", async () => {
  for (const method of ["knapsack", "netadapt"] as const) {
    const given = problem(0.7);
    const widths = await chooseWidths({ ...given, method });
    assertEquals([widths[0], widths[1]], [8, 16], method);
    assert(widths[2] < 13 && given.budget.model.cost(widths) <= given.budget.most, method);
  }
  const ranked = problem(0.7);
  assert((await chooseWidths(ranked))[1] < 16);
  assertEquals(ranked.asked, []);
});

Deno.test("every step of NetAdapt saves its part, by the proposal that scores best", async () => {
  const given = problem(0.6), told: string[] = [];
  const widths = await chooseWidths({ ...given, method: "netadapt", onChoosing: (what) => void told.push(what) });
  const { model, most } = given.budget, whole = model.cost(WHOLE);
  // From one step to the next only one bundle changes, to the width that saves a twelfth of the way.
  let now: Widths = WHOLE;
  for (let at = 0; at < given.asked.length;) {
    const changed = (to: Widths) => to.filter((width, b) => width !== now[b]).length;
    const step: Widths[] = [];
    while (at < given.asked.length && changed(given.asked[at]) === 1) step.push(given.asked[at++]);
    assert(step.length > 0);
    const aim = Math.max(most, model.cost(now) - (whole - most) / 12);
    for (const proposal of step) assert(model.cost(proposal) <= aim);
    now = step.reduce((best, one) => 5 * one[1] + one[2] > 5 * best[1] + best[2] ? one : best);
  }
  assertEquals(widths, now);
  assert(told[0].startsWith("step 1: 2 proposals"));
});

Deno.test("costs that were guessed are asked for anew once they are measured, by every method", async () => {
  for (const method of WIDTH_METHOD_NAMES) {
    let known = false, settled = 0;
    const given = problem(0.5), { model, most } = given.budget;
    // Guessed, everything is nearly free, and the budget is met at once.
    const guess = {
      cost: (widths: Widths) => known ? model.cost(widths) : most / 2,
      saving: (widths: Widths, b: number, fewer: number) => known ? model.saving(widths, b, fewer) : 1,
    };
    const settle = () => {
      const was = known;
      [known, settled] = [true, settled + 1];
      return Promise.resolve(!was);
    };
    const widths = await chooseWidths({ ...given, budget: { ...given.budget, model: guess }, settle, method });
    assert(model.cost(widths) <= most && settled > 1, method);
  }
});

Deno.test("budgets that cannot be met, missing meters and unknown methods are refused", async () => {
  for (const method of WIDTH_METHOD_NAMES) {
    await assertRejects(
      () => chooseWidths({ ...problem(0.05), method }),
      FeatherdetError,
      "the budget of 0.05 of it cannot be met",
    );
  }
  await assertRejects(
    () => chooseWidths({ ...problem(0.5, { meter: undefined }), method: "netadapt" }),
    FeatherdetError,
    'method "netadapt" needs somebody who scores candidates',
  );
  await assertRejects(
    () => chooseWidths({ ...problem(0.5), method: "grid" as "netadapt" }),
    FeatherdetError,
    'unknown method "grid", there are criterion, knapsack, netadapt',
  );
});
