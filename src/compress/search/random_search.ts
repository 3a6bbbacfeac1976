/**
 * The two ways to search that every other one is measured by: by chance, and all dimensions alike.
 *
 * @module
 */

import { isWithin, type SearchMethod, type SearchProblem } from "./problem.ts";
import { type Point, pointKey, randomPoint } from "./space.ts";

/** Candidates drawn by chance (Bergstra and Bengio 2012), each value as likely as any other. */
export const RANDOM: SearchMethod = {
  name: "random",
  start: ({ space }) => ({ propose: (_, random) => ({ point: randomPoint(space, random) }) }),
};

/** The candidate that has the same share of every dimension; names stay at their last value. */
function uniformPoint({ space }: Pick<SearchProblem, "space">, share: number): Point {
  return space.dimensions.map(({ values, ordered = true }) => Math.round((ordered ? share : 1) * (values.length - 1)));
}

/** All candidates within the budget that have one share of every dimension, the widest first. */
function uniformPoints(problem: SearchProblem): readonly Point[] {
  const found = new Map<string, Point>();
  for (let share = 200; share >= 0; share--) {
    const point = uniformPoint(problem, share / 200);
    if (isWithin(problem, point)) found.set(pointKey(point), point);
  }
  return [...found.values()];
}

/**
 * The control: the same share of every dimension, as uniform scaling of a network is. It begins with the widest within the budget and has
 * as many candidates as there are different ones.
 */
export const UNIFORM: SearchMethod = {
  name: "uniform",
  start(problem) {
    const points = uniformPoints(problem);
    return {
      propose(history) {
        const tried = history.filter(({ method }) => method === "uniform").length;
        return tried < points.length ? { point: points[tried] } : undefined;
      },
    };
  },
};
