/**
 * Training that draws weights to zero before a pruning, as the command line asks for it.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import { batchNormL1, groupLasso, type TrainingVariant } from "../train/mod.ts";

/** What is drawn to zero. */
export interface SparseRequest {
  /** Weight of the absolute scales of BatchNormalization. */
  readonly sparseGamma?: number;
  /** Weight of the norms of coupling groups in the end. */
  readonly groupLasso?: number;
  /** Epochs in which the weight of the norms grows from 0; all by default. */
  readonly sparseEpochs?: number;
}

/**
 * The request with the epochs in which a weight grows, so that a resumed run of other epochs has the same weights; `usual` ones
 * where nobody says. Throws FeatherdetError where such epochs are asked for and nothing grows.
 */
export function withSparseEpochs<T extends SparseRequest & { readonly epochs?: number }>(asked: T, usual: number): T {
  const { groupLasso, sparseEpochs, epochs = usual } = asked;
  if (groupLasso !== undefined) return { ...asked, sparseEpochs: sparseEpochs ?? epochs };
  if (sparseEpochs === undefined) return asked;
  throw new FeatherdetError("--sparse-epochs is for --group-lasso, nothing else grows");
}

/** What draws weights to zero before a pruning. Group lasso looks at the graph before it has other losses. */
export function sparseVariants({ sparseGamma, groupLasso: lasso, sparseEpochs = 0 }: SparseRequest): TrainingVariant[] {
  return [
    ...lasso === undefined ? [] : [groupLasso({ weight: sparseEpochs > 0 ? [[0, 0], [sparseEpochs, lasso]] : lasso })],
    ...sparseGamma === undefined ? [] : [batchNormL1({ weight: sparseGamma })],
  ];
}
