/**
 * Results as Pareto plots: mAP against latency, and against bytes.
 *
 * @module
 */

import { adapterText } from "../../gpu/device.ts";
import { drawPareto, type ParetoKind, type ParetoOptions, type ParetoPoint } from "../plot/pareto.ts";
import { type Figure, predictorOf, rangeOf, valueOf } from "./figure.ts";
import { FAINT } from "../plot/theme.ts";
import { FORMATS, ROLE_COLOURS, ROLE_TITLES } from "./format.ts";
import { PUBLISHED_FAMILY_SOURCE } from "./published.ts";
import { readFigure, type TableResults } from "./results.ts";

/** What mAP is drawn against. */
export type ParetoCost = "latency" | "bytes";

const X_LABELS = {
  gpuMedian: "milliseconds of the device (median)",
  detectMedian: "milliseconds from picture to boxes (median)",
  fileBytes: "MB of the model file",
} as const;

/** The figure that stands for a cost: the device's time, or where no adapter has told it that from picture to boxes. */
function costName({ rows }: TableResults, cost: ParetoCost): keyof typeof X_LABELS {
  if (cost === "bytes") return "fileBytes";
  return rows.some((row) => valueOf(readFigure(row, "gpuMedian")) !== undefined) ? "gpuMedian" : "detectMedian";
}

/** Group of the published family. */
const FAMILY = "YOLO11, published mAP";

/** What others published is grey: none of our roles. */
const COLOURS = new Map([...ROLE_COLOURS, [FAMILY, FAINT]]);

function kindOf(...figures: readonly Figure[]): ParetoKind {
  return figures.some((figure) => predictorOf(figure) !== undefined) ? "predicted" : "measured";
}

/** The points of a plot: variants that have both figures, and the published family. */
export function paretoPoints(results: TableResults, cost: ParetoCost): ParetoPoint[] {
  const { rows, family } = results, name = costName(results, cost);
  const { unit } = FORMATS[name];
  const variants = rows.flatMap((row): ParetoPoint[] => {
    const x = readFigure(row, name), y = readFigure(row, "map");
    const [across, up] = [valueOf(x), valueOf(y)];
    if (across === undefined || up === undefined) return [];
    const group = ROLE_TITLES[row.role], range = rangeOf(y);
    const seeds = range && { range };
    return [{ label: row.title, group, x: across / unit, y: up, kind: kindOf(x, y), ...seeds }];
  });
  const published = family.flatMap(({ model, fileBytes, publishedMap, timing }): ParetoPoint[] => {
    const time = name === "fileBytes" ? undefined : timing[name];
    const across = name === "fileBytes" ? fileBytes : time && valueOf(time);
    if (across === undefined) return [];
    return [{ label: model, group: FAMILY, x: across / unit, y: publishedMap, kind: "published" }];
  });
  return [...variants, ...published];
}

/** Titles of the variants that a plot cannot show, in one line. */
function missingText(results: TableResults, cost: ParetoCost): string[] {
  const missing = results.rows.filter((row) =>
    [costName(results, cost), "map" as const].some((name) => valueOf(readFigure(row, name)) === undefined)
  );
  return missing.length === 0 ? [] : [`not measured: ${missing.map(({ title }) => title).join(" / ")}`];
}

/** What is written on a plot. */
function paretoOptions(results: TableResults, cost: ParetoCost): ParetoOptions {
  const { data, split, images, limit, run, family } = results;
  const set = `${data}${split === null ? "" : ` ${split}`}`;
  const adapter = cost === "latency" && run?.adapter ? [`on ${adapterText(run.adapter)}`] : [];
  const sources = family.length > 0 ? [`hollow: ${PUBLISHED_FAMILY_SOURCE}`] : [];
  const ranged = results.rows.some((row) => rangeOf(readFigure(row, "map")));
  const bars = ranged ? ["bars from the least to the greatest seed"] : [];
  const pictures = limit === null ? `${images} pictures` : `a quick look, only the first ${images} pictures`;
  return {
    title: `mAP against ${cost === "latency" ? "latency" : "size"} on ${set}`,
    subtitle: [pictures, ...adapter, ...sources, ...bars, ...missingText(results, cost)].join("; "),
    xLabel: X_LABELS[costName(results, cost)],
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
