/**
 * `quantize --mixed`: measures every layer on this adapter and chooses f32, f16 or int8 within a budget.
 *
 * @module
 */

import {
  type CalibrationSample,
  type MixedBudget,
  type MixedReport,
  type MixedResult,
  type SchemeOptions,
  searchMixedPrecision,
} from "../compress/quantize/mod.ts";
import type { Dataset } from "../data/dataset.ts";
import { checkTimestamps } from "../eval/frame_times.ts";
import { mixedMeter } from "../eval/mixed_meter.ts";
import { sharedDevice } from "../gpu/device.ts";
import { FeatherdetError } from "../graph/error.ts";
import type { Graph } from "../graph/mod.ts";
import { saveOnnx } from "../onnx/mod.ts";
import { sessionRunner } from "../engine/session_runner.ts";
import type { Output } from "./output.ts";
import { writeWhole } from "../host/whole_file.ts";

/** Options of the verb. */
export interface MixedSettings {
  readonly budget: MixedBudget;
  readonly scheme: Omit<SchemeOptions, "float" | "storeOutputs">;
  /** Pictures that times and mAP are measured on. */
  readonly measured: Dataset;
  /** Samples that sensitivity is measured on. */
  readonly samples?: number;
  /** Layers whose mAP alone is measured. */
  readonly scored?: number;
  /** Sets of layers that are measured as a whole. */
  readonly points?: number;
}

/** Layers that are listed with their times. */
const LISTED = 12;

/** Lines about what was measured and chosen. */
function mixedText({ points, chosen, layers, f16Loss }: MixedReport): string[] {
  const width = Math.max(...points.map(({ title }) => title.length));
  const count = (precision: string) => layers.filter((layer) => layer.precision === precision).length;
  const gains = layers.flatMap(({ name, precision, loss, mapLoss, milliseconds: { f32, f16, int8 } }) =>
    int8 === null || f32 === null || f16 === null ? [] : [{ name, precision, loss, mapLoss, f32, f16, int8 }]
  ).sort((a, b) => b.f32 - b.int8 - (a.f32 - a.int8)).slice(0, LISTED);
  const longest = Math.max(...gains.map(({ name }) => name.length));
  return [
    ...points.map(({ title, milliseconds, device, predicted, map, bytes, isOnFrontier }) =>
      `${isOnFrontier ? "frontier" : "beaten  "}     ${title.padEnd(width)}  ${milliseconds.toFixed(1)} ms, device ` +
      `${device.toFixed(1)} ms${predicted === null ? "" : ` (predicted ${predicted.toFixed(1)})`}, ` +
      `mAP ${map.toFixed(4)}, ${(bytes / 1e6).toFixed(2)} MB`
    ),
    ...gains.map(({ name, precision, loss, mapLoss, f32, f16, int8 }) =>
      `layer        ${name.padEnd(longest)}  f32 ${f32.toFixed(2)} ms, f16 ${f16.toFixed(2)} ms, int8 ` +
      `${int8.toFixed(2)} ms, loss ${loss.toFixed(5)}${mapLoss === null ? "" : `, mAP -${mapLoss.toFixed(4)}`}: ` +
      precision
    ),
    `f16          loss ${f16Loss.toFixed(5)} by storing floats in 16 bits`,
    `chosen       ${chosen.title}: ${count("int8")} layers int8, ${count("f32")} f32, ${count("f16")} f16`,
    ...(chosen.storage === "f16" ? ["run with     --precision f16: the file's floats are f32"] : []),
  ];
}

/** Searches and says what was found. */
async function searchMixed(
  graph: Graph,
  samples: AsyncIterable<CalibrationSample>,
  settings: MixedSettings,
  output: Output,
): Promise<MixedResult & { readonly adapter: string }> {
  const { budget, scheme, measured, samples: count, scored, points } = settings;
  const device = await sharedDevice(), { adapter } = device;
  // Calibration and sensitivity take minutes: what cannot be timed is not begun.
  checkTimestamps(device);
  output.note(`adapter: ${adapter.name}${adapter.software ? " (software)" : ""}`);
  const runners = { f32: sessionRunner(), f16: sessionRunner({ precision: "f16" }) };
  try {
    const meter = mixedMeter(measured);
    const onStep = (what: string) => output.note(`measuring ${what}`);
    const found = await searchMixedPrecision(graph, samples, {
      ...scheme,
      ...{ budget, meter, runners, samples: count, scored, points, onStep },
    });
    for (const line of mixedText(found.report)) output.line(line);
    return { ...found, adapter: adapter.name };
  } finally {
    for (const runner of Object.values(runners)) runner.destroy();
  }
}

/** What `--mixed` may cost; undefined without it. Throws FeatherdetError for options that do not go together. */
export function mixedBudget(
  { mixed, budgetMap, budgetMs, float, weights, equalise }: {
    mixed?: true;
    budgetMap?: number;
    budgetMs?: number;
    float: string;
    weights: string;
    equalise?: true;
  },
): MixedBudget | undefined {
  if (mixed === undefined) return undefined;
  if (weights === "ternary" || weights === "binary") {
    throw new FeatherdetError(`--mixed chooses between f32, f16 and int8, not ${weights} weights`);
  }
  if (float !== "yolo11" || equalise) {
    throw new FeatherdetError("--mixed chooses what stays in float itself: leave --float and --equalise out");
  }
  if ((budgetMap === undefined) === (budgetMs === undefined)) {
    throw new FeatherdetError("--mixed needs one budget: --budget-map for mAP to lose, or --budget-ms for a time");
  }
  return budgetMap === undefined ? { milliseconds: budgetMs! } : { map: budgetMap };
}

/** Chooses the precision of every layer, writes the network, and returns what `--json` prints. */
export async function writeMixed(
  graph: Graph,
  samples: AsyncIterable<CalibrationSample>,
  settings: MixedSettings,
  { dataset, out }: { dataset: Dataset; out: string },
  output: Output,
): Promise<object> {
  const { report, storage, quantized, adapter, graph: mixed } = await searchMixed(graph, samples, settings, output);
  const { budget, measured, scheme } = settings;
  const part = ({ name, split, images }: Dataset) => `${name}${split ? ` ${split}` : ""}, ${images.length} pictures`;
  const quantization = {
    ...{ by: "featherdet quantize --mixed", from: graph.name, calibration: part(dataset), measured: part(measured) },
    ...{ budget, storage, adapter, ...scheme },
    int8: report.layers.filter(({ precision }) => precision === "int8").map(({ name }) => name),
  };
  const metadata = { ...mixed.metadata, quantization: JSON.stringify(quantization) };
  const file = saveOnnx({ ...mixed, metadata });
  await writeWhole(out, file);
  for (const warning of report.warnings) output.note(`warning: ${warning}`);
  output.line(`written to ${out}, ${file.byteLength} bytes`);
  return {
    bytes: report.chosen.bytes,
    layers: report.chosen.int8Layers,
    storage,
    adapter,
    report,
    ...(quantized && { quantized }),
    file: { name: out, bytes: file.byteLength },
    quantization,
  };
}
