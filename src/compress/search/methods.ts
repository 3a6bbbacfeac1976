/**
 * The ways to search by name. Another way joins by a row.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/mod.ts";
import { evolution } from "./evolution.ts";
import type { SearchMethod } from "./problem.ts";
import { QUBO } from "./qubo/search.ts";
import { RANDOM, UNIFORM } from "./random_search.ts";
import { SUCCESSIVE_HALVING } from "./successive_halving.ts";
import { TPE } from "./tpe.ts";

/** Names of the ways that need nobody to train networks. */
export type SearchMethodName = "random" | "uniform" | "tpe" | "asha" | "evolution" | "qubo";

/** The ways to search that need nothing but the problem; reinforcement learning (`ddpg`) needs somebody who trains its networks. */
export const SEARCH_METHODS: Readonly<Record<SearchMethodName, SearchMethod>> = {
  random: RANDOM,
  uniform: UNIFORM,
  tpe: TPE,
  asha: SUCCESSIVE_HALVING,
  evolution: evolution(),
  qubo: QUBO,
};

/** The way of a name. Throws FeatherdetError for an unknown one. */
export function searchMethod(name: string): SearchMethod {
  if (Object.hasOwn(SEARCH_METHODS, name)) return SEARCH_METHODS[name as SearchMethodName];
  throw new FeatherdetError(`unknown search "${name}", there are ${Object.keys(SEARCH_METHODS).join(", ")}`);
}
