/**
 * Checks of the options that builders take. Each is told what is built and which option it is, and refuses in one sentence.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";

/** Throws FeatherdetError unless the value is a whole number of at least `least`. */
export function checkWhole(what: string, name: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least) {
    const range = least === -Infinity ? "" : ` of at least ${least}`;
    throw new FeatherdetError(`${what}: ${name} is ${value}, expected a whole number${range}`);
  }
}

/** Throws FeatherdetError unless the value is a positive finite number. */
export function checkFactor(what: string, name: string, value: number): void {
  if (!(typeof value === "number" && value > 0 && value < Infinity)) {
    throw new FeatherdetError(`${what}: ${name} is ${value}, expected a positive factor`);
  }
}

/** Throws FeatherdetError unless `value` is a key of the table. `name` says what it names. */
export function checkName<K extends string>(what: string, name: string, value: K, table: Readonly<Record<K, unknown>>) {
  if (!Object.hasOwn(table, value)) {
    throw new FeatherdetError(`${what}: ${name} "${value}" does not exist, expected ${Object.keys(table).join(", ")}`);
  }
}
