/** Criteria against numbers worked out by hand on a network of two layers. */

import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { CRITERIA, type CriterionName } from "../../../src/compress/prune/criteria.ts";
import { scoreGroups } from "../../../src/compress/prune/score.ts";
import { WidthModel } from "../../../src/compress/prune/widths.ts";
import { FeatherdetError, type Graph } from "../../../src/graph/mod.ts";
import { ModelBuilder } from "../../../src/models/builder.ts";

/** Two channels in, three made, normalised and read by a layer of two outputs; weights as given. */
function network(
  rows: readonly (readonly number[])[],
  columns: readonly (readonly number[])[],
  scales: readonly number[],
): Graph {
  const b = new ModelBuilder();
  const x = b.convBlock("first", b.input("x", [1, 2, 3, 3]), { out: rows.length, kernel: 1 });
  const graph = b.graph("net", [b.conv("second", x, { out: columns.length })]);
  const constants = new Map(graph.constants);
  const put = (name: string, numbers: readonly number[]) => {
    const constant = constants.get(name)!;
    assertEquals(constant.data.length, numbers.length);
    constants.set(name, { ...constant, data: Float32Array.from(numbers) });
  };
  put("first.conv.weight", rows.flat());
  put("second.weight", columns.flat());
  put("first.bn.weight", scales);
  return { ...graph, constants };
}

const NET = network([[3, 4], [0, 1], [-6, 8]], [[1, 2, 0], [-2, 2, 0]], [0.5, -2, 1]);
const { bundles } = new WidthModel(NET);

const scores = (criterion: CriterionName, more = {}) =>
  scoreGroups(bundles, { graph: NET, seed: 3, ...more }, { criterion, normalisation: "none" })[0];

Deno.test("norms sum the rows that make a channel and the columns that read it", () => {
  assertEquals(bundles.length, 1);
  assertEquals(scores("l1"), [7 + 3, 1 + 4, 14 + 0]);
  const expected = [5 + Math.sqrt(5), 1 + Math.sqrt(8), 10];
  scores("l2").forEach((score, i) => assertAlmostEquals(score, expected[i], 1e-12));
});

Deno.test("bn is the absolute scale, lamp and fpgm look at rows alone", () => {
  assertEquals(scores("bn"), [0.5, 2, 1]);
  // Squared norms 25, 1 and 100, each over itself and what is not smaller.
  scores("lamp").forEach((score, i) => assertAlmostEquals(score, [25 / 125, 1 / 126, 1][i], 1e-12));
  const distance = (a: number[], b: number[]) => Math.hypot(a[0] - b[0], a[1] - b[1]);
  const [a, b, c] = [[3, 4], [0, 1], [-6, 8]];
  const expected = [distance(a, b) + distance(a, c), distance(b, a) + distance(b, c), distance(c, a) + distance(c, b)];
  scores("fpgm").forEach((score, i) => assertAlmostEquals(score, expected[i], 1e-12));
});

Deno.test("taylor is the squared sum of scale and bias times their gradients, the mean over batches", () => {
  const gradient = new Map([
    ["first.bn.weight", [[1, 2, 3], [-1, 0, 1]]],
    ["first.bn.bias", [[9, 9, 9], [1, 1, 1]]],
  ]);
  const bias = NET.constants.get("first.bn.bias")!.data;
  assertEquals([...bias], [0, 0, 0]);
  assertEquals(scores("taylor", { gradient }), [(0.5 ** 2 + 0.5 ** 2) / 2, (4 ** 2 + 0) / 2, (3 ** 2 + 1) / 2]);
});

Deno.test("activation is the mean of the values that carry the channel; random follows the seed", () => {
  const value = bundles[0].groups[0].values.at(-1)!.value;
  assertEquals(scores("activation", { activation: new Map([[value, [0.25, 4, 1]]]) }), [0.25, 4, 1]);
  const draw = (seed: number) => scoreGroups(bundles, { graph: NET, seed }, { criterion: "random" })[0];
  assertEquals(draw(1), draw(1));
  assert(String(draw(1)) !== String(draw(2)));
});

Deno.test("scores are divided by their mean, in a layer or in layers of equal structure", () => {
  const [row] = scoreGroups(bundles, { graph: NET, seed: 0 }, { criterion: "bn", normalisation: "mean" });
  row.forEach((score, i) => assertAlmostEquals(score, [0.5, 2, 1][i] * 3 / 3.5, 1e-12));
  const b = new ModelBuilder();
  let x = b.input("x", [1, 4, 4, 4]);
  for (const name of ["a", "b", "c"]) x = b.convBlock(name, x, { out: 4, kernel: name === "c" ? 3 : 1 });
  const graph = b.graph("deep", [b.conv("last", x, { out: 2 })]);
  const deep = new WidthModel(graph).bundles;
  const scaled: Graph = {
    ...graph,
    constants: new Map(
      [...graph.constants].map(([name, constant]) => {
        const factor = name === "a.bn.weight" ? 1 : name === "b.bn.weight" ? 3 : 7;
        return [
          name,
          name.endsWith("bn.weight") ? { ...constant, data: Float32Array.from({ length: 4 }, () => factor) } : constant,
        ];
      }),
    ),
  };
  const rows = scoreGroups(deep, { graph: scaled, seed: 0 }, { criterion: "bn", normalisation: "structure" });
  // a is made by 1x1 and read by 1x1, b is read by 3x3: each has a structure of its own, as c has.
  assertEquals(rows.map(([first]) => first), [1, 1, 1]);
});

Deno.test("missing statistics, unknown names and numbers that are not finite are refused", () => {
  assertThrows(() => scores("taylor"), FeatherdetError, "needs gradients");
  assertThrows(() => scores("activation"), FeatherdetError, "needs activations");
  const of = (options: object) => scoreGroups(bundles, { graph: NET, seed: 0 }, options);
  assertThrows(() => of({ criterion: "l3" }), FeatherdetError, 'unknown criterion "l3"');
  assertThrows(() => of({ criterion: "l2", reduction: "min" }), FeatherdetError, 'unknown reduction "min"');
  assertThrows(() => of({ criterion: "l2", normalisation: "max" }), FeatherdetError, 'unknown normalisation "max"');
  const gradient = new Map([["first.bn.weight", [[NaN, 0, 0]]], ["first.bn.bias", [[0, 0, 0]]]]);
  assertThrows(() => scores("taylor", { gradient }), FeatherdetError, "not finite");
  assertThrows(
    () =>
      scoreGroups(bundles, { graph: network([[NaN, 0], [1, 1], [1, 1]], [[1, 1, 1], [1, 1, 1]], [1, 1, 1]), seed: 0 }, {
        criterion: "l2",
      }),
    FeatherdetError,
    "not finite",
  );
});

Deno.test("every criterion says what it is after which paper", () => {
  for (const { about } of Object.values(CRITERIA)) assert(/\(.*\d{4}.*\)|control/.test(about), about);
});
