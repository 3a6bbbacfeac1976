/**
 * The labels of a data set at a glance: objects of each class, where they lie, how large they are.
 *
 * @module
 */

import { barX, gridX, type PlotOptions, rect, ruleX, text } from "npm:@observablehq/plot@0.6.17";
import type { ClassCount, CountGrid, LabelStatistics } from "../../eval/label_statistics.ts";
import { figure } from "./figure.ts";
import { textWidth } from "./measure.ts";
import { INK, seriesColour, SIZES } from "./theme.ts";

/** What is written on the plot. */
export interface LabelPlotOptions {
  /** Which data set. */
  readonly title: string;
  /** What stands before the numbers of pictures and objects. */
  readonly subtitle?: string;
  /** Greatest number of classes that have a bar: those with the most objects. Default 40. */
  readonly most?: number;
}

const WIDTH = 720, ROW = 22;

/** Side of a map, and the room around it. */
const SIDE = 280, EDGES = { marginLeft: 60, marginTop: 34, marginBottom: 46 };

function barPanel(classes: readonly ClassCount[]): PlotOptions {
  const room = Math.max(10, ...classes.map(({ name }) => textWidth(name, SIZES.label)));
  return {
    height: 62 + ROW * classes.length,
    marginLeft: Math.ceil(room) + 28,
    marginRight: 60,
    marginTop: 12,
    marginBottom: 44,
    color: { type: "identity" },
    x: { label: "objects", domain: [0, Math.max(1, ...classes.map(({ objects }) => objects))] },
    y: { label: null, domain: classes.map(({ name }) => name), padding: 0.2 },
    marks: [
      gridX({ stroke: INK, strokeOpacity: 0.1 }),
      barX(classes, {
        x: "objects",
        y: "name",
        fill: seriesColour(1),
        title: ({ name, objects, images }: ClassCount) => `${name}: ${objects} objects on ${images} pictures`,
      }),
      text(classes, { x: "objects", y: "name", text: ({ objects }) => `${objects}`, textAnchor: "start", dx: 5 }),
      ruleX([0], { stroke: INK }),
    ],
  };
}

interface Cell {
  readonly x: number;
  readonly y: number;
  readonly count: number;
}

/** Cells that are not empty; the darker, the more. `x` and `y` name the axes; `down`: the second coordinate grows downwards. */
function gridPanel({ cells, counts }: CountGrid, x: string, y: string, down: boolean): PlotOptions {
  const filled = counts.map((count, i): Cell => ({ x: (i % cells) / cells, y: Math.floor(i / cells) / cells, count }))
    .filter(({ count }) => count > 0);
  const percent = (value: number) => `${Math.round(100 * value)} %`;
  return {
    height: SIDE + EDGES.marginTop + EDGES.marginBottom,
    ...EDGES,
    marginRight: WIDTH / 2 - SIDE - EDGES.marginLeft,
    x: { label: x, domain: [0, 1], tickFormat: percent, ticks: 5 },
    y: { label: y, labelOffset: 50, domain: [0, 1], reverse: down, tickFormat: percent, ticks: 5 },
    // Most cells hold few, some very many.
    color: { type: "sqrt", domain: [0, Math.max(1, ...counts)], range: ["#ffffff", seriesColour(1)] },
    marks: [
      rect([[0, 0, 1, 1]], { x1: "0", y1: "1", x2: "2", y2: "3", stroke: INK, strokeOpacity: 0.3, fill: "none" }),
      rect(filled, {
        x1: "x",
        x2: ({ x }: Cell) => x + 1 / cells,
        y1: "y",
        y2: ({ y }: Cell) => y + 1 / cells,
        fill: "count",
        title: ({ count }: Cell) => `${count}`,
      }),
    ],
  };
}

/**
 * Draws how many objects each class has, where the centres of boxes lie in their pictures, and how wide and high boxes are as parts of
 * their pictures; darker cells hold more. Returns an SVG file's text.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { countLabels } from "../../eval/label_statistics.ts";
 * import { drawLabels } from "./labels.ts";
 * const cat = { id: 1, classId: 0, box: [10, 10, 60, 40], area: 1500, crowd: false } as const;
 * const set = { classes: ["cat"], images: [{ width: 100, height: 50, boxes: [cat] }] };
 * assert.ok(drawLabels(countLabels(set), { title: "One cat" }).includes("cat: 1 objects on 1 pictures"));
 * ```
 */
export function drawLabels(
  { images, empty, objects, crowds, classes, centres, sizes }: LabelStatistics,
  { title, subtitle, most = 40 }: LabelPlotOptions,
): string {
  const kept = new Set(classes.toSorted((a, b) => b.objects - a.objects).slice(0, most));
  const left = classes.length - kept.size;
  const note = [
    subtitle,
    `${images} pictures, ${objects} objects`,
    empty > 0 ? `${empty} pictures without objects` : undefined,
    crowds > 0 ? `${crowds} more objects that do not count` : undefined,
    left > 0 ? `${left} classes with fewer objects are not shown` : undefined,
  ];
  return figure({
    title,
    subtitle: note.filter((part) => part !== undefined).join("; "),
    width: WIDTH,
    panels: [
      barPanel(classes.filter((one) => kept.has(one))),
      [
        gridPanel(centres, "centre from the left", "centre from the top", true),
        gridPanel(sizes, "width of the box", "height of the box", false),
      ],
    ],
  });
}
