/**
 * Comparing the constants of models bit by bit. (`assertEquals` would print what differs, which takes minutes for millions of numbers.)
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { Constant } from "../../src/graph/graph.ts";

/** Fails at the first element that differs, in its bits. */
export function assertSameConstant(actual: Constant, expected: Constant, name: string): void {
  assertEquals([actual.dtype, ...actual.shape], [expected.dtype, ...expected.shape], name);
  const found = actual.data, wanted = expected.data;
  const index = found.findIndex((value, i) => !Object.is(value, wanted[i]));
  assert(index < 0, `${name} is ${found[index]} at ${index}, not ${wanted[index]}`);
}

/** Fails unless both have constants of the same names, in the same order, with the same elements. */
export function assertSameConstants(
  actual: ReadonlyMap<string, Constant>,
  expected: ReadonlyMap<string, Constant>,
): void {
  assertEquals([...actual.keys()], [...expected.keys()]);
  for (const [name, constant] of actual) assertSameConstant(constant, expected.get(name)!, name);
}
