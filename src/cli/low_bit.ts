/**
 * `quantize --weights 4bit`, `ternary` and `binary`: packs the weights of a model, which takes pictures and a device only where rounding is
 * learned.
 *
 * @module
 */

import { LOW_BITS, type LowBitName, packWeightsPass, type PackWeightsReport } from "../compress/quantize/mod.ts";
import { passStep } from "../compress/pass.ts";
import { foldPass, recognisePass } from "../compress/prepare.ts";
import { type AnyCompressionJob, compressionJob, picturesOf } from "./compress_verb.ts";
import type { QuantizeSettings } from "./quantize.ts";
import { floatOption } from "./quantize_options.ts";
import { checkRounding, ROUNDING_PICTURES, roundingStep, roundingText } from "./rounding.ts";

const WARNING = "weights of one or two bits without training leave a detector blind: train the model with them";

/** Of four bits it depends on the model. */
const WARNING_OF_FOUR =
  "weights of four bits can leave a detector blind: measure it, see --rounding reconstructed, or train it with them";

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

/** Weights of four bits whose rounding is learned on pictures. */
function reconstructedJob(settings: QuantizeSettings): AnyCompressionJob {
  const { float, limit } = settings, weights = "4bit";
  return compressionJob({
    compact: true,
    pictures: picturesOf({ ...settings, limit: Math.min(limit, ROUNDING_PICTURES) }),
    check: () => checkRounding(settings),
    steps: (input) => {
      const rule = floatOption(float, input.graph);
      return [
        passStep(foldPass, {}),
        passStep(recognisePass, {}),
        roundingStep(settings, input, 4, rule),
        passStep(packWeightsPass, { bits: 4, float: rule }, { float }),
      ];
    },
    told({ reports: [, , rounding, report] }, { graph }) {
      const { model: { after: bytes }, packedLayers: layers } = report;
      const quantization = { by: "featherdet quantize", from: graph.name, weights, float, rounding: "reconstructed" };
      return {
        lines: [...reportText(report, weights), ...roundingText(rounding)],
        json: { bytes, layers, report: { ...report, rounding, warnings: [] }, quantization },
      };
    },
  });
}

/** What `quantize` does for weights of few bits. */
export function lowBitJob(settings: QuantizeSettings, weights: LowBitName): AnyCompressionJob {
  const { float, rounding } = settings;
  if (rounding === "reconstructed") return reconstructedJob(settings);
  return compressionJob({
    compact: true,
    steps: ({ graph }) => [
      passStep(foldPass, {}),
      passStep(packWeightsPass, { bits: LOW_BITS[weights], float: floatOption(float, graph) }, { float }),
    ],
    told({ reports: [, report] }, { graph }) {
      const { model: { after: bytes }, packedLayers: layers } = report;
      const warnings = [weights === "4bit" ? WARNING_OF_FOUR : WARNING];
      const quantization = { by: "featherdet quantize", from: graph.name, weights, float };
      return {
        lines: reportText(report, weights),
        warnings,
        json: { bytes, layers, report: { ...report, warnings }, quantization },
      };
    },
  });
}
