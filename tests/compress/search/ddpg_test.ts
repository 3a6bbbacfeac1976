/** The agent: its gradients against finite differences, its walk within the budget, and that it learns. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { chainProblem } from "../../../bench/search_spaces.ts";
import { ddpg, rewardOf, truncatedNormal } from "../../../src/compress/search/ddpg/agent.ts";
import {
  actionOf,
  AGENT_INPUTS,
  agentNetworks,
  type AgentWeights,
  targetName,
} from "../../../src/compress/search/ddpg/networks.ts";
import { Walk } from "../../../src/compress/search/ddpg/states.ts";
import { isWithin } from "../../../src/compress/search/problem.ts";
import { runSearch } from "../../../src/compress/search/run.ts";
import { createSpace } from "../../../src/compress/search/space.ts";
import { Random } from "../../../src/numbers/random.ts";
import { agentProblem, agentTrainers } from "../../../src/recipes/search/agent_trainer.ts";
import { referenceTensor, runReference } from "../../../src/reference/run.ts";
import { buildGradientGraph } from "../../../src/train/mod.ts";
import { gpuTest } from "../../support/gpu.ts";

const SHAPE = { features: 3, hidden: 5, batch: 4, seed: 2 };

/** A fully connected layer as its definition has it. */
function dense(weights: AgentWeights, name: string, x: readonly number[]): number[] {
  const weight = weights.get(`${name}.weight`)!, bias = weights.get(`${name}.bias`)!;
  return Array.from(bias, (start, o) => x.reduce((sum, one, i) => sum + weight[o * x.length + i] * one, start));
}

const relu = (x: readonly number[]) => x.map((one) => Math.max(0, one));

function actor(weights: AgentWeights, state: readonly number[]): number {
  const hidden = relu(dense(weights, "actor.1", relu(dense(weights, "actor.0", state))));
  return 1 / (1 + Math.exp(-dense(weights, "actor.2", hidden)[0]));
}

function critic(weights: AgentWeights, state: readonly number[], action: number): number {
  const acted = dense(weights, "critic.action", [action]);
  const first = relu(dense(weights, "critic.state", state).map((one, i) => one + acted[i]));
  return dense(weights, "critic.2", relu(dense(weights, "critic.1", first)))[0];
}

Deno.test("one update: the critic follows its error alone, the actor the critic's slope alone", () => {
  const networks = agentNetworks(SHAPE), random = new Random(8), { features, batch } = SHAPE;
  /** Weights large enough for slopes to show. */
  const drawn = (more: number): AgentWeights =>
    new Map(
      [...networks.weights].map(([name, { data }]) => [name, Float32Array.from(data, () => more * random.normal())]),
    );
  const weights = drawn(0.6), target = drawn(0.6);
  const states = Array.from({ length: 2 * batch }, () => Array.from({ length: features }, () => random.next()));
  const [now, next] = [states.slice(0, batch), states.slice(batch)];
  const actions = now.map(() => random.next()), rewards = now.map(() => random.normal()), rest = [1, 0, 1, 1];
  const loss = (own: AgentWeights) =>
    now.reduce((sum, state, i) => {
      const worth = rewards[i] + rest[i] * critic(target, next[i], actor(target, next[i]));
      return sum + (critic(own, state, actions[i]) - worth) ** 2 / batch;
    }, 0);
  // The actor minimises what its actions are worth, times -1, by the critic as it is.
  const dislike = (own: AgentWeights) =>
    -now.reduce((sum, state) => sum + critic(weights, state, actor(own, state)) / batch, 0);

  const { graph, parameters, losses, seeds } = agentProblem(networks);
  const wrt = parameters.map(({ name }) => name);
  assertEquals(new Set(wrt), new Set(networks.weights.keys()));
  const step = buildGradientGraph(graph, { losses: losses.map(({ value }) => value), seeds, wrt });
  const { state, next: following, action, reward, rest: left } = AGENT_INPUTS;
  const column = (list: readonly number[]) => referenceTensor([batch, 1], Float32Array.from(list));
  const rows = (list: readonly (readonly number[])[]) =>
    referenceTensor([batch, features], Float32Array.from(list.flat()));
  const shapeOf = (name: string) => networks.weights.get(name)!.shape;
  const inputs = {
    ...{ [state]: rows(now), [following]: rows(next) },
    ...{ [action]: column(actions), [reward]: column(rewards), [left]: column(rest) },
    ...Object.fromEntries([...weights].map(([name, data]) => [name, referenceTensor(shapeOf(name), data)])),
    ...Object.fromEntries([...target].map(([name, data]) => [targetName(name), referenceTensor(shapeOf(name), data)])),
  };
  const made = runReference(step.graph, inputs);
  assertAlmostEquals(made.get(networks.loss)!.data[0], loss(weights), 1e-6);
  now.forEach((one, i) => {
    assertAlmostEquals(made.get(networks.seed.value)!.data[i], actor(weights, one), 1e-6);
    assertAlmostEquals(actionOf(weights, one), actor(weights, one), 1e-6);
  });
  for (const [name, data] of weights) {
    const of = name.startsWith("actor") ? dislike : loss, gradient = made.get(step.gradients.get(name)!)!.data;
    const moved = (i: number, by: number) => {
      const changed = Float64Array.from(data);
      changed[i] += by;
      return of(new Map([...weights, [name, changed as unknown as Float32Array]]));
    };
    for (const i of [0, data.length >> 1, data.length - 1]) {
      const slope = (moved(i, 1e-5) - moved(i, -1e-5)) / 2e-5;
      assertAlmostEquals(gradient[i], slope, 1e-4 + 1e-3 * Math.abs(slope), `${name}[${i}]`);
    }
  }
});

Deno.test("whatever an agent does, the budget is kept, and states are numbers in 0..1", () => {
  const problem = chainProblem(0.2), walk = new Walk(problem), random = new Random(3);
  assertEquals([walk.features, walk.length], [11, 12]);
  for (let i = 0; i < 20; i++) {
    const point: number[] = [];
    for (let step = 0; step < walk.length; step++) {
      const state = walk.state(point, step, step === 0 ? 1 : walk.actionOf(point, step - 1));
      assert(state.length === 11 && state.every((one) => one >= 0 && one <= 1), String(state));
      // The more it wants, the tighter the bound.
      point.push(walk.valueOf(i === 0 ? 1 : random.next(), point, step));
    }
    assert(isWithin(problem, point));
  }
  const cheap = [...Array(walk.length).keys()].map(() => 0);
  assertEquals(walk.greatest(cheap, 0), 7);
});

Deno.test("noise is normal within 0..1, and both rewards are those of the paper", () => {
  const random = new Random(1), drawn = Array.from({ length: 4000 }, () => truncatedNormal(0.4, 0.1, random));
  const mean = drawn.reduce((a, b) => a + b, 0) / drawn.length;
  assertAlmostEquals(mean, 0.4, 0.01);
  assertAlmostEquals(Math.sqrt(drawn.reduce((sum, one) => sum + (one - mean) ** 2, 0) / drawn.length), 0.1, 0.01);
  assert(Array.from({ length: 500 }, () => truncatedNormal(0.05, 0.5, random)).every((one) => one >= 0 && one <= 1));
  const trial = { number: 0, method: "ddpg", seed: 0, point: [], fidelity: 1, values: [0.7], cost: 1e8 };
  const aims = { ...chainProblem(), aims: [{ name: "score", better: "more" as const }] };
  assertEquals(rewardOf(aims, trial, "score"), 0.7);
  assertAlmostEquals(rewardOf(aims, trial, "error-log-cost"), -0.3 * Math.log(1e8), 1e-9);
});

gpuTest("an agent trained by the engine finds what its rewards say, and goes on from its table", async () => {
  // Three choices whose best values differ: 6 of 7, 1 of 7, 4 of 7.
  const best = [6, 1, 4];
  const space = createSpace(best.map((_, i) => ({
    ...{ name: `x${i}`, kind: "other" as const, values: [0, 1, 2, 3, 4, 5, 6, 7] },
    features: [i === 0 ? 1 : 0, i === 1 ? 1 : 0, i === 2 ? 1 : 0],
  })));
  const problem = {
    ...{ space, basis: "a target", aims: [{ name: "score", better: "more" as const }] },
    evaluate: (point: readonly number[]) =>
      Promise.resolve([-point.reduce((sum, at, i) => sum + (at - best[i]) ** 2, 0)]),
  };
  const method = ddpg({
    ...{ createTrainer: agentTrainers(), hidden: 16, batch: 32, updates: 4, warmup: 12, lastNoise: 0.05, noise: 0.3 },
    rates: { actor: 5e-3, critic: 1e-2, target: 0.05 },
  });
  const { trials } = await runSearch(problem, { method, seed: 1, evaluations: 32 });
  const mean = (list: typeof trials) => list.reduce((sum, { values: [value] }) => sum + value, 0) / list.length;
  const before = mean(trials.slice(0, 12)), after = mean(trials.slice(-8));
  assert(after > before / 2, `rewards by chance ${before}, learned ${after}`);
  const rest = await runSearch(problem, { method, seed: 1, evaluations: 32, history: trials.slice(0, 26) });
  assertEquals(rest.trials, trials);
});
