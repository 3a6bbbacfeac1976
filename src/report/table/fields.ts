/**
 * Parts of the form of a manifest, and what is said where a field has another form.
 *
 * @module
 */

import * as v from "npm:valibot@1.5.0";

/** Says which names are expected. */
export const oneOf = (names: readonly string[]): string => `expected one of ${names.join(", ")}`;

/** Says what is wrong with an object: it is none, or has a field too many or too few. */
export const object = (says: string): (issue: v.BaseIssue<unknown>) => string => ({ expected, received }) => {
  if (expected === "never") return "there is no such field";
  return received === "undefined" && expected !== "Object" ? "is missing" : says;
};

/** Text that is not empty. */
export const TEXT: v.GenericSchema<string> = v.pipe(v.string("expected text"), v.nonEmpty("expected text"));
