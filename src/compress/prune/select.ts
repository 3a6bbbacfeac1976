/**
 * Which coupling groups go: those that are worth least, all over the network or in each layer alike, until a budget is met.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/mod.ts";
import type { Widths } from "./widths.ts";

/** Something that a network costs by its widths: operations, parameters, bytes, or milliseconds by a table. */
export interface CostModel {
  /** The whole cost. */
  cost(widths: Widths): number;
  /** What is saved when `fewer` groups of a bundle go. */
  saving(widths: Widths, bundle: number, fewer: number): number;
  /** What each layer costs, by its position in `WidthModel.layers`; undefined for layers that have no cost of their own. */
  layers?(widths: Widths): readonly (number | undefined)[];
  /** How many numbers behind the costs that were asked for are guesses as long as nobody measures them; none if it is left out. */
  readonly missing?: number;
  /** Measures them; false where there were none. Costs are to be asked for anew then. */
  settle?(): Promise<boolean>;
}

/** How groups are chosen. */
export interface SelectOptions {
  /** `global`: the least of all layers first; `local`: the same share of every layer. Default `global`. */
  readonly ranking?: "global" | "local";
  /** Widths stay multiples of this, where they were: 4, a cell, by default. */
  readonly multiple?: number;
  /** Least share of each layer's channels that stays; 0.1 by default. */
  readonly floor?: number;
  /** Least number of channels that stays in each layer; one multiple by default. */
  readonly least?: number;
  /** Scores are divided by what a channel saves of this cost; by the budget's own by default, `false` for not at all. */
  readonly per?: CostModel | false;
}

/** A bundle's groups from the one worth least to the one worth most, and the widths that it may have below its whole one, falling. */
export interface Ladder {
  /** Numbers of the groups, those worth least first. */
  readonly order: readonly number[];
  /** What each group is worth, by its number. */
  readonly scores: readonly number[];
  /** Widths, falling; empty for a bundle that stays whole. */
  readonly steps: readonly number[];
}

/** What a network may cost. */
export interface WidthBudget {
  /** What counts. */
  readonly model: CostModel;
  /** The most that it may be. */
  readonly most: number;
  /** What was asked for, in words. */
  readonly text: string;
}

/** Widths that a bundle may have below its whole one: multiples where the whole one is, not below the floor. */
function ladderOf(scores: readonly number[], frozen: boolean, options: Required<Omit<SelectOptions, "per">>): Ladder {
  const count = scores.length, { multiple, floor, least } = options;
  const order = scores.map((_, i) => i).sort((a, b) => scores[a] - scores[b] || a - b);
  const steps: number[] = [];
  if (!frozen && count > 1) {
    // Few groups are heads of attention or the like: each by itself is as wide as a cell or wider.
    const unit = count % multiple === 0 && count > multiple ? multiple : count < multiple ? 1 : multiple;
    const end = Math.max(1, Math.min(count, Math.max(Math.ceil(count * floor), count > least ? least : 1)));
    for (let width = Math.ceil(count / unit - 1) * unit; width >= end; width -= unit) steps.push(width);
  }
  return { order, scores, steps };
}

/** Sum of the scores of a bundle's groups that go when its width falls. */
export function worthOf({ order, scores }: Ladder, from: number, to: number): number {
  let sum = 0;
  for (let i = scores.length - from; i < scores.length - to; i++) sum += scores[order[i]];
  return sum;
}

function globally(
  ladders: readonly Ladder[],
  start: Widths,
  budget: CostModel,
  most: number,
  per: CostModel | false,
): Widths {
  let widths = [...start];
  const next = ladders.map(() => 0);
  let cost = budget.cost(widths);
  while (cost > most) {
    let best = -1, least = Infinity;
    for (const [bundle, ladder] of ladders.entries()) {
      const to = ladder.steps[next[bundle]];
      if (to === undefined) continue;
      const fewer = widths[bundle] - to;
      const saved = per === false ? fewer : per.saving(widths, bundle, fewer);
      if (!(saved > 0)) continue;
      const price = worthOf(ladder, widths[bundle], to) / saved;
      if (price < least) [best, least] = [bundle, price];
    }
    if (best < 0) return widths;
    widths = widths.with(best, ladders[best].steps[next[best]++]);
    cost = budget.cost(widths);
  }
  return widths;
}

function locally(ladders: readonly Ladder[], start: Widths, budget: CostModel, most: number): Widths {
  /** Widths with a share of each bundle, rounded up to those it may have. */
  const at = (share: number): number[] =>
    start.map((count, bundle) => {
      const allowed = [count, ...ladders[bundle].steps].filter((width) => width >= share * count - 1e-9);
      return allowed.at(-1)!;
    });
  // Shares at which something changes: every width of every bundle.
  const shares = [...new Set(ladders.flatMap(({ steps }, b) => steps.map((width) => width / start[b])))]
    .sort((a, b) => b - a);
  let [low, high] = [0, shares.length - 1];
  while (low < high) {
    const middle = low + high >> 1;
    if (budget.cost(at(shares[middle])) > most) low = middle + 1;
    else high = middle;
  }
  if (shares.length === 0) return start;
  // Many layers change at one share: of these, no more than the budget asks for.
  const end = at(shares[low]);
  let widths = low === 0 ? [...start] : at(shares[low - 1]);
  for (let bundle = 0; bundle < end.length && budget.cost(widths) > most; bundle++) {
    widths = widths.with(bundle, end[bundle]) as number[];
  }
  return widths;
}

/** Positive numbers of the options, defaults filled in. */
function completed(options: Omit<SelectOptions, "per">): Required<Omit<SelectOptions, "per">> {
  const { ranking = "global", multiple = 4, floor = 0.1 } = options;
  const least = options.least ?? multiple;
  if (ranking !== "global" && ranking !== "local") {
    throw new FeatherdetError(`unknown ranking "${ranking}", there are global and local`);
  }
  for (const [name, value] of Object.entries({ multiple, least })) {
    if (!Number.isInteger(value) || value < 1) throw new FeatherdetError(`${name} is ${value}, expected at least 1`);
  }
  if (!(floor >= 0 && floor <= 1)) throw new FeatherdetError(`the floor is ${floor}, expected a share of 0 to 1`);
  return { ranking, multiple, floor, least };
}

/**
 * The ladders of all bundles; `scores` are by bundle and group, bundles of `frozen` stay whole. Throws FeatherdetError where no width can
 * fall, and for options that cannot be.
 */
export function laddersOf(
  scores: readonly (readonly number[])[],
  options: Omit<SelectOptions, "per"> = {},
  frozen: ReadonlySet<number> = new Set(),
): Ladder[] {
  const settings = completed(options);
  const ladders = scores.map((row, bundle) => ladderOf(row, frozen.has(bundle), settings));
  if (ladders.some(({ steps }) => steps.length > 0)) return ladders;
  throw new FeatherdetError("nothing is left to prune: all channels are kept, or at their floors");
}

/** How many groups of each bundle are left when those worth least go, until the budget is met or all bundles are at their floors. */
export function rankWidths(
  { whole, ladders, budget }: {
    readonly whole: Widths;
    readonly ladders: readonly Ladder[];
    readonly budget: WidthBudget;
  },
  { ranking, per }: Pick<SelectOptions, "ranking" | "per"> = {},
): Widths {
  const { model, most } = budget;
  return ranking === "local"
    ? locally(ladders, whole, model, most)
    : globally(ladders, whole, model, most, per ?? model);
}

/** Throws FeatherdetError, saying what was reached, where the budget is not met. */
export function checkBudget({ model, most, text }: WidthBudget, widths: Widths): void {
  const reached = model.cost(widths);
  if (reached <= most * (1 + 1e-9)) return;
  throw new FeatherdetError(
    `the budget of ${text} cannot be met: with all layers at their floors, the cost is ${
      (reached / most).toFixed(2)
    } times as large`,
  );
}
