/**
 * Results as Pareto plots: mAP against latency, and against bytes.
 *
 * @module
 */

import { adapterText } from "../../gpu/device.ts";
import { drawPareto, type ParetoKind, type ParetoOptions, type ParetoPoint } from "../plot/pareto.ts";
import { type Figure, predictorOf, valueOf } from "./figure.ts";
import { FAINT } from "../plot/theme.ts";
import { FORMATS, ROLE_COLOURS, ROLE_TITLES } from "./format.ts";
import { PUBLISHED_FAMILY_SOURCE } from "./published.ts";
import { readFigure, type TableResults } from "./results.ts";

/** What mAP is drawn against. */
export type ParetoCost = "latency" | "bytes";

const COSTS = { latency: "detectMedian", bytes: "fileBytes" } as const;

const X_LABELS: Readonly<Record<ParetoCost, string>> = {
  latency: "milliseconds from picture to boxes (median)",
  bytes: "MB of the model file",
};

/** Group of the published family. */
const FAMILY = "YOLO11, published mAP";

/** What others published is grey: none of our roles. */
const COLOURS = new Map([...ROLE_COLOURS, [FAMILY, FAINT]]);

function kindOf(...figures: readonly Figure[]): ParetoKind {
  return figures.some((figure) => predictorOf(figure) !== undefined) ? "predicted" : "measured";
}

/** The points of a plot: variants that have both figures, and the published family. mAP is in percent. */
export function paretoPoints({ rows, family }: TableResults, cost: ParetoCost): ParetoPoint[] {
  const { unit } = FORMATS[COSTS[cost]];
  const variants = rows.flatMap((row): ParetoPoint[] => {
    const x = readFigure(row, COSTS[cost]), y = readFigure(row, "map");
    const [across, up] = [valueOf(x), valueOf(y)];
    if (across === undefined || up === undefined) return [];
    const group = ROLE_TITLES[row.role];
    return [{ label: row.title, group, x: across / unit, y: 100 * up, kind: kindOf(x, y) }];
  });
  const published = family.flatMap(({ model, fileBytes, publishedMap, timing }): ParetoPoint[] => {
    const across = cost === "bytes" ? fileBytes : timing.detectMedian && valueOf(timing.detectMedian);
    if (across === undefined) return [];
    return [{ label: model, group: FAMILY, x: across / unit, y: 100 * publishedMap, kind: "published" }];
  });
  return [...variants, ...published];
}

/** Titles of the variants that a plot cannot show, in one line. */
function missingText({ rows }: TableResults, cost: ParetoCost): string[] {
  const missing = rows.filter((row) =>
    [COSTS[cost], "map" as const].some((name) => valueOf(readFigure(row, name)) === undefined)
  );
  return missing.length === 0 ? [] : [`not measured: ${missing.map(({ title }) => title).join(" / ")}`];
}

/** What is written on a plot. */
function paretoOptions(results: TableResults, cost: ParetoCost): ParetoOptions {
  const { data, split, images, limit, run, family } = results;
  const set = `${data}${split === null ? "" : ` ${split}`}`;
  const adapter = cost === "latency" && run?.adapter ? [`on ${adapterText(run.adapter)}`] : [];
  const sources = family.length > 0 ? [`hollow: ${PUBLISHED_FAMILY_SOURCE}`] : [];
  const pictures = limit === null ? `${images} pictures` : `a quick look, only the first ${images} pictures`;
  return {
    title: `mAP against ${cost === "latency" ? "latency" : "size"} on ${set}`,
    subtitle: [pictures, ...adapter, ...sources, ...missingText(results, cost)].join("; "),
    xLabel: X_LABELS[cost],
    yLabel: FORMATS.map.heading,
    lines: [FAMILY],
    colours: COLOURS,
    above: ROLE_TITLES.original,
    log: true,
  };
}

/** Draws mAP against a cost. Returns the text of an SVG file. The plot against bytes is the same in every run. */
export function drawResultPareto(results: TableResults, cost: ParetoCost): string {
  return drawPareto(paretoPoints(results, cost), paretoOptions(results, cost));
}
