/** Plots of labels and of least confidences, curves of single classes, and evaluations as CSV. */

import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
// @ts-types="npm:@types/d3-dsv@3.0.7"
import { csvParse, csvParseRows } from "npm:d3-dsv@3.0.2";
import { countConfusions, evaluateDetections } from "../../src/eval/coco.ts";
import { countLabels } from "../../src/eval/label_statistics.ts";
import { classesCsv, confidenceCsv, confusionCsv, precisionRecallCsv } from "../../src/report/evaluation_csv.ts";
import { drawConfidence, drawLabels, drawPrecisionRecall } from "../../src/report/plot/mod.ts";
import { demoDataset } from "../support/demo_dataset.ts";
import { randomCase } from "../support/random_sets.ts";
import { corners, marks, numbers, readSvg, said, textsOf } from "../support/svg.ts";

const { set, detections } = randomCase(3);
const RESULT = evaluateDetections(set, detections);

/** Paths whose own label is this. */
const labelled = (root: Element, label: string) =>
  [...root.querySelectorAll("path")].filter((path) => path.getAttribute("aria-label") === label);

Deno.test("labels: a bar for each class as long as its objects, and a cell for each place that has some", () => {
  const statistics = countLabels(demoDataset(9));
  const root = readSvg(drawLabels(statistics, { title: "Shapes", subtitle: "train" }));
  const bars = [...marks(root, "bar")[0].querySelectorAll("rect")];
  assertEquals(
    bars.map(said),
    statistics.classes.map(({ name, objects, images }) => {
      return `${name}: ${objects} objects on ${images} pictures`;
    }),
  );
  const [first] = statistics.classes, [long] = numbers(bars[0], "width");
  bars.forEach((bar, k) => {
    assertAlmostEquals(numbers(bar, "width")[0] / long, statistics.classes[k].objects / first.objects, 0.01);
  });
  const groups = marks(root, "rect").map((group) => [...group.querySelectorAll("rect")]).filter((cells) =>
    said(cells[0])
  );
  assertEquals(groups.length, 2);
  [statistics.centres, statistics.sizes].forEach(({ cells, counts }, which) => {
    const filled = counts.flatMap((count, i) => count > 0 ? [{ count, x: i % cells, y: Math.floor(i / cells) }] : []);
    assertEquals(groups[which].map(said), filled.map(({ count }) => String(count)));
    // Centres are counted from the top, heights grow upwards.
    const [high, low] = [filled[0], filled.at(-1)!].map(({ y }) => y);
    const [top, bottom] = [groups[which][0], groups[which].at(-1)!].map((cell) => numbers(cell, "y")[0]);
    assert(high < low && (which === 0 ? top < bottom : top > bottom));
    assert(
      groups[which].every((cell) => numbers(cell, "width", "height").every((side) => Math.abs(side - 280 / 32) < 0.1)),
    );
  });
  const label = root.getAttribute("aria-label")!;
  assertStringIncludes(label, `train; 9 pictures, ${statistics.objects} objects`);
  const most = readSvg(drawLabels(statistics, { title: "Shapes", most: 1 }));
  assertEquals(marks(most, "bar")[0].querySelectorAll("rect").length, 1);
  assertStringIncludes(most.getAttribute("aria-label")!, "2 classes with fewer objects are not shown");
  const none = readSvg(drawLabels(countLabels({ classes: ["a"], images: [] }), { title: "Nothing" }));
  assertStringIncludes(none.getAttribute("aria-label")!, "0 pictures, 0 objects");
});

Deno.test("confidence: three lines through the points of the curves, and where F1 is greatest", () => {
  const root = readSvg(drawConfidence(RESULT, { title: "Confidence" }));
  const { confidence } = RESULT.curves, best = RESULT.bestF1!;
  assertEquals(textsOf(marks(root, "legend")[0]), [
    ...["precision", "recall", "F1"],
    `greatest F1 ${best.f1.toFixed(3)} from ${best.confidence.toFixed(3)} on`,
  ]);
  const lines = (["precision", "recall", "F1"] as const).map((name) => corners(labelled(root, name)[0]));
  // One axis for all: heights are one linear function of the figures.
  const place = (key: "precision" | "recall" | "f1", i: number) => confidence[i][key];
  const [low, high] = [lines[1].at(-1)![1], lines[1][0][1]];
  const scale = (high - low) / (place("recall", 0) - place("recall", 1000));
  (["precision", "recall", "f1"] as const).forEach((key, which) => {
    assertEquals(lines[which].length, confidence.length);
    for (const i of [0, 127, 500, 999]) {
      assertAlmostEquals(
        lines[which][i][1],
        low + scale * (place(key, i) - place("recall", 1000)),
        0.05,
        `${key} ${i}`,
      );
    }
  });
  const none = readSvg(drawConfidence({ curves: { confidence: [] } }, { title: "Nothing" }));
  assertEquals(textsOf(marks(none, "legend")[0]), ["precision", "recall", "F1"]);
});

Deno.test("precision over recall: classes have curves of their own where they are named, at most ten", () => {
  const { curves } = RESULT;
  const root = readSvg(drawPrecisionRecall(curves, { title: "Curves", classes: set.classes }));
  for (const [k, values] of curves.perClass.entries()) {
    assertEquals(labelled(root, set.classes[k]).length, values.length === 0 ? 0 : 1, set.classes[k]);
    const ap = RESULT.perClass[k].ap50.toFixed(3);
    if (values.length > 0) assert(textsOf(marks(root, "legend")[0]).includes(`${set.classes[k]} (AP50 ${ap})`));
  }
  const many = Array.from({ length: 13 }, (_, k) => `class ${k}`);
  const perClass = many.map((_, k) => curves.recall.map(() => ((5 * k) % 13) / 13));
  const ten = readSvg(drawPrecisionRecall({ ...curves, perClass }, { title: "Many", classes: many }));
  const drawn = many.filter((name) => labelled(ten, name).length > 0);
  // The other three are the best.
  assertEquals(drawn, many.filter((_, k) => (5 * k) % 13 < 10));
  assert(textsOf(ten).some((text) => text.includes("the 10 classes of least average precision")));
  assertEquals(labelled(readSvg(drawPrecisionRecall(curves, { title: "Means" })), set.classes[0]).length, 0);
});

Deno.test("CSV: classes, curves and confusions are read back as they are", () => {
  const names = new Map(set.classes.map((name, k) => [name, k]));
  for (const line of csvParse(classesCsv(RESULT))) {
    const one = RESULT.perClass[names.get(line.class)!];
    const known = (figure: number) => figure < 0 ? "" : String(figure);
    assertEquals([line.objects, line.detections], [String(one.truths), String(one.detections)]);
    assertEquals([line.map, line.map50, line.f1], [known(one.ap), known(one.ap50), String(one.bestF1?.f1 ?? "")]);
  }
  const [heading, ...rows] = csvParseRows(precisionRecallCsv(RESULT));
  assertEquals([heading[0], heading[1], heading[10], rows.length], ["recall", "overlap 0.50", "overlap 0.95", 101]);
  assertEquals(rows[13].slice(0, 3).map(Number), [
    0.13,
    RESULT.curves.precision[0][13],
    RESULT.curves.precision[1][13],
  ]);
  const single = heading.slice(11).map((name) => names.get(name.replace(", overlap 0.50", ""))!);
  assertEquals(rows[50].slice(11).map(Number), single.map((k) => RESULT.curves.perClass[k][50]));
  assertEquals(
    csvParse(confidenceCsv(RESULT.curves)).map(({ f1 }) => Number(f1)),
    RESULT.curves.confidence.map(({ f1 }) => f1),
  );
  const matrix = countConfusions(set, detections);
  const [columns, ...found] = csvParseRows(confusionCsv(matrix));
  assertEquals(columns, ["found as", ...matrix.names]);
  assertEquals(
    found.map(([name, ...counts]) => [name, counts.map(Number)]),
    matrix.names.map((name, i) => [name, matrix.counts[i]]),
  );
});
