/**
 * `quantize` for int8 after training: its passes, and what is said and measured of them.
 *
 * @module
 */

import {
  type EqualiseReport,
  type LayerSensitivity,
  listQuantizePasses,
  measureSensitivity,
  type QuantizeReport,
  type ReconstructReport,
  type SchemeOptions,
} from "../compress/quantize/mod.ts";
import type { Dataset } from "../data/dataset.ts";
import { comparePrecisions, type PrecisionLatency } from "../eval/compare_precisions.ts";
import { FeatherdetError, type Graph } from "../graph/mod.ts";
import { type AnyCompressionJob, compressionJob, picturesOf, withBar } from "./compress_verb.ts";
import type { Output } from "./output.ts";
import type { QuantizeSettings } from "./quantize.ts";
import { floatOption } from "./quantize_options.ts";
import { checkRounding, roundingStep, roundingText } from "./rounding.ts";
import { isSlower, latencyText, reportText, sensitivityText } from "./quantize_text.ts";

/** Pictures that sensitivity is measured on, unless said otherwise. */
const RATED_ON = 4;

/** The settings as the library names them. */
export function schemeOf(settings: QuantizeSettings): Omit<SchemeOptions, "float" | "storeOutputs"> {
  const { observer, percentile, scheme, weights, clipWeights, biasCorrection, joins } = settings;
  return {
    ...{ observer, percentile, activations: scheme, weights: weights === "tensor" ? weights : "channel" },
    ...{ clipWeights: clipWeights === true, biasCorrection, joins },
  };
}

/** A data set in a few words. */
export function datasetText({ name, split, images }: Dataset): string {
  return `${name}${split === undefined ? "" : ` ${split}`}, ${images.length} pictures`;
}

/** Times the detector before and after; says in `note` where it is none. */
async function timed(
  graph: Graph,
  int8: Graph,
  dataset: Dataset,
  output: Output,
): Promise<PrecisionLatency | undefined> {
  try {
    return await comparePrecisions(graph, int8, await dataset.images[0].load());
  } catch (error) {
    if (!(error instanceof FeatherdetError)) throw error;
    output.note(`latency was not measured: ${error.message}`);
    return undefined;
  }
}

/** A sentence where int8 takes longer; none where it does not. */
function slowerText(latency: PrecisionLatency): string[] {
  if (!isSlower(latency)) return [];
  const { adapter, int8, f32, f16 } = latency;
  return [
    `int8 is slower on this adapter (${adapter.name}): ${int8.median.toFixed(1)} ms a frame, ` +
    `f32 ${f32.median.toFixed(1)} ms, f16 ${f16.median.toFixed(1)} ms`,
  ];
}

/** How it was made, in short; the history says more. */
function quantizationText(graph: Graph, report: QuantizeReport, settings: QuantizeSettings, calibration: string) {
  const { observer, activations, weights, equalised } = report;
  const { joins, float, biasCorrection, clipWeights = false } = settings;
  return {
    ...{ by: "featherdet quantize", from: graph.name, calibration, observer, activations, weights, joins, float },
    ...{ biasCorrection, clipWeights, equalised },
  };
}

/** One report of what the passes say. */
function reportOf(
  equalised: EqualiseReport,
  rounding: ReconstructReport | undefined,
  quantized: QuantizeReport,
): QuantizeReport & { readonly rounding?: ReconstructReport } {
  return { ...quantized, equalised: equalised?.pairs ?? null, ...(rounding && { rounding }) };
}

/** What `quantize` does for int8. */
export function int8Job(settings: QuantizeSettings, output: Output): AnyCompressionJob {
  const scheme = schemeOf(settings), { calibrate, equalise = false, float: rule } = settings;
  return compressionJob({
    compact: true,
    pictures: picturesOf(settings),
    check(graph) {
      floatOption(rule, graph);
      checkRounding(settings);
      if (calibrate === undefined) throw new FeatherdetError("int8 needs pictures that show the ranges: --calibrate");
    },
    steps: (input) => {
      const float = floatOption(rule, input.graph);
      const [fold, recognise, equalised, quantized] = listQuantizePasses({ ...scheme, float, equalise }, {
        float: rule,
      });
      return [fold, recognise, equalised, roundingStep(settings, input, 8, float), quantized];
    },
    told({ reports: [, , equalised, rounding, quantized] }, { graph, pictures }) {
      const report = reportOf(equalised, rounding, quantized);
      const { dataset, size: [height, width] } = pictures!;
      const quantization = quantizationText(graph, report, settings, `${datasetText(dataset)} at ${width}x${height}`);
      const { bytes: { after: bytes }, int8Layers: layers, warnings } = report;
      return {
        lines: [...reportText(report), ...roundingText(rounding)],
        warnings,
        json: { bytes, layers, report, quantization },
      };
    },
    async measured(
      { graph: made, reports: [, , equalised, rounding, quantized] },
      { graph, pictures, runner, signal },
    ) {
      const report = reportOf(equalised, rounding, quantized);
      const { dataset, samples } = pictures!;
      let rated: LayerSensitivity[] | undefined;
      if (settings.sensitivity !== undefined) {
        const count = settings.sensitivity === true ? RATED_ON : settings.sensitivity;
        const options = { ...scheme, float: floatOption(rule, graph), runner: runner(), samples: count };
        rated = await withBar(
          report.layers.length,
          "layers",
          (step) => {
            const onLayer = (_: number, __: number, name: string) => {
              signal?.throwIfAborted();
              step(name);
            };
            return measureSensitivity(graph, samples, { ...options, onLayer });
          },
        );
        for (const line of sensitivityText(rated)) output.line(line);
      }
      signal?.throwIfAborted();
      const latency = settings.latency ? await timed(graph, made, dataset, output) : undefined;
      const slower = latency ? slowerText(latency) : [];
      if (latency) { for (const line of latencyText(latency)) output.line(line); }
      for (const warning of slower) output.note(`warning: ${warning}`);
      return {
        report: { ...report, warnings: [...report.warnings, ...slower] },
        ...(rated && { sensitivity: rated }),
        ...(latency && { latency }),
      };
    },
  });
}
