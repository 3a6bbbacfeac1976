/**
 * Elastic networks: their sub-networks as masks and as plain graphs, and a score of networks that were never trained.
 *
 * @module
 */

export { subnetGflops } from "./costs.ts";
export { entropyOf, type EntropyPath, entropyPaths, type EntropyScore } from "./entropy.ts";
export { subnetOf } from "./extract.ts";
export { maskShapes, masksOf } from "./masks.ts";
export {
  bundleKey,
  type Cuts,
  cutsOf,
  type ElasticBundle,
  type ElasticNet,
  elasticNet,
  type ElasticOptions,
  type ElasticRow,
} from "./net.ts";
