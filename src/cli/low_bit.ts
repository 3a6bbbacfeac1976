/**
 * `quantize --weights 4bit`, `ternary` and `binary`: packs the weights of a model, which takes no pictures and no device.
 *
 * @module
 */

import { LOW_BITS, type LowBitName, packWeightsPass, type PackWeightsReport } from "../compress/quantize/mod.ts";
import { passStep } from "../compress/pass.ts";
import { type AnyCompressionJob, compressionJob } from "./compress_verb.ts";
import type { QuantizeSettings } from "./quantize.ts";
import { floatOption } from "./quantize_options.ts";

const WARNING = "weights of one or two bits without training leave a detector blind: train the model with them";

/** Lines about what was packed. */
function reportText(
  { packedLayers, floatLayers, packed, model, layers, worst }: PackWeightsReport,
  weights: string,
): string[] {
  const size = ({ before, after, ratio }: typeof packed) =>
    `${(after / 1e6).toFixed(2)} MB of ${(before / 1e6).toFixed(2)} MB, ${(100 * ratio).toFixed(1)} %`;
  const zeros = layers.filter(({ weights }) => weights === "ternary").map(({ zeros }) => zeros!);
  const share = zeros.reduce((sum, each) => sum + each, 0) / zeros.length;
  return [
    `${weights.padEnd(12)} ${packedLayers} convolutions, ${floatLayers} stay in float`,
    `packed       ${size(packed)}`,
    `model        ${size(model)}`,
    ...(zeros.length === 0 ? [] : [`zeros        ${(100 * share).toFixed(0)} % of a layer's weights on average`]),
    ...layers.filter(({ weights }) => weights === "float").map(({ name, reason }) => `float        ${name}: ${reason}`),
    ...worst.map((name) => {
      const { sqnr } = layers.find((layer) => layer.name === name)!;
      return `worst        ${name}: ${sqnr!.toFixed(1)} dB`;
    }),
  ];
}

/** What `quantize` does for weights of few bits. */
export function lowBitJob({ float }: QuantizeSettings, weights: LowBitName): AnyCompressionJob {
  return compressionJob({
    steps: ({ graph }) => [
      passStep(packWeightsPass, { bits: LOW_BITS[weights], float: floatOption(float, graph) }, { float }),
    ],
    told({ reports: [report] }, { graph }) {
      const { model: { after: bytes }, packedLayers: layers } = report;
      const warnings = weights === "4bit" ? [] : [WARNING];
      const quantization = { by: "featherdet quantize", from: graph.name, weights, float };
      return {
        lines: reportText(report, weights),
        warnings,
        json: { bytes, layers, report: { ...report, warnings }, quantization },
      };
    },
  });
}
