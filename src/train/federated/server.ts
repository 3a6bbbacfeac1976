/**
 * Server optimizers of federated training: how the mean of what clients changed moves the common model.
 *
 * @module
 */

/** Name of a server optimizer. */
export type ServerOptimizerName = "fedavg" | "fedavgm" | "fedadam";

/** How the server moves. */
export interface ServerSettings {
  /** Factor of a round's step. */
  readonly learningRate: number;
  /** Share of the last steps (FedAvgM), first beta (FedAdam). */
  readonly momentum: number;
  /** Second beta of FedAdam. */
  readonly secondMomentum: number;
  /** What FedAdam adds to the root: its degree of adaptivity. */
  readonly epsilon: number;
}

/** What a server optimizer keeps between rounds, as long as the vector. */
export interface ServerState {
  /** Mean of the last steps. */
  readonly first: Float64Array<ArrayBuffer>;
  /** Mean of their squares. */
  readonly second: Float64Array<ArrayBuffer>;
}

/** A server optimizer. */
export interface ServerOptimizer {
  /** What is usual. */
  readonly defaults: ServerSettings;
  /** The step of a round: what is added to the parameters. Changes the state. `mean` is what clients changed in the mean. */
  step(mean: ArrayLike<number>, state: ServerState, settings: ServerSettings): Float64Array<ArrayBuffer>;
}

const PLAIN: ServerSettings = { learningRate: 1, momentum: 0, secondMomentum: 0, epsilon: 0 };

const each = (mean: ArrayLike<number>, next: (value: number, i: number) => number): Float64Array<ArrayBuffer> =>
  Float64Array.from(mean, next);

/**
 * Every server optimizer by its name.
 *
 * - `fedavg`: McMahan et al. 2017 (https://arxiv.org/abs/1602.05629), `w += lr mean`; FedProx (Li et al. 2020,
 *   https://arxiv.org/abs/1812.06127) is the same with `proximal` clients.
 * - `fedavgm`: Hsu et al. 2019 (https://arxiv.org/abs/1909.06335), `v = momentum v + mean`, `w += lr v`.
 * - `fedadam`: Reddi et al. 2021 (https://arxiv.org/abs/2003.00295, algorithm 2), `m = b1 m + (1 - b1) mean`,
 *   `v = b2 v + (1 - b2) mean^2`, `w += lr m / (sqrt(v) + eps)`; `v` begins with `eps^2`.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { newServerState, SERVER_OPTIMIZERS } from "./server.ts";
 * const { step, defaults } = SERVER_OPTIMIZERS.fedavgm, state = newServerState(1, defaults);
 * const settings = { ...defaults, momentum: 0.5 };
 * assert.deepEqual([...step([1], state, settings)], [1]);
 * assert.deepEqual([...step([1], state, settings)], [1.5]);
 * ```
 */
export const SERVER_OPTIMIZERS: Readonly<Record<ServerOptimizerName, ServerOptimizer>> = {
  fedavg: {
    defaults: PLAIN,
    step: (mean, _, { learningRate }) => each(mean, (value) => learningRate * value),
  },
  fedavgm: {
    defaults: { ...PLAIN, momentum: 0.9 },
    step: (mean, { first }, { learningRate, momentum }) =>
      each(mean, (value, i) => learningRate * (first[i] = momentum * first[i] + value)),
  },
  fedadam: {
    defaults: { learningRate: 0.01, momentum: 0.9, secondMomentum: 0.99, epsilon: 1e-3 },
    step: (mean, { first, second }, { learningRate, momentum, secondMomentum, epsilon }) =>
      each(mean, (value, i) => {
        first[i] = momentum * first[i] + (1 - momentum) * value;
        second[i] = secondMomentum * second[i] + (1 - secondMomentum) * value ** 2;
        return learningRate * first[i] / (Math.sqrt(second[i]) + epsilon);
      }),
  },
};

/** The state before the first round. */
export function newServerState(length: number, { epsilon }: Pick<ServerSettings, "epsilon">): ServerState {
  return { first: new Float64Array(length), second: new Float64Array(length).fill(epsilon ** 2) };
}
