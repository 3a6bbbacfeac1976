/**
 * Matches the classes of a model with those of a data set.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";

/**
 * The data set's class number for each of the model's classes, -1 for those that the data set does not have. Classes go together by
 * name; where no name of the one is a name of the other and both have as many, by number.
 *
 * Throws FeatherdetError if the model lacks a class of the data set.
 */
export function classMap(model: readonly string[], dataset: readonly string[]): number[] {
  const missing = dataset.filter((name) => !model.includes(name));
  if (missing.length === dataset.length && model.length === dataset.length) return model.map((_, k) => k);
  if (missing.length > 0) {
    const some = missing.slice(0, 5).map((name) => `"${name}"`).join(", ") + (missing.length > 5 ? " ..." : "");
    throw new FeatherdetError(
      `the model has ${model.length} classes and lacks ${missing.length} of the ${dataset.length} of the data set: ${some}`,
    );
  }
  return model.map((name) => dataset.indexOf(name));
}
