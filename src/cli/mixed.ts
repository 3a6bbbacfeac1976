/**
 * `quantize --mixed`: measures every layer on this adapter and chooses f32, f16 or int8 within a budget.
 *
 * @module
 */

import { isLowBit, listMixedPasses, type MixedBudget, type MixedReport } from "../compress/quantize/mod.ts";
import type { Dataset } from "../data/dataset.ts";
import { openDataset } from "../data/open.ts";
import { checkTimestamps } from "../eval/frame_times.ts";
import { createMixedMeter } from "../eval/mixed_meter.ts";
import { openSharedDevice } from "../gpu/device.ts";
import { FeatherdetError } from "../graph/error.ts";
import { deviceTimeMeter } from "../hardware/time_meter.ts";
import { type AnyCompressionJob, compressionJob, picturesOf } from "./compress_verb.ts";
import { datasetText, schemeOf } from "./int8.ts";
import type { Output } from "./output.ts";
import type { QuantizeSettings } from "./quantize.ts";

/** Milliseconds, to three digits where there are few. */
const timeText = (milliseconds: number) => milliseconds.toFixed(milliseconds < 10 ? 2 : 1);

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
      `${isOnFrontier ? "frontier" : "beaten  "}     ${title.padEnd(width)}  ${timeText(milliseconds)} ms, device ` +
      `${timeText(device)} ms${predicted === null ? "" : ` (predicted ${timeText(predicted)})`}, ` +
      `mAP ${map.toFixed(4)}, ${(bytes / 1e6).toFixed(2)} MB`
    ),
    ...gains.map(({ name, precision, loss, mapLoss, f32, f16, int8 }) =>
      `layer        ${name.padEnd(longest)}  f32 ${f32.toFixed(2)} ms, f16 ${f16.toFixed(2)} ms, int8 ` +
      `${int8.toFixed(2)} ms, loss ${loss.toFixed(5)}${
        mapLoss === null ? "" : `, mAP ${mapLoss > 0 ? "" : "+"}${(-mapLoss).toFixed(4)}`
      }: ` +
      precision
    ),
    `f16          loss ${f16Loss.toFixed(5)} by storing floats in 16 bits`,
    `chosen       ${chosen.title}: ${count("int8")} layers int8, ${count("f32")} f32, ${count("f16")} f16`,
    ...(chosen.storage === "f16" ? ["run with     --precision f16: the file's floats are f32"] : []),
  ];
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
  if (isLowBit(weights)) {
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

/** The pictures that mAP and times are measured on. */
async function openMeasured(settings: QuantizeSettings, calibrated: Dataset): Promise<Dataset> {
  const { calibrate, measure = calibrate!, measureSplit, measureLimit } = settings;
  const part = measureSplit ?? (measure === calibrate ? calibrated.split : undefined);
  return await openDataset(measure, { split: part, limit: measureLimit });
}

/** What `quantize --mixed` does. */
export function mixedJob(settings: QuantizeSettings, budget: MixedBudget, output: Output): AnyCompressionJob {
  const scheme = schemeOf(settings), { sensitivity, calibrate, device: predicted } = settings;
  const samples = sensitivity === true ? undefined : sensitivity;
  let measured: Dataset, adapter: string;
  return compressionJob({
    compact: true,
    pictures: picturesOf(settings),
    check() {
      if (calibrate === undefined) throw new FeatherdetError("int8 needs pictures that show the ranges: --calibrate");
    },
    async steps({ pictures, runner, signal }) {
      measured = await openMeasured(settings, pictures!.dataset);
      const device = await openSharedDevice();
      // Calibration and sensitivity take minutes: what cannot be timed is not begun.
      if (predicted === undefined) checkTimestamps(device);
      adapter = predicted === undefined ? device.adapter.name : `${predicted}, predicted`;
      output.note(`adapter: ${device.adapter.name}${device.adapter.software ? " (software)" : ""}`);
      if (predicted !== undefined) output.note(`times: predicted of ${predicted}`);
      const runners = { f32: runner("f32"), f16: runner("f16") };
      const onStep = (what: string) => {
        signal?.throwIfAborted();
        output.note(`measuring ${what}`);
      };
      onStep("calibration");
      const here = createMixedMeter(measured);
      const meter = predicted === undefined ? here : { ...here, ...deviceTimeMeter(predicted) };
      const options = { ...scheme, budget, meter, runners, samples, onStep };
      return listMixedPasses(options, { adapter, measured: datasetText(measured) });
    },
    told({ reports: [, , { report, storage, quantized }] }, { graph, pictures }) {
      const int8 = report.layers.filter(({ precision }) => precision === "int8").map(({ name }) => name);
      const sets = { calibration: datasetText(pictures!.dataset), measured: datasetText(measured) };
      const quantization = {
        ...{ by: "featherdet quantize --mixed", from: graph.name, ...sets, budget, storage, adapter, ...scheme, int8 },
      };
      const { bytes, int8Layers: layers } = report.chosen;
      return {
        lines: mixedText(report),
        warnings: report.warnings,
        json: { bytes, layers, storage, adapter, report, ...(quantized && { quantized }), quantization },
      };
    },
  });
}
