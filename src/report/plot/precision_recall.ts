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

const WIDTH = 560, HEIGHT = 380;

/** Overlaps whose curves are drawn, of those that are measured. */
const SHOWN = [0.5, 0.75, 0.9];

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
  { recall, precision }: Pick<CocoCurves, "recall" | "precision">,
  { title, subtitle }: CurveOptions,
): string {
  const curves = SHOWN.flatMap((overlap, i) => {
    const values = precision[IOU_THRESHOLDS.findIndex((threshold) => Math.abs(threshold - overlap) < 1e-9)];
    return values === undefined ? [] : [{ overlap, values, colour: seriesColour(i) }];
  });
  const panel: PlotOptions = {
    height: HEIGHT,
    marginLeft: 56,
    marginRight: 24,
    marginTop: 30,
    marginBottom: 44,
    x: { label: "recall", domain: [0, 1] },
    y: { label: "precision", domain: [0, 1], labelOffset: 40 },
    marks: [
      gridX({ stroke: INK, strokeOpacity: 0.08 }),
      gridY({ stroke: INK, strokeOpacity: 0.08 }),
      ruleX([0], { stroke: INK }),
      ruleY([0], { stroke: INK }),
      ...curves.map(({ overlap, values, colour }) =>
        line(values.map((y, i) => ({ x: recall[i], y })), {
          x: "x",
          y: "y",
          stroke: colour,
          strokeWidth: 2,
          ariaLabel: () => `overlap ${overlap}`,
        })
      ),
    ],
  };
  const legend = curves.map(({ overlap, values, colour }) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return { label: `overlap of ${overlap} (AP ${mean.toFixed(3)})`, colour, shape: "line" as const };
  });
  return figure({ title, subtitle, width: WIDTH, legend, panels: [panel] });
}
