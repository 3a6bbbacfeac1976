/**
 * Search: one space, one interface for all ways to search it, and tables of what was tried.
 *
 * @module
 */

export {
  type AgentOptions,
  type AgentTrainer,
  type CreateAgentTrainer,
  ddpg,
  type LearningRates,
  type RewardName,
} from "./ddpg/agent.ts";
export type { AgentNetworks, AgentWeights } from "./ddpg/networks.ts";
export { sieved, type SieveOptions } from "./sieve.ts";
export { evolution, type EvolutionOptions } from "./evolution.ts";
export { frontOf, hypervolume, type Losses } from "./front.ts";
export { SEARCH_METHODS, searchMethod, type SearchMethodName } from "./methods.ts";
export type { Aim, MethodOptions, Proposal, Searcher, SearchMethod, SearchProblem, Trial } from "./problem.ts";
export { anneal, type Annealed, type AnnealOptions } from "./qubo/anneal.ts";
export { Qubo, readQubo, writeCoo, writeQubo } from "./qubo/qubo.ts";
export { bestSoFar, bestTrial, runSearch, type SearchOptions, type SearchResult } from "./run.ts";
export {
  createSpace,
  type Dimension,
  type DimensionKind,
  type NamedPoint,
  namedPoint,
  type Point,
  pointOf,
  type Space,
} from "./space.ts";
export { readTable, tableText } from "./trial_table.ts";
export { type WidthSearch, widthSearch, type WidthSearchOptions } from "./width_space.ts";
