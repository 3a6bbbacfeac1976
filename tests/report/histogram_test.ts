/** The plot of a histogram: its bars and the ends of ranges, read from the SVG. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { drawHistogram } from "../../src/report/plot/mod.ts";
import { numbers, readSvg, said, textsOf } from "../support/svg.ts";

const SEEN = { low: -1, width: 0.5, counts: [3, 0, 1000, 10, 0, 1] };
const RANGES = [{ label: "min-max", low: -1, high: 2 }, { label: "mse", low: -0.5, high: 1 }];

function drawn(seen = SEEN, ranges = RANGES) {
  const root = readSvg(drawHistogram(seen, ranges, { title: "What a layer makes", subtitle: "two pictures" }));
  const bars = [...root.querySelectorAll("rect")].filter((one) => one.querySelector("title") !== null);
  const lines = [...root.querySelectorAll("line")].filter((one) => one.querySelector("title") !== null);
  return { root, bars, lines };
}

Deno.test("a histogram has a bar for each bin that holds anything, as high as the logarithm of its count", () => {
  const { bars, root } = drawn();
  assertEquals(bars.map(said), [
    "-1.000 to -0.5000: 3",
    "0.000 to 0.5000: 1000",
    "0.5000 to 1.000: 10",
    "1.500 to 2.000: 1",
  ]);
  const heights = bars.map((bar) => numbers(bar, "height")[0]);
  // From 0.5 upwards: equal factors are equal lengths.
  const decade = heights[2] - heights[3];
  assertAlmostEquals(heights[1] - heights[2], 2 * decade, 0.1);
  assertAlmostEquals(heights[3], decade * Math.log10(2), 0.1);
  for (const text of ["What a layer makes", "two pictures", "mse: -0.500 to 1.00"]) {
    assert(textsOf(root).includes(text), text);
  }
});

Deno.test("the ends of ranges stand where their numbers are, one colour for each range", () => {
  const { bars, lines } = drawn();
  assertEquals(lines.map(said), ["min-max: -1.000", "min-max: 2.000", "mse: -0.5000", "mse: 1.000"]);
  const at = lines.map((line) => numbers(line, "x1")[0]);
  assertAlmostEquals(at[3] - at[2], (at[1] - at[0]) / 2, 0.1);
  const [first, , third] = bars.map((bar) => numbers(bar, "x")[0]);
  // Bars stand half a pixel within their bins.
  assert(Math.abs(first - at[0]) < 1 && Math.abs(third - (at[0] + at[1]) / 2) < 1, `${first} ${third} ${at}`);
  const colours = lines.map((line) => line.getAttribute("stroke"));
  assertEquals([colours[0], colours[2]], [colours[1], colours[3]]);
  assert(colours[0] !== colours[2]);
});

Deno.test("many bins are drawn together, none are drawn as none", () => {
  const counts = Array.from({ length: 4096 }, (_, i) => i % 3);
  const { bars } = drawn({ low: 0, width: 1, counts }, []);
  assert(bars.length <= 180 && bars.length > 90, `${bars.length}`);
  const shown = bars.reduce((sum, bar) => sum + Number(said(bar).split(": ")[1]), 0);
  assertEquals(shown, counts.reduce((sum, count) => sum + count));
  assertEquals(drawn({ low: 0, width: 1, counts: [] }, []).bars.length, 0);
});
