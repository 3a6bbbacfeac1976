/**
 * What finding more objects costs in wrong detections.
 *
 * @module
 */

import { gridX, gridY, line, type PlotOptions, ruleX, ruleY } from "npm:@observablehq/plot@0.6.17";
import { type CocoCurves, IOU_THRESHOLDS } from "../../eval/coco.ts";
import { figure } from "./figure.ts";
import { INK, seriesColour } from "./theme.ts";

/** What is written on the plot. */
export interface CurveOptions {
  /** Which model on which data. */
  readonly title: string;
  /** How it was measured. */
  readonly subtitle?: string;
}

/** What is written on the plot of precision over recall. */
export interface PrecisionRecallOptions extends CurveOptions {
  /** Names by class number: draws curves of single classes in a second panel, at most ten, those of least average precision. */
  readonly classes?: readonly string[];
}

const WIDTH = 560, HEIGHT = 380;

/** Most classes that have a curve of their own. */
const MOST_CLASSES = 10;

/** Overlaps whose curves are drawn, of those that are measured. */
const SHOWN = [0.5, 0.75, 0.9];

/** A curve, what it is called where it is pointed at, and in the legend. */
interface Curve {
  readonly name: string;
  readonly label: string;
  readonly values: readonly number[];
  readonly colour: string;
}

const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function panelOf(curves: readonly Curve[], recall: readonly number[], label: string): PlotOptions {
  return {
    height: HEIGHT,
    marginLeft: 56,
    marginRight: 24,
    marginTop: 30,
    marginBottom: 44,
    x: { label: "recall", domain: [0, 1] },
    y: { label, domain: [0, 1], labelOffset: 40 },
    marks: [
      gridX({ stroke: INK, strokeOpacity: 0.08 }),
      gridY({ stroke: INK, strokeOpacity: 0.08 }),
      ruleX([0], { stroke: INK }),
      ruleY([0], { stroke: INK }),
      ...curves.map(({ name, values, colour }) =>
        line(values.map((y, i) => ({ x: recall[i], y })), {
          x: "x",
          y: "y",
          stroke: colour,
          strokeWidth: 2,
          ariaLabel: () => name,
        })
      ),
    ],
  };
}

/** Curves of single classes at an overlap of 0.5; classes without objects have none. */
function classCurves(perClass: CocoCurves["perClass"], classes: readonly string[]): Curve[] {
  const known = perClass.flatMap((values, k) => values.length === 0 ? [] : [{ k, values, ap: meanOf(values) }]);
  const least = known.toSorted((a, b) => a.ap - b.ap).slice(0, MOST_CLASSES).sort((a, b) => a.k - b.k);
  return least.map(({ k, values, ap }, i) => ({
    name: classes[k],
    label: `${classes[k]} (AP50 ${ap.toFixed(3)})`,
    values,
    colour: seriesColour(SHOWN.length + i),
  }));
}

/**
 * Draws mean precision of the classes over recall for overlaps of 0.5, 0.75 and 0.9; the area below a curve is the average precision
 * at that overlap, which the legend gives. Returns an SVG file's text.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { evaluateDetections } from "../../eval/coco.ts";
 * import { drawPrecisionRecall } from "./precision_recall.ts";
 * const boxes = [{ id: 1, classId: 0, box: [0, 0, 9, 9] as const, area: 81, crowd: false }];
 * const set = { classes: ["a"], categoryIds: [1], images: [{ id: 1, boxes }] };
 * const { curves } = evaluateDetections(set, [{ image_id: 1, category_id: 1, bbox: [0, 0, 9, 9], score: 0.9 }]);
 * assert.ok(drawPrecisionRecall(curves, { title: "All found" }).includes("0.5 (AP 1.000)"));
 * ```
 */
export function drawPrecisionRecall(
  { recall, precision, perClass = [] }:
    & Pick<CocoCurves, "recall" | "precision">
    & Partial<Pick<CocoCurves, "perClass">>,
  { title, subtitle, classes = [] }: PrecisionRecallOptions,
): string {
  const means = SHOWN.flatMap((overlap, i): Curve[] => {
    const values = precision[IOU_THRESHOLDS.findIndex((threshold) => Math.abs(threshold - overlap) < 1e-9)];
    if (values === undefined) return [];
    const label = `overlap of ${overlap} (AP ${meanOf(values).toFixed(3)})`;
    return [{ name: `overlap ${overlap}`, label, values, colour: seriesColour(i) }];
  });
  const single = classes.length > 1 ? classCurves(perClass, classes) : [];
  const count = perClass.filter(({ length }) => length > 0).length;
  const which = single.length < count ? `the ${single.length} classes of least average precision` : "single classes";
  return figure({
    title,
    subtitle,
    width: WIDTH,
    legend: [...means, ...single].map(({ label, colour }) => ({ label, colour, shape: "line" as const })),
    panels: [
      panelOf(means, recall, "precision, mean of the classes"),
      ...single.length > 0 ? [panelOf(single, recall, `precision of ${which}, overlap of 0.5`)] : [],
    ],
  });
}
