/** Maps as pictures: each cell where it belongs, darker for more, on one scale or on that of each map. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { FeatherdetError } from "../../src/graph/error.ts";
import { drawMaps, type DrawnMap } from "../../src/report/plot/mod.ts";
import { readSvg, textsOf } from "../support/svg.ts";

/** Cells of a drawn map by place, as the lightness of their colour, 0 for black. */
function cellsOf(root: Element, label: string, [height, width]: readonly [number, number]): (number | undefined)[] {
  const cells: (number | undefined)[] = Array.from({ length: height * width });
  const [group] = [...root.querySelectorAll("g")].filter((one) => one.getAttribute("aria-label") === label);
  assert(group !== undefined, `no map "${label}"`);
  for (const path of group.querySelectorAll("path")) {
    const colour = path.getAttribute("fill")!.slice(1).match(/../g)!.map((part) => parseInt(part, 16));
    for (const [, from, y, to] of path.getAttribute("d")!.matchAll(/M(\d+),(\d+)H(\d+)v1H\d+z/g)) {
      for (let x = Number(from); x < Number(to); x++) {
        const place = Number(y) * width + x;
        assertEquals(cells[place], undefined, "each cell is drawn once");
        cells[place] = colour.reduce((sum, part) => sum + part, 0);
      }
    }
  }
  return cells;
}

const SIZE = [13, 7] as const;
const rising = Array.from({ length: 91 }, (_, i) => i);
const map = (column: string, values: ArrayLike<number>, more: Partial<DrawnMap> = {}): DrawnMap => {
  return { column, row: "level 1", size: SIZE, values, ...more };
};
const TEXT = { title: "Maps <here> & there", subtitle: "one picture", valueLabel: "activity" };

Deno.test("every cell is drawn where it is, and the larger its value the darker", () => {
  const values = rising.map((i) => (i * 37) % 91); // a permutation
  const cells = cellsOf(readSvg(drawMaps([map("one", values)], TEXT)), "one, level 1", SIZE);
  for (const [i, a] of values.entries()) {
    for (const [j, b] of values.entries()) {
      if (a - b > 6) assert(cells[i]! < cells[j]!, `${a} is as light as ${b}`);
      if (a === b + 1) assert(cells[i]! <= cells[j]!, `${a} is lighter than ${b}`);
    }
  }
});

Deno.test("without a range each map has its own scale, with one they share it and what lies beyond has its ends", () => {
  const maps = [map("small", rising.map((i) => i / 90)), map("large", rising.map((i) => 2 * i / 90))];
  const own = readSvg(drawMaps(maps, TEXT));
  assertEquals(cellsOf(own, "small, level 1", SIZE), cellsOf(own, "large, level 1", SIZE));
  assert(textsOf(own).includes("activity: least of each map"));
  const shared = readSvg(drawMaps(maps, { ...TEXT, range: [0, 1] }));
  const [small, large] = ["small", "large"].map((name) => cellsOf(shared, `${name}, level 1`, SIZE));
  assertEquals([small[0], small[90]], [large[0], large[90]]);
  assert(small[45]! > large[45]!, "half of the range is lighter than all of it");
  assertEquals(large[45], large[90]);
  assertEquals(["activity: 0", "1"].filter((text) => !textsOf(shared).includes(text)), []);
  const flat = cellsOf(readSvg(drawMaps([map("flat", new Float32Array(91).fill(3))], TEXT)), "flat, level 1", SIZE);
  assertEquals(new Set(flat).size, 1, "a map of one value has one colour");
});

Deno.test("rows and columns stand where their names do, and maps of other sizes are as wide", () => {
  const fine = ["teacher", "student"].map((column) => map(column, rising));
  const coarse = ["teacher", "student"].map((column) => map(column, [1, 2], { row: "level 2", size: [2, 1] }));
  const root = readSvg(drawMaps([...fine, ...coarse], TEXT));
  for (const text of ["teacher", "student", "level 1", "level 2"]) {
    assertEquals(textsOf(root).filter((one) => one === text).length, 1, text);
  }
  const place = (label: string) => {
    const [group] = [...root.querySelectorAll("g")].filter((one) => one.getAttribute("aria-label") === label);
    return group.getAttribute("transform")!.match(/-?[\d.]+/g)!.map(Number);
  };
  const [fineLeft, , fineCell] = place("student, level 1"), [coarseLeft, , coarseCell] = place("student, level 2");
  assertEquals(fineLeft, coarseLeft);
  assert(Math.abs(7 * fineCell - coarseCell) < 0.1, `${7 * fineCell} and ${coarseCell} pixels wide`);
  assert(place("teacher, level 1")[0] + 7 * fineCell < fineLeft, "beside each other");
});

Deno.test("long names of columns are broken into lines above their own maps", () => {
  const names = ["after many epochs of labels", "after", "of the teacher alone, and nothing else", "d", "e"];
  const root = readSvg(drawMaps(names.map((name) => map(name, rising)), TEXT));
  assertEquals(textsOf(root).filter((text) => names.includes(text)), ["after", "d", "e"]);
  const words = textsOf(root).join(" ");
  for (const name of names) assert(words.includes(name), name);
});

Deno.test("maps that cannot be drawn are refused by name", () => {
  assertThrows(() => drawMaps([], TEXT), FeatherdetError, "there are no maps to draw");
  assertThrows(
    () => drawMaps([map("one", [1, 2, 3])], TEXT),
    FeatherdetError,
    `the map "one" of "level 1" has 3 values, expected 13 x 7`,
  );
});
