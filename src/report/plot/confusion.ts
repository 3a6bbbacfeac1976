/**
 * Which classes are taken for which others.
 *
 * @module
 */

import { cell, type PlotOptions, text } from "npm:@observablehq/plot@0.6.17";
import type { ConfusionMatrix } from "../../eval/coco.ts";
import { hex, INK, seriesColour, SIZES } from "./theme.ts";
import { figure } from "./figure.ts";
import { textWidth } from "./measure.ts";

/** What is written on the plot. */
export interface ConfusionPlotOptions {
  /** Which model on which data. */
  readonly title: string;
  /** What stands before the overlap and confidence that the matrix was counted with. */
  readonly subtitle?: string;
  /** Greatest number of classes that are shown: those with the most objects. Default 20. */
  readonly most?: number;
}

const CELL = 34;

interface Cell {
  readonly truth: string;
  readonly found: string;
  readonly count: number;
  /** Of all objects of the class, or of all that was found where nothing is. */
  readonly share: number;
}

/** Numbers of the classes to show, in their order, and of the background. */
function shownClasses({ counts }: ConfusionMatrix, most: number): number[] {
  const background = counts.length - 1;
  const objects = counts.slice(0, -1).map((_, truth) => counts.reduce((sum, row) => sum + row[truth], 0));
  const weight = objects.map((number, k) => number + counts[k][background]);
  const largest = weight.map((_, k) => k).filter((k) => weight[k] > 0)
    .sort((a, b) => weight[b] - weight[a] || a - b).slice(0, most);
  return [...largest.sort((a, b) => a - b), background];
}

/**
 * Draws what the objects of each class (columns) were found as (rows): the count, and as colour its share of the column. Objects
 * that were missed are in the row `background`, detections of nothing in the column `background`. Returns an SVG file's text.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { drawConfusion } from "./confusion.ts";
 * const matrix = { names: ["cat", "dog", "background"], counts: [[8, 1, 0], [1, 9, 2], [1, 0, 0]], iou: 0.5, confidence: 0.25 };
 * assert.ok(drawConfusion(matrix, { title: "Cats and dogs" }).startsWith("<svg"));
 * ```
 */
export function drawConfusion(matrix: ConfusionMatrix, { title, subtitle, most = 20 }: ConfusionPlotOptions): string {
  const { names, counts, iou, confidence } = matrix;
  const shown = shownClasses(matrix, most);
  const labels = shown.map((k) => names[k]);
  const cells = shown.flatMap((truth): Cell[] => {
    const sum = counts.reduce((total, row) => total + row[truth], 0);
    return shown.map((found) => {
      const count = counts[found][truth];
      return { truth: names[truth], found: names[found], count, share: sum === 0 ? 0 : count / sum };
    });
  });
  const widest = Math.ceil(Math.max(...labels.map((label) => textWidth(label, SIZES.label))));
  const [marginLeft, marginTop] = [widest + 30, Math.ceil(widest * 0.75) + 24];
  const width = Math.max(420, marginLeft + CELL * shown.length + widest);
  const panel: PlotOptions = {
    height: marginTop + CELL * shown.length + 20,
    marginLeft,
    marginTop,
    marginBottom: 20,
    marginRight: width - marginLeft - CELL * shown.length,
    x: { label: null, domain: labels, axis: "top", tickRotate: -45 },
    y: { label: null, domain: labels },
    color: { type: "linear", domain: [0, 1], range: ["#ffffff", seriesColour(1)] },
    marks: [
      cell(cells, {
        x: "truth",
        y: "found",
        fill: "share",
        inset: 0.5,
        stroke: INK,
        strokeOpacity: 0.1,
        title: ({ truth, found, count, share }: Cell) =>
          `${truth} found as ${found}: ${count} (${(100 * share).toFixed(0)} %)`,
      }),
      text(cells.filter(({ count }) => count > 0), { x: "truth", y: "found", text: "count", fill: hex([0, 0, 0]) }),
    ],
  };
  const how = `overlap of at least ${iou}, score of at least ${confidence}`;
  const left = names.length - shown.length;
  const note = [
    subtitle,
    "columns: what objects are, rows: what they were found as",
    how,
    left > 0 ? `${left} classes with fewer objects are not shown` : undefined,
  ];
  return figure({ title, subtitle: note.filter((part) => part !== undefined).join("; "), width, panels: [panel] });
}
