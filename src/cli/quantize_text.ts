/**
 * What `quantize` prints for people.
 *
 * @module
 */

import type { LayerSensitivity, QuantizeReport } from "../compress/quantize/mod.ts";
import type { PrecisionLatency } from "../eval/compare_precisions.ts";

/** Layers that are listed of those with a measured sensitivity. */
const LISTED = 12;

const ratio = (decibels: number | null) => decibels === null ? "exact" : `${decibels.toFixed(1)} dB`;

/** Lines about what was quantized and how well. */
export function reportText(report: QuantizeReport): string[] {
  const { bytes, layers, worst, samples, observer, activations, weights } = report;
  const kept = layers.filter(({ precision, weights }) => precision === "float" && weights === null);
  const stored = layers.filter(({ precision, weights }) => precision === "float" && weights !== null);
  return [
    `int8         ${report.int8Layers} layers, ${report.floatLayers} stay in float`,
    `weights      ${(bytes.after / 1e6).toFixed(2)} MB of ${(bytes.before / 1e6).toFixed(2)} MB, ` +
    `${(100 * bytes.ratio).toFixed(1)} %`,
    `ranges       ${observer}, ${activations}, from ${samples} pictures; weights by ${weights}`,
    ...(report.corrected === null ? [] : [`corrected    ${report.corrected} biases`]),
    ...(report.equalised === null ? [] : [`equalised    ${report.equalised} pairs of layers`]),
    ...kept.map(({ name, reason }) => `float        ${name}: ${reason}`),
    ...(stored.length === 0 ? [] : [`float        ${stored.length} layers more, their weights stored in int8`]),
    ...worst.map((name) => {
      const { sqnr } = layers.find((layer) => layer.name === name)!;
      return `worst        ${name}: ${ratio(sqnr)}`;
    }),
  ];
}

/** Lines about the layers that cost most, and whether they stay in float. */
export function sensitivityText(layers: readonly LayerSensitivity[]): string[] {
  const width = Math.max(...layers.slice(0, LISTED).map(({ name }) => name.length));
  return layers.slice(0, LISTED).map(({ name, loss, detections, covered }) => {
    const boxes = detections === undefined
      ? ""
      : `  boxes ${detections.boxes.toFixed(2)} px, scores ${detections.scores.toFixed(4)}`;
    return `sensitivity  ${name.padEnd(width)}  loss ${loss.toFixed(5)}${boxes}  ${covered ?? "in int8"}`;
  });
}

/** The ratio as it is printed. */
const printed = (ratio: number) => ratio.toFixed(2);

/** Whether int8 deserves the warning: it takes longer by so much that the printed ratio shows it. */
export const isSlower = ({ ratio }: PrecisionLatency): boolean => Number(printed(ratio)) > 1;

/** Lines about latencies. */
export function latencyText({ adapter, f32, f16, int8, ratio }: PrecisionLatency): string[] {
  const [a, b, c] = [f32, f16, int8].map(({ median }) => `${median.toFixed(1)} ms`);
  return [
    `adapter      ${adapter.name}${adapter.software ? " (software)" : ""}`,
    `latency      int8 ${c}, f32 ${a}, f16 ${b} a frame: int8 takes ${printed(ratio)} times the faster of the others`,
  ];
}
