/**
 * What is searched for, and what every way to search is handed.
 *
 * A way to search is pure: it is handed everything that was tried and proposes the next candidate. Who scores candidates is handed in, so
 * that nothing here touches a device.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/mod.ts";
import { Random } from "../../numbers/random.ts";
import { cheapestPoint, type Point, type Space } from "./space.ts";

/** A figure of candidates. */
export interface Aim {
  /** `score`, `gflops`. */
  readonly name: string;
  /** Which is better. */
  readonly better: "more" | "less";
}

/** What is searched. */
export interface SearchProblem {
  /** The candidates. */
  readonly space: Space;
  /** What the figures say and on which pictures, as text: those of one basis are comparable. */
  readonly basis: string;
  /** The figures. The first is the score, by which candidates are ranked; methods of several aims look at all. */
  readonly aims: readonly Aim[];
  /** What a candidate costs, known before it is evaluated; grows with the numbers of the values. Without it everything is allowed. */
  readonly cost?: (point: Point) => number;
  /** The most that a candidate may cost. */
  readonly most?: number;
  /** Whether candidates are made as dear as the budget allows before they are scored, since the score grows with the cost. */
  readonly fill?: boolean;
  /** Shares of a full evaluation that a candidate may have, growing, the last one 1: fewer pictures. Full ones only by default. */
  readonly fidelities?: readonly number[];
  /** Measures the figures of a candidate, in the order of the aims. */
  readonly evaluate: (point: Point, fidelity: number) => Promise<readonly number[]>;
}

/** A candidate that a method wants to know of. */
export interface Proposal {
  /** The candidate; it is brought within the budget before it is scored. */
  readonly point: Point;
  /** One of the problem's shares; a full evaluation by default. */
  readonly fidelity?: number;
}

/** A candidate that was scored. */
export interface Trial {
  /** Counted from 0 within its run. */
  readonly number: number;
  /** Name of the method that proposed it. */
  readonly method: string;
  /** Seed of the run. */
  readonly seed: number;
  /** The candidate as it was scored. */
  readonly point: Point;
  /** The share of a full evaluation that it had. */
  readonly fidelity: number;
  /** Its figures, in the order of the aims. */
  readonly values: readonly number[];
  /** Its cost; absent where the problem has none. */
  readonly cost?: number;
}

/** A search under way. */
export interface Searcher {
  /** The next candidate to score; undefined where the method has no more. What it says follows from the history and the random numbers alone. */
  propose(history: readonly Trial[], random: Random): Promise<Proposal | undefined> | Proposal | undefined;
  /** Frees what it holds. */
  destroy?(): void;
}

/** A way to search. */
export interface SearchMethod {
  /** What tables and records call it. */
  readonly name: string;
  /** Begins a search of a problem. */
  start(problem: SearchProblem, options: MethodOptions): Promise<Searcher> | Searcher;
}

/** What methods may be told. */
export interface MethodOptions {
  /** Seed of first weights and the like. */
  readonly seed: number;
  /** Full evaluations that the run will have: rates that fall over a run follow from it. */
  readonly evaluations: number;
}

/** The share of a full evaluation. */
export const FULL = 1;

/** The figures of a trial, turned so that less is better. */
export function lossesOf({ aims }: Pick<SearchProblem, "aims">, { values }: Pick<Trial, "values">): readonly number[] {
  return values.map((value, i) => aims[i].better === "less" ? value : -value);
}

/** The trials that had a full evaluation. */
export function fullTrials(history: readonly Trial[]): readonly Trial[] {
  return history.filter(({ fidelity }) => fidelity === FULL);
}

/** The random numbers of a trial: they follow from seed and number alone, so that a run that goes on proposes what it would have. */
export function randomOf(seed: number, number: number): Random {
  return new Random(Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b));
}

/** Whether a candidate is within the budget. */
export function isWithin({ cost, most }: Pick<SearchProblem, "cost" | "most">, point: Point): boolean {
  return cost === undefined || most === undefined || cost(point) <= most * (1 + 1e-12);
}

/** Throws FeatherdetError where even the cheapest candidate is over the budget, and for shares of evaluations that cannot be. */
export function checkProblem(problem: SearchProblem): void {
  const { space, most, cost, fidelities = [FULL], aims } = problem;
  if (aims.length === 0) throw new FeatherdetError("a search has at least one aim");
  if (!isWithin(problem, cheapestPoint(space))) {
    throw new FeatherdetError(`the cheapest candidate costs ${cost!(cheapestPoint(space))}, more than ${most}`);
  }
  const rises = fidelities.every((one, i) => one > 0 && (i === 0 || one > fidelities[i - 1]));
  if (rises && fidelities.at(-1) === FULL) return;
  throw new FeatherdetError(`shares of an evaluation are ${fidelities.join(", ")}: expected growing ones up to 1`);
}

/** The same numbers in an order of chance. */
function shuffled(count: number, random: Random): number[] {
  const list = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    [list[i], list[j]] = [list[j], list[i]];
  }
  return list;
}

/**
 * The candidate brought within the budget: dimensions drawn by chance fall by one value each until it is met. Where the problem says so,
 * others then rise as far as the budget allows. A candidate that is within the budget, and full where it has to be, stays as it is.
 */
export function fitToBudget(problem: SearchProblem, point: Point, random: Random): Point {
  const { space, fill } = problem;
  if (problem.cost === undefined || problem.most === undefined) return point;
  const made = [...point];
  while (!isWithin(problem, made)) {
    const above = made.flatMap((at, i) => at > 0 ? [i] : []);
    made[random.pick(above)]--;
  }
  if (!fill) return made;
  let open = shuffled(made.length, random);
  while (open.length > 0) {
    // Each dimension in turn rises by one value; one that cannot any more is left alone.
    open = open.filter((i) => {
      if (made[i] + 1 >= space.dimensions[i].values.length) return false;
      made[i]++;
      if (isWithin(problem, made)) return true;
      made[i]--;
      return false;
    });
  }
  return made;
}
