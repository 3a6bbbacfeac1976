/**
 * What a least confidence costs and gains: precision, recall and F1 over it.
 *
 * @module
 */

import { gridX, gridY, line, type PlotOptions, ruleX, ruleY } from "npm:@observablehq/plot@0.6.17";
import type { CocoCurves, ConfidencePoint } from "../../eval/coco.ts";
import { figure, type LegendItem } from "./figure.ts";
import type { CurveOptions } from "./precision_recall.ts";
import { FAINT, INK, seriesColour } from "./theme.ts";

const WIDTH = 560, HEIGHT = 380;

const SHOWN = [["precision", "precision"], ["recall", "recall"], ["f1", "F1"]] as const;

/**
 * Draws mean precision, recall and F1 of the classes over the least confidence, at an overlap of 0.5; a dashed line stands where F1 is
 * greatest. Returns an SVG file's text.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { evaluateDetections } from "../../eval/coco.ts";
 * import { drawConfidence } from "./confidence.ts";
 * const boxes = [{ id: 1, classId: 0, box: [0, 0, 9, 9] as const, area: 81, crowd: false }];
 * const set = { classes: ["a"], categoryIds: [1], images: [{ id: 1, boxes }] };
 * const result = evaluateDetections(set, [{ image_id: 1, category_id: 1, bbox: [0, 0, 9, 9], score: 0.9 }]);
 * assert.ok(drawConfidence(result, { title: "All found" }).includes("greatest F1 1.000 from 0.900 on"));
 * ```
 */
export function drawConfidence(
  { bestF1, curves }: { readonly bestF1?: ConfidencePoint; readonly curves: Pick<CocoCurves, "confidence"> },
  { title, subtitle }: CurveOptions,
): string {
  const series = SHOWN.map(([key, label], i) => ({ key, label, colour: seriesColour(i) }));
  const points = curves.confidence;
  const panel: PlotOptions = {
    height: HEIGHT,
    marginLeft: 56,
    marginRight: 24,
    marginTop: 30,
    marginBottom: 44,
    x: { label: "least confidence", domain: [0, 1] },
    y: { label: "precision, recall, F1", domain: [0, 1], labelOffset: 40 },
    marks: [
      gridX({ stroke: INK, strokeOpacity: 0.08 }),
      gridY({ stroke: INK, strokeOpacity: 0.08 }),
      ruleX([0], { stroke: INK }),
      ruleY([0], { stroke: INK }),
      ...bestF1
        ? [ruleX([bestF1.confidence], { stroke: FAINT, strokeDasharray: "4,3", ariaLabel: "greatest F1" })]
        : [],
      ...points.length === 0 ? [] : series.map(({ key, label, colour }) =>
        line(points, {
          x: "confidence",
          y: (point: ConfidencePoint) => point[key],
          stroke: colour,
          strokeWidth: 2,
          ariaLabel: () => label,
        })
      ),
    ],
  };
  const legend: LegendItem[] = series.map(({ label, colour }) => ({ label, colour, shape: "line" }));
  if (bestF1) {
    const label = `greatest F1 ${bestF1.f1.toFixed(3)} from ${bestF1.confidence.toFixed(3)} on`;
    legend.push({ label, colour: FAINT, shape: "dashes" });
  }
  return figure({ title, subtitle, width: WIDTH, legend, panels: [panel] });
}
