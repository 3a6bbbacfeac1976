/**
 * Forms of plain data that are read back from files, field by field: numbers in them are finite.
 *
 * @module
 */

import * as v from "npm:valibot@1.5.0";

/** A number that is neither infinite nor NaN. */
export const NUMBER: v.GenericSchema<number> = v.pipe(
  v.number("expected a number"),
  v.finite("expected a finite number"),
);

/** A whole number from 0. */
export const COUNT: v.GenericSchema<number> = v.pipe(
  v.number("expected a whole number from 0"),
  v.safeInteger("expected a whole number from 0"),
  v.minValue(0, "expected a whole number from 0"),
);

/** A whole number of any sign. */
export const INTEGER: v.GenericSchema<number> = v.pipe(
  v.number("expected a whole number"),
  v.safeInteger("expected a whole number"),
);

/** Text, which may be empty. */
export const WORDS: v.GenericSchema<string> = v.string("expected text");

/** SHA-256 in hexadecimal, by which files are named. */
export const HASH: v.GenericSchema<string> = v.pipe(
  v.string("expected a SHA-256"),
  v.regex(/^[0-9a-f]{64}$/, "expected a SHA-256"),
);

/** Whether all numbers in what JSON gave are finite; `1e999` reads as Infinity. */
function isFinitePlain(value: unknown): boolean {
  const pending = [value];
  for (let i = 0; i < pending.length; i++) {
    const one = pending[i];
    if (typeof one === "number" && !Number.isFinite(one)) return false;
    if (typeof one === "object" && one !== null) { for (const inner of Object.values(one)) pending.push(inner); }
  }
  return true;
}

/** Whatever JSON can hold, with finite numbers. */
export const PLAIN: v.GenericSchema<unknown> = v.custom(isFinitePlain, "holds a number that is not finite");

/** An object of such values by name. */
export const PLAIN_OBJECT: v.GenericSchema<Record<string, unknown>> = v.pipe(
  v.record(v.string(), v.unknown(), "expected an object"),
  v.check((value) => isFinitePlain(value), "holds a number that is not finite"),
);

/** What is wrong with a value and where (`position.epoch: expected a whole number from 0`); undefined if it has the form. */
export function faultOf(form: v.GenericSchema, value: unknown): string | undefined {
  const { issues } = v.safeParse(form, value, { abortEarly: true });
  if (issues === undefined) return undefined;
  const [issue] = issues;
  // The library's own words are for programmers.
  const says = issue.received === "undefined"
    ? "is missing"
    : issue.message.startsWith("expected") || issue.message.startsWith("holds")
    ? issue.message
    : `expected ${issue.expected ?? "another value"}`;
  const path = v.getDotPath(issue);
  return path === null ? says : `${path}: ${says}`;
}
