/**
 * Evolution with several aims: NSGA-II (Deb et al. 2002, "A Fast and Elitist Multiobjective Genetic Algorithm") over finite sets.
 *
 * Simulated binary crossover and polynomial mutation work on the numbers of values, which are rounded; a mutation moves by one value at
 * least. Values that are names are exchanged and drawn anew instead. Candidates are brought within the budget before they are scored, so
 * that no trial breaks it.
 *
 * @module
 */

import type { Random } from "../../numbers/random.ts";
import { crowdingOf, type Losses, ranksOf } from "./front.ts";
import { fullTrials, lossesOf, type SearchMethod, type SearchProblem, type Trial } from "./problem.ts";
import { type Dimension, type Point, randomPoint } from "./space.ts";

/** How evolution goes. */
export interface EvolutionOptions {
  /** Candidates of a generation; 20 by default. */
  readonly population?: number;
  /** Probability that two parents are mixed; 0.9 by default. */
  readonly crossover?: number;
  /** How alike children are to their parents after mixing; 15 by default. */
  readonly crossoverIndex?: number;
  /** How alike they are after mutation; 20 by default. */
  readonly mutationIndex?: number;
}

/** A member of a generation, with what decides who has children. */
interface Member {
  readonly point: Point;
  readonly losses: Losses;
  readonly rank: number;
  readonly crowding: number;
}

/** Members with their ranks and crowding. */
function ranked(members: readonly Pick<Member, "point" | "losses">[]): Member[] {
  const ranks = ranksOf(members.map(({ losses }) => losses));
  const crowding = members.map(() => 0);
  for (const rank of new Set(ranks)) {
    const front = ranks.flatMap((one, i) => one === rank ? [i] : []);
    crowdingOf(front.map((i) => members[i].losses)).forEach((value, k) => crowding[front[k]] = value);
  }
  return members.map((member, i) => ({ ...member, rank: ranks[i], crowding: crowding[i] }));
}

/** Lower ranks first, of equal ones those with more room. */
const isBefore = (a: Member, b: Member): number =>
  a.rank - b.rank || (a.crowding === b.crowding ? 0 : b.crowding - a.crowding);

/** The better of two drawn by chance. */
function tournament(members: readonly Member[], random: Random): Point {
  const a = random.pick(members), b = random.pick(members);
  const order = isBefore(a, b);
  return (order < 0 || order === 0 && random.next() < 0.5 ? a : b).point;
}

const bounded = (value: number, { values }: Dimension) => Math.min(values.length - 1, Math.max(0, Math.round(value)));

/** One child of two parents: simulated binary crossover within the bounds (Deb and Agrawal 1995). */
function mixed(a: number, b: number, dimension: Dimension, index: number, random: Random): number {
  if (a === b || random.next() < 0.5) return a;
  if (dimension.ordered === false) return random.next() < 0.5 ? a : b;
  const low = Math.min(a, b), high = Math.max(a, b), top = dimension.values.length - 1, drawn = random.next();
  const spread = (distance: number) => {
    const alpha = 2 - (1 + 2 * distance / (high - low)) ** -(index + 1);
    return drawn <= 1 / alpha ? (drawn * alpha) ** (1 / (index + 1)) : (1 / (2 - drawn * alpha)) ** (1 / (index + 1));
  };
  const child = random.next() < 0.5
    ? (low + high - spread(low) * (high - low)) / 2
    : (low + high + spread(top - high) * (high - low)) / 2;
  return bounded(child, dimension);
}

/** Polynomial mutation within the bounds, by one value at least. */
function mutated(at: number, dimension: Dimension, index: number, random: Random): number {
  const top = dimension.values.length - 1;
  if (top === 0) return at;
  if (dimension.ordered === false) return random.integer(top + 1);
  const drawn = random.next(), power = 1 / (index + 1);
  const delta = drawn < 0.5
    ? (2 * drawn + (1 - 2 * drawn) * (1 - at / top) ** (index + 1)) ** power - 1
    : 1 - (2 * (1 - drawn) + 2 * (drawn - 0.5) * (at / top) ** (index + 1)) ** power;
  const moved = bounded(at + delta * top, dimension);
  if (moved !== at) return moved;
  const step = delta < 0 ? -1 : 1, next = at + step;
  return next < 0 || next > top ? at - step : next;
}

/** A search by evolution. */
class Evolution {
  readonly #problem: SearchProblem;
  readonly #options: Required<EvolutionOptions>;
  /** Trials that generations have been made of, and who lives after them. */
  #seen = 0;
  #living: Member[] = [];

  constructor(problem: SearchProblem, options: Required<EvolutionOptions>) {
    this.#problem = problem;
    this.#options = options;
  }

  /** Who lives after all whole generations of the trials: the best of each and the one before. */
  #population(trials: readonly Trial[]): readonly Member[] {
    const { population } = this.#options;
    while (this.#seen + population <= trials.length) {
      const born = trials.slice(this.#seen, this.#seen + population)
        .map((trial) => ({ point: trial.point, losses: lossesOf(this.#problem, trial) }));
      this.#living = ranked([...this.#living, ...born]).sort(isBefore).slice(0, population);
      this.#seen += population;
    }
    return this.#living;
  }

  propose(history: readonly Trial[], random: Random): { readonly point: Point } {
    const { space } = this.#problem, { crossover, crossoverIndex, mutationIndex } = this.#options;
    const members = this.#population(fullTrials(history));
    if (members.length === 0) return { point: randomPoint(space, random) };
    const a = tournament(members, random), b = tournament(members, random);
    const isMixed = random.next() < crossover;
    const child = space.dimensions.map((dimension, d) =>
      isMixed ? mixed(a[d], b[d], dimension, crossoverIndex, random) : a[d]
    );
    return {
      point: child.map((at, d) =>
        random.next() < 1 / child.length ? mutated(at, space.dimensions[d], mutationIndex, random) : at
      ),
    };
  }
}

/** Evolution with options of its own. */
export function evolution(
  { population = 20, crossover = 0.9, crossoverIndex = 15, mutationIndex = 20 }: EvolutionOptions = {},
): SearchMethod {
  return {
    name: "evolution",
    start: (problem) => new Evolution(problem, { population, crossover, crossoverIndex, mutationIndex }),
  };
}
