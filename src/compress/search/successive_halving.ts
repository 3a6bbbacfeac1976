/**
 * Asynchronous successive halving (Li et al. 2020, "A System for Massively Parallel Hyperparameter Tuning"): many candidates are looked at
 * on few pictures, the best third of them on more, and so on.
 *
 * @module
 */

import { FULL, lossesOf, type SearchMethod, type SearchProblem, type Trial } from "./problem.ts";
import { type Point, pointKey, randomPoint } from "./space.ts";

/** One of so many goes on. */
const REDUCTION = 3;

/** The best candidate of a rung that is worth the next one and has not had it; undefined where there is none. */
function promoted(
  problem: SearchProblem,
  rung: readonly Trial[],
  above: ReadonlySet<string>,
): Point | undefined {
  const seen = new Map(rung.map((trial) => [pointKey(trial.point), trial]));
  const ranked = [...seen.values()].sort((a, b) => lossesOf(problem, a)[0] - lossesOf(problem, b)[0]);
  return ranked.slice(0, Math.floor(seen.size / REDUCTION)).find(({ point }) => !above.has(pointKey(point)))?.point;
}

/** Successive halving over the problem's shares of an evaluation; with full ones alone it is search by chance. */
export const SUCCESSIVE_HALVING: SearchMethod = {
  name: "asha",
  start(problem) {
    const { space, fidelities = [FULL] } = problem;
    return {
      propose(history, random) {
        const rungs = fidelities.map((share) => history.filter(({ fidelity }) => fidelity === share));
        for (let level = fidelities.length - 2; level >= 0; level--) {
          const above = new Set(rungs[level + 1].map(({ point }) => pointKey(point)));
          const point = promoted(problem, rungs[level], above);
          if (point !== undefined) return { point, fidelity: fidelities[level + 1] };
        }
        return { point: randomPoint(space, random), fidelity: fidelities[0] };
      },
    };
  },
};
