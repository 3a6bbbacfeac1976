/** The ways to search: within the budget, better than chance, the same after a stop. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { bestOfChain, branin, chainProblem, zdt1 } from "../../../bench/search_spaces.ts";
import { evolution } from "../../../src/compress/search/evolution.ts";
import { hypervolume } from "../../../src/compress/search/front.ts";
import { SEARCH_METHODS, searchMethod } from "../../../src/compress/search/methods.ts";
import { fitToBudget, isWithin, type SearchProblem, type Trial } from "../../../src/compress/search/problem.ts";
import { bestSoFar, evaluationsOf, runSearch } from "../../../src/compress/search/run.ts";
import {
  createSpace,
  namedPoint,
  pointKey,
  pointOf,
  randomPoint,
  sizeOfSpace,
} from "../../../src/compress/search/space.ts";
import { readTable, tableText } from "../../../src/compress/search/trial_table.ts";
import { FeatherdetError } from "../../../src/graph/mod.ts";
import { Random } from "../../../src/numbers/random.ts";

const PEERS = JSON.parse(await Deno.readTextFile(new URL("../../fixtures/search_peers.json", import.meta.url)));

const mean = (values: readonly number[]) => values.reduce((sum, one) => sum + one, 0) / values.length;

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1];

async function bests(problem: SearchProblem, name: string, evaluations: number, seeds: number): Promise<number[]> {
  const found: number[] = [];
  for (let seed = 0; seed < seeds; seed++) {
    const { best } = await runSearch(problem, { method: searchMethod(name), seed, evaluations });
    found.push(best!.values[0]);
  }
  return found;
}

Deno.test("every way stays within the budget, beats the exact optimum nowhere; those that learn beat chance", async () => {
  const most = 0.4, problem = chainProblem(most, [0.2, 0.5, 1]), optimum = bestOfChain(most);
  const found: Record<string, number> = {};
  for (const method of Object.values(SEARCH_METHODS)) {
    const scores = [];
    for (const seed of [0, 1]) {
      const { trials, best } = await runSearch(problem, { method, seed, evaluations: 80 });
      assert(trials.every((trial) => trial.cost! <= most && isWithin(problem, trial.point)), method.name);
      assertEquals(best!.values, await problem.evaluate(best!.point, 1));
      assert(best!.values[0] <= optimum);
      scores.push(best!.values[0]);
    }
    found[method.name] = mean(scores);
  }
  const { random, uniform, tpe, evolution, qubo } = found;
  assert(Math.min(tpe, evolution, qubo) > random, JSON.stringify(found));
  assert(Math.max(tpe, evolution, qubo) > uniform, JSON.stringify(found));
});

Deno.test("a search that goes on from its table tries what it would have tried", async () => {
  const problem = chainProblem(0.5, [0.25, 1]);
  for (const method of Object.values(SEARCH_METHODS)) {
    const whole = await runSearch(problem, { method, seed: 3, evaluations: 30 });
    const told: Trial[] = [], stop = new AbortController();
    const first = await runSearch(problem, {
      ...{ method, seed: 3, evaluations: 30, signal: stop.signal },
      onTrial(trial, evaluations) {
        told.push(trial);
        assertEquals(evaluations, evaluationsOf(told));
        if (evaluations >= 13) stop.abort();
      },
    });
    assertEquals(first.reason, first.trials.length < 13 && method.name === "uniform" ? "exhausted" : "interrupted");
    // A line that a stop cut off is not there.
    const text = `${tableText(problem, told)}{"trial":9`;
    const history = readTable(problem, text, "trials.jsonl");
    assertEquals(history, told);
    const rest = await runSearch(problem, { method, seed: 3, evaluations: 30, history });
    assertEquals(rest.trials, whole.trials, method.name);
  }
});

Deno.test("several at a time: all of a round are scored together, and a stop within a round changes nothing", async () => {
  let under = 0, most = 0;
  const plain = chainProblem(0.5, [0.25, 1]);
  const problem: SearchProblem = {
    ...plain,
    async evaluate(point, fidelity) {
      most = Math.max(most, ++under);
      const values = await plain.evaluate(point, fidelity);
      under--;
      return values;
    },
  };
  for (const method of Object.values(SEARCH_METHODS)) {
    most = 0;
    const how = { method, seed: 2, evaluations: 20, together: 3 };
    const whole = await runSearch(problem, how);
    if (method.name !== "uniform") assertEquals(most, 3, method.name);
    assertEquals(whole.trials.map(({ number }) => number), whole.trials.map((_, i) => i));
    // One candidate less than a whole number of rounds is known, and one more.
    for (const known of [5, 7]) {
      const rest = await runSearch(problem, { ...how, history: whole.trials.slice(0, known) });
      assertEquals(rest.trials, whole.trials, method.name);
    }
  }
  // Chance asks nothing of what was found before.
  const method = SEARCH_METHODS.random, how = { method, seed: 4, evaluations: 10 };
  assertEquals((await runSearch(plain, { ...how, together: 4 })).trials, (await runSearch(plain, how)).trials);
  await assertRejects(
    () => runSearch(plain, { ...how, together: 0 }),
    FeatherdetError,
    "0 candidates are to be scored",
  );
});

Deno.test("trials of others are known: they are not scored again, and what is learned of them counts", async () => {
  const problem = chainProblem(0.4);
  const others = await runSearch(problem, { method: SEARCH_METHODS.random, seed: 9, evaluations: 40 });
  let asked = 0;
  const counted = {
    ...problem,
    evaluate: (...at: Parameters<typeof problem.evaluate>) => (asked++, problem.evaluate(...at)),
  };
  const again = await runSearch(counted, {
    method: SEARCH_METHODS.random,
    seed: 9,
    evaluations: 45,
    history: others.history,
  });
  assertEquals([again.trials.length, asked], [45, 5]);
  const tpe = await runSearch(problem, {
    method: SEARCH_METHODS.tpe,
    seed: 1,
    evaluations: 1,
    history: others.history,
  });
  const alone = await runSearch(problem, { method: SEARCH_METHODS.tpe, seed: 1, evaluations: 1 });
  assert(tpe.trials[0].values[0] > alone.trials[0].values[0]);
});

Deno.test("NSGA-II on ZDT1 covers as much as pymoo's does with as many evaluations", async () => {
  const { evaluations, least } = PEERS.zdt1;
  const problem = zdt1();
  const { trials } = await runSearch(problem, { method: evolution({ population: 100 }), seed: 0, evaluations });
  const area = hypervolume(trials.slice(-2000).map(({ values }) => values), [1, 1]);
  assert(area >= least - 0.003 && area <= 2 / 3, `${area}, the peer's least is ${least}, the front covers 2/3`);
});

Deno.test("TPE on Branin is as far from the least value as Optuna's, and nearer than chance", async () => {
  const { evaluations, tpe, random } = PEERS.branin, least = 0.397887;
  const ours = median(await bests(branin(), "tpe", evaluations, 5));
  const chance = median(await bests(branin(), "random", evaluations, 5));
  assert(ours - least <= tpe.greatest - least, `${ours}, the peer's are up to ${tpe.greatest}`);
  assert(ours < chance && ours < random.median, `${ours}, by chance ${chance} and ${random.median}`);
});

Deno.test("successive halving: candidates of the best third go on, and only whole evaluations are results", async () => {
  const { trials, best } = await runSearch(chainProblem(0.4, [0.1, 0.3, 1]), {
    method: SEARCH_METHODS.asha,
    evaluations: 12,
  });
  const shares = [0.1, 0.3, 1];
  const counts = shares.map((share) => trials.filter(({ fidelity }) => fidelity === share).length);
  assert(counts[0] > counts[1] && counts[1] > counts[2] && counts[2] > 0, String(counts));
  for (const [i, { point, fidelity }] of trials.entries()) {
    if (fidelity === shares[0]) continue;
    const below = trials.slice(0, i).filter((one) => one.fidelity === shares[shares.indexOf(fidelity) - 1]);
    const own = below.find((one) => pointKey(one.point) === pointKey(point))!;
    const better = new Set(below.filter((one) => one.values[0] > own.values[0]).map((one) => pointKey(one.point)));
    assert(better.size < Math.floor(new Set(below.map((one) => pointKey(one.point))).size / 3));
  }
  assertEquals(best?.fidelity, 1);
  const spent = 0.1 * counts[0] + 0.3 * counts[1] + counts[2];
  assert(Math.abs(spent - evaluationsOf(trials)) < 1e-9 && spent >= 12 - 1e-9);
  const curve = bestSoFar(chainProblem(), trials);
  assertEquals([curve.length, curve[0], curve.at(-1)], [12, undefined, best?.values[0]]);
});

Deno.test("successive halving whose first look is a twentieth of an evaluation beats chance by more than twice the error", async () => {
  const problem = chainProblem(0.4, [0.05, 0.2, 1]);
  const scores = [await bests(problem, "asha", 80, 15), await bests(problem, "random", 80, 15)];
  const errors = scores.map((list) => mean(list.map((one) => (one - mean(list)) ** 2)) / (list.length - 1));
  const lead = mean(scores[0]) - mean(scores[1]), error = Math.sqrt(errors[0] + errors[1]);
  assert(lead > 2 * error, `${lead} +- ${error}`);
});

Deno.test("the control is one share everywhere, the widest first, and comes to an end", async () => {
  const problem = chainProblem(0.4);
  const { trials, reason } = await runSearch(problem, { method: SEARCH_METHODS.uniform, evaluations: 50 });
  assertEquals(reason, "exhausted");
  // Filled up to the budget, a candidate is more than one share; its least width tells which.
  assert(trials.length > 1 && trials.every(({ point }) => Math.max(...point) - Math.min(...point) <= 7));
  const plain = await runSearch({ ...problem, fill: false }, { method: SEARCH_METHODS.uniform, evaluations: 50 });
  assert(plain.trials.every(({ point }) => new Set(point).size === 1));
  assertEquals(plain.trials.map(({ cost }) => cost), plain.trials.map(({ cost }) => cost).sort((a, b) => b! - a!));
});

Deno.test("candidates are brought within the budget, filled up where they have to be, and then stay as they are", () => {
  const random = new Random(1), problem = chainProblem(0.3);
  for (let i = 0; i < 50; i++) {
    const point = fitToBudget(problem, randomPoint(problem.space, random), random);
    assert(isWithin(problem, point));
    // No dimension can rise any more.
    point.forEach((at, d) => {
      if (at < problem.space.dimensions[d].values.length - 1) assert(!isWithin(problem, point.with(d, at + 1)));
    });
    assertEquals(fitToBudget(problem, point, random), point);
  }
});

Deno.test("names, sizes and what is refused", async () => {
  const space = createSpace([
    { name: "size", kind: "size", values: [224, 256, 320] },
    { name: "attention", kind: "attention", values: ["none", "simam"], ordered: false },
  ]);
  assertEquals(sizeOfSpace(space), 6);
  assertEquals(pointOf(space, namedPoint(space, [1, 1])), [1, 1]);
  assertThrows(
    () => pointOf(space, { size: 300, attention: "none" }),
    FeatherdetError,
    '"size" is 300, expected one of 224',
  );
  assertThrows(() => pointOf(space, { size: 224 }), FeatherdetError, '"attention" is missing');
  assertThrows(() => createSpace([]), FeatherdetError, "at least one dimension");
  assertThrows(() => createSpace([...space.dimensions, space.dimensions[0]]), FeatherdetError, 'are called "size"');
  assertThrows(() => searchMethod("grid"), FeatherdetError, 'unknown search "grid", there are random');
  const method = SEARCH_METHODS.random, problem = chainProblem();
  await assertRejects(
    () => runSearch({ ...problem, most: 0.001 }, { method, evaluations: 1 }),
    FeatherdetError,
    "the cheapest",
  );
  await assertRejects(
    () => runSearch({ ...problem, fidelities: [0.5] }, { method, evaluations: 1 }),
    FeatherdetError,
    "up to 1",
  );
  const broken = { ...problem, evaluate: () => Promise.resolve([NaN]) };
  await assertRejects(() => runSearch(broken, { method, evaluations: 1 }), FeatherdetError, "has the figures NaN");
  const text = tableText(problem, []);
  assertThrows(
    () => readTable(chainProblem(0.2), text, "t.jsonl"),
    FeatherdetError,
    "t.jsonl: is a table of another search",
  );
  assertThrows(() => readTable(problem, `${text}{"trial":-1}\n`, "t.jsonl"), FeatherdetError, "t.jsonl: line 2: ");
});
