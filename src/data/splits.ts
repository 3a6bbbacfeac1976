/**
 * The names that tools give to the parts of a data set.
 *
 * @module
 */

/** Splits that there usually are. */
export const SPLITS: readonly string[] = ["train", "val", "test"];

const NAMES: Readonly<Record<string, string>> = {
  ...{ train: "train", training: "train", val: "val", valid: "val", validation: "val", test: "test", testing: "test" },
};

/** The usual name of a split: `val` for `Validation`, `valid` and `val2017`; undefined for what is no usual split. */
export function usualSplit(name: string): string | undefined {
  const word = name.toLowerCase().replace(/[-_]?(19|20)\d\d$/, "");
  return Object.hasOwn(NAMES, word) ? NAMES[word] : undefined;
}

/** The split that a file's name mentions as one of its words (`annotations_val.json`); undefined if it mentions none. */
export function splitIn(stem: string): string | undefined {
  return usualSplit(stem) ?? stem.split(/[-_. ]+/).map(usualSplit).find((split) => split !== undefined);
}
