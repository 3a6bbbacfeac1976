/**
 * Reinforcement learning: an agent as in AMC (He et al. 2018, "AutoML for Model Compression"). It walks through the dimensions, sees
 * eleven numbers of each, and chooses a share of its values; the score of the whole candidate is the reward of every step of the walk.
 *
 * Actor and critic learn by deep deterministic policy gradients from all trials there are. Who trains the networks is handed in.
 *
 * @module
 */

import type { Random } from "../../../numbers/random.ts";
import {
  fullTrials,
  lossesOf,
  type MethodOptions,
  randomOf,
  type Searcher,
  type SearchMethod,
  type SearchProblem,
  type Trial,
} from "../problem.ts";
import { type Point, pointKey, randomPoint } from "../space.ts";
import {
  actionOf,
  AGENT_INPUTS,
  type AgentNetworks,
  agentNetworks,
  type AgentWeights,
  targetName,
} from "./networks.ts";
import { Walk } from "./states.ts";

/** Somebody who trains the networks of an agent. */
export interface AgentTrainer {
  /** Makes one update with a batch; the next one may be asked for before it is done. */
  step(inputs: Readonly<Record<string, Float32Array>>): Promise<unknown>;
  /** Weights by name, as they are or as moving averages, which are the target networks. */
  trained(which: "current" | "average"): Promise<AgentWeights>;
  /** Frees what it holds. */
  destroy(): void;
}

/** How fast networks learn. */
export interface LearningRates {
  /** Of the actor's weights. */
  readonly actor: number;
  /** Of the critic's weights. */
  readonly critic: number;
  /** Share of the networks in the target networks with each update. */
  readonly target: number;
}

/** Makes a trainer of networks. */
export type CreateAgentTrainer = (networks: AgentNetworks, rates: LearningRates) => Promise<AgentTrainer>;

/** What candidates are rewarded by: their score, or less the logarithm of their cost the more they err (AMC, equation 8). */
export type RewardName = "score" | "error-log-cost";

/** How an agent learns. */
export interface AgentOptions {
  /** Who trains its networks. */
  readonly createTrainer: CreateAgentTrainer;
  /** Values of the hidden layers; 64 by default (AMC: 300). */
  readonly hidden?: number;
  /** Transitions of an update; 64 by default. */
  readonly batch?: number;
  /** Updates behind each trial; as many as there are dimensions by default, as AMC has. */
  readonly updates?: number;
  /** Trials by chance before the agent acts; a fifth of the evaluations by default, 10 at least (AMC: 100 of 800). */
  readonly warmup?: number;
  /** Standard deviation of the first noise on actions; 0.5 by default. */
  readonly noise?: number;
  /** What is left of the noise at the last trial; 0.02 by default. AMC multiplies it by 0.95 with each trial. */
  readonly lastNoise?: number;
  /** Default `score`. */
  readonly reward?: RewardName;
  /** By default AMC's: 1e-4 for the actor, 1e-3 for the critic, 0.01 for the targets. */
  readonly rates?: LearningRates;
}

/** A step of a walk. */
interface Transition {
  readonly state: readonly number[];
  readonly action: number;
  readonly next: readonly number[];
  readonly isLast: boolean;
  /** Number of its trial among the learned ones. */
  readonly trial: number;
}

/** A normal number around a centre that lies in 0..1. */
export function truncatedNormal(centre: number, deviation: number, random: Random): number {
  for (let i = 0; i < 64; i++) {
    const drawn = centre + deviation * random.normal();
    if (drawn >= 0 && drawn <= 1) return drawn;
  }
  return Math.min(1, Math.max(0, centre));
}

/** The reward of a trial, more being better. For `error-log-cost` scores are shares of 1. */
export function rewardOf(problem: SearchProblem, trial: Trial, name: RewardName): number {
  const score = -lossesOf(problem, trial)[0];
  return name === "score" ? score : -(1 - score) * Math.log(Math.max(Math.E, trial.cost ?? Math.E));
}

/** An agent that searches. */
class Agent implements Searcher {
  readonly #walk: Walk;
  readonly #transitions: Transition[] = [];
  readonly #rewards: number[] = [];
  #learned = 0;
  #current: AgentWeights | undefined;
  #target: AgentWeights;

  constructor(
    private readonly problem: SearchProblem,
    private readonly seed: number,
    private readonly options: Required<Omit<AgentOptions, "createTrainer" | "rates">>,
    private readonly trainer: AgentTrainer,
    networks: AgentNetworks,
    /** What is left of the noise from trial to trial. */
    private readonly decay: number,
  ) {
    this.#walk = new Walk(problem);
    this.#target = new Map([...networks.weights].map(([name, { data }]) => [name, data as Float32Array]));
  }

  /** Keeps the walk of a candidate. */
  #remember(trial: Trial): void {
    const walk = this.#walk, { point } = trial, number = this.#rewards.length;
    this.#rewards.push(rewardOf(this.problem, trial, this.options.reward));
    const actions = point.map((_, step) => walk.actionOf(point, step));
    const states = point.map((_, step) => walk.state(point, step, step === 0 ? 1 : actions[step - 1]));
    for (const [step, state] of states.entries()) {
      const isLast = step === states.length - 1;
      this.#transitions.push({
        state,
        action: actions[step],
        next: isLast ? state : states[step + 1],
        isLast,
        trial: number,
      });
    }
  }

  /** A batch of steps of walks. Rewards are less the mean of all and in units of their deviation, so that rates fit any score. */
  #batch(random: Random): Record<string, Float32Array> {
    const { batch } = this.options, { features } = this.#walk, rewards = this.#rewards;
    const mean = rewards.reduce((sum, one) => sum + one, 0) / rewards.length;
    const deviation = Math.sqrt(rewards.reduce((sum, one) => sum + (one - mean) ** 2, 0) / rewards.length) || 1;
    const drawn = Array.from({ length: batch }, () => random.pick(this.#transitions));
    const rows = (of: (one: Transition) => readonly number[]) => {
      const data = new Float32Array(batch * features);
      drawn.forEach((one, i) => data.set(of(one), i * features));
      return data;
    };
    const { state, next, action, reward, rest } = AGENT_INPUTS;
    return {
      [state]: rows((one) => one.state),
      [next]: rows((one) => one.next),
      [action]: Float32Array.from(drawn, (one) => one.action),
      [reward]: Float32Array.from(drawn, (one) => (rewards[one.trial] - mean) / deviation),
      [rest]: Float32Array.from(drawn, ({ isLast }) => isLast ? 0 : 1),
      ...Object.fromEntries([...this.#target].map(([name, data]) => [targetName(name), data])),
    };
  }

  /** Learns from the trials that are new. */
  async #learn(trials: readonly Trial[]): Promise<void> {
    const { warmup, updates } = this.options;
    for (; this.#learned < trials.length; this.#learned++) {
      this.#remember(trials[this.#learned]);
      if (this.#learned + 1 < warmup) continue;
      // Of its own, so that what is learned of a trial is the same in a run that goes on.
      const random = randomOf(~this.seed, this.#learned), steps: Promise<unknown>[] = [];
      for (let i = 0; i < updates; i++) steps.push(this.trainer.step(this.#batch(random)));
      await Promise.all(steps);
      this.#current = await this.trainer.trained("current");
      this.#target = await this.trainer.trained("average");
    }
  }

  async propose(history: readonly Trial[], random: Random): Promise<{ readonly point: Point }> {
    const trials = fullTrials(history), { warmup, noise } = this.options, walk = this.#walk;
    await this.#learn(trials);
    const actor = this.#current;
    if (trials.length < warmup || !actor) return { point: randomPoint(this.problem.space, random) };
    const tried = new Set(trials.map(({ point }) => pointKey(point)));
    const point: number[] = [];
    const deviation = noise * this.decay ** (trials.length - warmup);
    // What was tried already teaches nothing: the noise is drawn again, a little wider each time.
    for (let attempt = 0; attempt < 16; attempt++) {
      point.length = 0;
      let last = 1;
      for (let step = 0; step < walk.length; step++) {
        const wanted = actionOf(actor, walk.state(point, step, last));
        const drawn = truncatedNormal(wanted, deviation * 1.15 ** attempt, random);
        point.push(walk.valueOf(drawn, point, step));
        last = walk.actionOf(point, step);
      }
      if (!tried.has(pointKey(point))) break;
    }
    return { point };
  }

  destroy(): void {
    this.trainer.destroy();
  }
}

const AMC_RATES: LearningRates = { actor: 1e-4, critic: 1e-3, target: 0.01 };

/** Search by an agent that learns. It looks at the first aim and at full evaluations, and takes all values as ordered. */
export function ddpg({ createTrainer, rates = AMC_RATES, ...given }: AgentOptions): SearchMethod {
  return {
    name: "ddpg",
    async start(problem: SearchProblem, { seed, evaluations }: MethodOptions) {
      const count = problem.space.dimensions.length;
      const options = {
        ...{ hidden: 64, batch: 64, updates: count, noise: 0.5, lastNoise: 0.02, reward: "score" as const },
        ...{ warmup: Math.max(10, Math.round(evaluations / 5)), ...given },
      };
      const { features } = new Walk(problem), { hidden, batch, noise, lastNoise, warmup } = options;
      const networks = agentNetworks({ features, hidden, batch, seed });
      const decay = (lastNoise / noise) ** (1 / Math.max(1, evaluations - warmup));
      return new Agent(problem, seed, options, await createTrainer(networks, rates), networks, decay);
    },
  };
}
