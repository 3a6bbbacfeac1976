/**
 * Two graphs of training steps that must compute the same.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { type Graph, verify } from "../../src/graph/mod.ts";
import { runReference } from "../../src/reference/run.ts";
import { uniform } from "./finite_differences.ts";

/** Asserts that two graphs have the same outputs with the same values, but for what float64 rounds. */
export function assertSameValues(a: Graph, b: Graph): void {
  verify(b);
  assertEquals(b.outputs, a.outputs);
  const feeds = Object.fromEntries(a.inputs.map(({ name, shape }, i) => {
    const positive = name.endsWith("var");
    return [name, uniform(shape, 10 + i, positive ? 0.5 : -1, 1)] as const;
  }));
  const expected = runReference(a, feeds), actual = runReference(b, feeds);
  for (const name of a.outputs) {
    expected.get(name)!.data.forEach((value, i) => {
      const found = actual.get(name)!.data[i];
      assert(Math.abs(found - value) <= 1e-12 * Math.max(1, Math.abs(value)), `${name}[${i}]: ${found}, not ${value}`);
    });
  }
}
