/**
 * The part of `@std/assert` that the tests use, over `node:assert/strict`: the registry that serves the real one cannot be
 * reached everywhere. To use the original, point `@std/assert` in deno.json at `jsr:@std/assert@1`.
 *
 * @module
 */

// Messages may be undefined, which the types of Deno and of Node (that some packages bring along) state in different ways: hence
// the casts.
import assertion from "node:assert/strict";

/** Fails unless the condition holds. */
export function assert(condition: unknown, message = ""): asserts condition {
  assertion.ok(condition, (message || undefined) as string);
}

/** Fails unless both values are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, message?: string): void {
  assertion.deepStrictEqual(actual, expected, message as string);
}

/** Fails if both values are deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, message?: string): void {
  assertion.notDeepStrictEqual(actual, expected, message as string);
}

/** Fails unless the numbers differ by at most `tolerance`. */
export function assertAlmostEquals(actual: number, expected: number, tolerance = 1e-7, message?: string): void {
  if (Object.is(actual, expected) || Math.abs(actual - expected) <= tolerance) return;
  assertion.fail(`${message ? `${message}: ` : ""}${actual} differs from ${expected} by more than ${tolerance}`);
}

/** Fails unless the text holds the given part. */
export function assertStringIncludes(actual: string, expected: string, message?: string): void {
  if (!actual.includes(expected)) {
    assertion.fail(`${message ? `${message}: ` : ""}${JSON.stringify(actual)} lacks ${expected}`);
  }
}

/** Fails unless the text matches the expression. */
export function assertMatch(actual: string, expected: RegExp, message?: string): void {
  assertion.match(actual, expected, message as string);
}

// deno-lint-ignore no-explicit-any
type ErrorClass<E extends Error> = new (...args: any[]) => E;

function check<E extends Error>(error: unknown, expected?: ErrorClass<E>, includes?: string): E {
  const kind = expected ?? (Error as unknown as ErrorClass<E>);
  if (!(error instanceof kind)) assertion.fail(`expected ${kind.name}, got ${error}`);
  if (includes !== undefined) assertStringIncludes(error.message, includes);
  return error;
}

/** Fails unless the function throws an error of the class, with the text in its message; returns the error. */
export function assertThrows<E extends Error>(run: () => unknown, expected?: ErrorClass<E>, includes?: string): E {
  try {
    run();
  } catch (error) {
    return check(error, expected, includes);
  }
  return assertion.fail("expected an error, none was thrown") as never;
}

/** As `assertThrows`, for a promise. */
export async function assertRejects<E extends Error>(
  run: () => PromiseLike<unknown>,
  expected?: ErrorClass<E>,
  includes?: string,
): Promise<E> {
  try {
    await run();
  } catch (error) {
    return check(error, expected, includes);
  }
  return assertion.fail("expected a rejection, the promise resolved") as never;
}
