/**
 * Searches side by side: the best score so far against the number of evaluations, a line for the median of each way and a band from its
 * worst to its best seed.
 *
 * @module
 */

import { areaY, gridX, gridY, line, type PlotOptions, ruleY } from "npm:@observablehq/plot@0.6.17";
import { figure } from "./figure.ts";
import { INK, seriesColours } from "./theme.ts";

/** The curves of a way to search, one a seed. */
export interface SearchCurves {
  /** Its name. */
  readonly name: string;
  /** Best score after each evaluation; undefined before the first full one. A curve may end early. */
  readonly curves: readonly (readonly (number | undefined)[])[];
}

/** What is written on the plot. */
export interface SearchPlotOptions {
  /** What is shown. */
  readonly title: string;
  /** What was searched, and on what. */
  readonly subtitle?: string;
  /** The score and its unit. */
  readonly yLabel: string;
  /** A score that nothing can beat, where it is known. */
  readonly best?: number;
}

interface Row {
  readonly name: string;
  readonly at: number;
  readonly low: number;
  readonly middle: number;
  readonly high: number;
}

const WIDTH = 760, HEIGHT = 380;

/** The curves of a way as rows: what each seed has at each evaluation, where all have something. A curve that ended stays where it was. */
function rowsOf({ name, curves }: SearchCurves): Row[] {
  const count = Math.max(0, ...curves.map(({ length }) => length));
  return Array.from({ length: count }, (_, i) => i).flatMap((i) => {
    const values = curves.map((curve) => curve[Math.min(i, curve.length - 1)]).filter((value) => value !== undefined);
    if (values.length < curves.length || values.length === 0) return [];
    const sorted = values.sort((a, b) => a - b), half = sorted.length >> 1;
    const middle = sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    return [{ name, at: i + 1, low: sorted[0], middle, high: sorted.at(-1)! }];
  });
}

/** Draws the curves of searches. Returns the text of an SVG file. */
export function drawSearch(
  searches: readonly SearchCurves[],
  { title, subtitle, yLabel, best }: SearchPlotOptions,
): string {
  const rows = searches.flatMap(rowsOf), colours = seriesColours(searches.map(({ name }) => name));
  const colour = ({ name }: Row) => colours.get(name);
  const by = Map.groupBy(rows, ({ name }) => name);
  const panel: PlotOptions = {
    ...{ height: HEIGHT, marginLeft: 56, marginRight: 24, marginTop: 24, marginBottom: 44 },
    x: { label: "evaluations" },
    y: { label: yLabel, labelOffset: 44 },
    marks: [
      gridX({ stroke: INK, strokeOpacity: 0.08 }),
      gridY({ stroke: INK, strokeOpacity: 0.08 }),
      ...(best === undefined ? [] : [ruleY([best], { stroke: INK, strokeDasharray: "4,3", ariaLabel: () => "best" })]),
      ...[...by].map(([name, list]) =>
        areaY(list, {
          x: "at",
          y1: "low",
          y2: "high",
          fill: colour(list[0]),
          fillOpacity: 0.12,
          ariaLabel: () => `range of ${name}`,
        })
      ),
      ...[...by].map(([name, list]) =>
        line(list, {
          x: "at",
          y: "middle",
          stroke: colour(list[0]),
          strokeWidth: 2,
          curve: "step-after",
          ariaLabel: () => `line of ${name}`,
        })
      ),
    ],
  };
  const legend = searches.map(({ name }) => ({ label: name, colour: colours.get(name)!, shape: "line" as const }));
  const known = best === undefined ? [] : [{ label: "known best", colour: INK, shape: "dashes" as const }];
  return figure({ title, subtitle, width: WIDTH, legend: [...legend, ...known], panels: [panel] });
}
