/** Curves of searches: the median of the seeds as a line, their range as a band. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { drawSearch } from "../../src/report/plot/mod.ts";
import { corners, readSvg, textsOf } from "../support/svg.ts";

Deno.test("a line is the median of the seeds, a band their range; a curve that ended stays where it was", () => {
  const curves = [[undefined, 1, 2, 4], [undefined, 3, 3, 3], [undefined, 2]];
  const root = readSvg(drawSearch(
    [{ name: "tpe", curves }, { name: "random", curves: [[0, 1, 1, 2]] }],
    { title: "Searches", yLabel: "score", best: 5 },
  ));
  const named = (name: string) =>
    [...root.querySelectorAll("path, line")].filter((one) => one.getAttribute("aria-label") === name);
  const [line] = named("line of tpe"), [other] = named("line of random");
  // Steps: a corner before and behind each new height. Medians are 2, 2, 3 from the second evaluation on.
  const heights = [...new Set(corners(line).map(([, y]) => Math.round(100 * y)))].map((y) => y / 100);
  const lower = [...new Set(corners(other).map(([, y]) => Math.round(100 * y)))].map((y) => y / 100);
  assertEquals([heights.length, lower.length], [2, 3]);
  const unit = heights[0] - heights[1];
  assert(unit > 0, "more is higher");
  // 0, 1, 2 of the other on the same axis, to pixels.
  assertAlmostEquals(lower[1] - lower[2], unit, 0.05);
  assertAlmostEquals(lower[2], heights[0], 0.05);
  const band = corners(named("range of tpe")[0]).map(([, y]) => y);
  assertAlmostEquals(heights[1] - Math.min(...band), unit, 0.05);
  assertEquals(named("best").length > 0, true);
  for (const text of ["tpe", "random", "known best", "evaluations"]) {
    assert(textsOf(root).some((one) => one.includes(text)), text);
  }
});
