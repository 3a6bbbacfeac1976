/**
 * Matches the classes of a model with those of a data set.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";

const listed = (names: readonly string[]) =>
  names.slice(0, 5).map((name) => `"${name}"`).join(", ") + (names.length > 5 ? " ..." : "");

/**
 * The data set's class number for each of the model's classes, -1 for those that the data set does not have. Classes go together by
 * name; where no name of the one is a name of the other and both have as many, by number.
 *
 * Throws FeatherdetError if the model lacks a class of the data set that some picture shows. `shown` are the numbers of those; all by
 * default.
 */
export function classMap(
  model: readonly string[],
  dataset: readonly string[],
  shown: ReadonlySet<number> = new Set(dataset.keys()),
): number[] {
  const missing = dataset.filter((name) => !model.includes(name));
  if (missing.length === dataset.length && model.length === dataset.length) return model.map((_, k) => k);
  if (dataset.some((name, classId) => shown.has(classId) && !model.includes(name))) {
    throw new FeatherdetError(
      `the model has ${model.length} classes and lacks ${missing.length} of the ${dataset.length} of the data set: ${
        listed(missing)
      }`,
    );
  }
  return model.map((name) => dataset.indexOf(name));
}

/** A sentence on classes that the model lacks and no picture shows, by the result of `classMap`; undefined if there are none. */
export function unshownText(classOf: readonly number[], dataset: readonly string[]): string | undefined {
  const lacking = dataset.filter((_, classId) => !classOf.includes(classId));
  if (lacking.length === 0) return undefined;
  return `the model lacks ${listed(lacking)}, which no picture of the data set shows`;
}
