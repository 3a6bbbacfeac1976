/**
 * Actor and critic of deep deterministic policy gradients (Lillicrap et al. 2016) as one graph that makes a whole update: the critic's loss,
 * and the gradient that the critic gives to the actor's actions.
 *
 * The actor is to move along the critic's slope, and the critic is not to move with it. So the slope is computed by nodes of the graph and
 * seeds the actions' gradient: what a seed holds counts as a constant.
 *
 * @module
 */

import type { Constant, Graph } from "../../../graph/mod.ts";
import { ModelBuilder } from "../../../models/builder.ts";

/** How large the networks are. */
export interface NetworkShape {
  /** Numbers of a state. */
  readonly features: number;
  /** Values of each of the two hidden layers. */
  readonly hidden: number;
  /** Transitions of an update. */
  readonly batch: number;
  /** Seed of the first weights. */
  readonly seed: number;
}

/** A graph that is trained, and what of it is. */
export interface AgentNetworks {
  /** Its inputs are those of `AGENT_INPUTS`, and the target networks' weights under `targetName`. */
  readonly graph: Graph;
  /** Value that holds the critic's loss. */
  readonly loss: string;
  /** The actions' value, and the value that holds its gradient. */
  readonly seed: { readonly value: string; readonly gradient: string };
  /** Names of the actor's weights. */
  readonly actor: readonly string[];
  /** Names of the critic's weights. */
  readonly critic: readonly string[];
  /** First weights by name. */
  readonly weights: ReadonlyMap<string, Constant>;
}

/** Inputs of an update: `[batch, features]` states, and `[batch, 1]` each for actions, rewards and whether there is a next state. */
export const AGENT_INPUTS = { state: "state", next: "next", action: "action", reward: "reward", rest: "rest" } as const;

/** Name of the input that feeds a weight of the target networks. */
export const targetName = (weight: string): string => `target.${weight}`;

const ACTOR_LAYERS = ["actor.0", "actor.1", "actor.2"],
  CRITIC_LAYERS = ["critic.state", "critic.action", "critic.1", "critic.2"];

const partsOf = (layers: readonly string[]) => layers.flatMap((layer) => [`${layer}.weight`, `${layer}.bias`]);

/** Makes a fully connected layer of weights that are there. */
type Layer = (name: string, path: string, x: string) => string;

/** `[batch, features] -> [batch, 1]`, shares of 0..1. */
function actorOn(b: ModelBuilder, layer: Layer, path: string, state: string): string {
  const first = b.activation(`${path}.a`, layer("actor.0", `${path}.0`, state), "relu");
  const second = b.activation(`${path}.b`, layer("actor.1", `${path}.1`, first), "relu");
  return b.activation(`${path}.c`, layer("actor.2", `${path}.2`, second), "sigmoid");
}

/** Values of a critic, those behind its hidden layers among them. */
function criticOn(b: ModelBuilder, layer: Layer, path: string, state: string, action: string) {
  const sum = b.add(
    `${path}.sum`,
    layer("critic.state", `${path}.state`, state),
    layer("critic.action", `${path}.action`, action),
  );
  const first = b.activation(`${path}.a`, sum, "relu");
  const second = b.activation(`${path}.b`, layer("critic.1", `${path}.1`, first), "relu");
  return { first, second, value: layer("critic.2", `${path}.2`, second) };
}

/** The networks of an agent with first weights. */
export function agentNetworks({ features, hidden, batch, seed }: NetworkShape): AgentNetworks {
  const b = new ModelBuilder({ seed });
  const [state, next] = [AGENT_INPUTS.state, AGENT_INPUTS.next].map((name) => b.input(name, [batch, features]));
  const [action, reward, rest] = [AGENT_INPUTS.action, AGENT_INPUTS.reward, AGENT_INPUTS.rest]
    .map((name) => b.input(name, [batch, 1]));
  const extents: Readonly<Record<string, readonly [inputs: number, outputs: number]>> = {
    "actor.0": [features, hidden],
    "actor.1": [hidden, hidden],
    "actor.2": [hidden, 1],
    "critic.state": [features, hidden],
    "critic.action": [1, hidden],
    "critic.1": [hidden, hidden],
    "critic.2": [hidden, 1],
  };
  const constants: string[] = [];
  for (const [name, [inputs, outputs]] of Object.entries(extents)) {
    // The last layers begin near zero, so that first actions and values are alike (Lillicrap et al., 7).
    const weights = outputs === 1 ? { uniform: 3e-3 } as const : "uniformFanIn" as const;
    constants.push(b.weight(`${name}.weight`, [outputs, inputs], weights));
    constants.push(b.weight(`${name}.bias`, [outputs], weights, { fanIn: inputs }));
    b.input(targetName(`${name}.weight`), [outputs, inputs]);
    b.input(targetName(`${name}.bias`), [outputs]);
  }
  const gemm = { alpha: 1, beta: 1, transposeA: false, transposeB: true };
  const own: Layer = (name, path, x) => b.node("Gemm", path, [x, `${name}.weight`, `${name}.bias`], gemm);
  const target: Layer = (name, path, x) =>
    b.node("Gemm", path, [x, targetName(`${name}.weight`), targetName(`${name}.bias`)], gemm);

  // What an action is worth: the reward, and what the target networks expect of the next state.
  const expected = criticOn(b, target, "expected", next, actorOn(b, target, "nextAction", next)).value;
  const worth = b.add("worth", reward, b.mul("future", rest, expected));
  const judged = criticOn(b, own, "judged", state, action).value;
  const error = b.node("Sub", "error", [judged, worth], {});
  const loss = b.node("ReduceMean", "loss", [b.mul("squared", error, error)], { axes: [0, 1], keepDims: false });

  // The slope of the critic along the actor's actions, backwards through the critic by hand.
  const actions = actorOn(b, own, "actions", state);
  const { first, second } = criticOn(b, own, "asked", state, actions);
  const through = { ...gemm, beta: 0, transposeB: false };
  const ones = b.define("ones", { dtype: "f32", shape: [batch, 1], data: new Float32Array(batch).fill(-1 / batch) });
  const behind = (path: string, activated: string, slope: string) =>
    b.node("ActivationGradient", path, [activated, slope], { activation: "Relu" });
  const last = b.node("Gemm", "slope.2", [ones, "critic.2.weight"], through);
  const middle = b.node("Gemm", "slope.1", [behind("slope.b", second, last), "critic.1.weight"], through);
  const slope = b.node("Gemm", "slope.action", [behind("slope.a", first, middle), "critic.action.weight"], through);
  const graph = b.graph("agent", [loss, actions, slope]);
  return {
    ...{ graph, loss, seed: { value: actions, gradient: slope } },
    ...{ actor: partsOf(ACTOR_LAYERS), critic: partsOf(CRITIC_LAYERS) },
    weights: new Map(constants.map((name) => [name, graph.constants.get(name)!])),
  };
}

/** The layers of an actor by name, as they lie in the graph. */
export type AgentWeights = ReadonlyMap<string, Float32Array>;

/** What an actor does in one state: the same sums as the graph's, for one row, on the host. */
export function actionOf(weights: AgentWeights, state: readonly number[]): number {
  let x = Float64Array.from(state);
  for (const [at, layer] of ACTOR_LAYERS.entries()) {
    const weight = weights.get(`${layer}.weight`)!, bias = weights.get(`${layer}.bias`)!, width = x.length;
    const isLast = at === ACTOR_LAYERS.length - 1;
    x = Float64Array.from(bias, (start, o) => {
      let sum = start;
      for (let i = 0; i < width; i++) sum += weight[o * width + i] * x[i];
      return isLast ? 1 / (1 + Math.exp(-sum)) : Math.max(0, sum);
    });
  }
  return x[0];
}
