/**
 * `quantize --weights ternary` and `--weights binary`: packs the weights of a model, which takes no pictures and no device.
 *
 * @module
 */

import { packWeights, type PackWeightsOptions, type PackWeightsReport } from "../compress/quantize/mod.ts";
import type { Graph } from "../graph/mod.ts";
import { saveOnnx } from "../onnx/mod.ts";
import type { Output } from "./output.ts";
import { writeWhole } from "../host/whole_file.ts";

/** What weights become, and the bits of one. */
export const LOW_BITS = { ternary: 2, binary: 1 } as const;

/** Options of the verb. */
export interface LowBitSettings {
  /** What weights become. */
  readonly weights: keyof typeof LOW_BITS;
  /** What stays in float. */
  readonly float: NonNullable<PackWeightsOptions["float"]>;
  /** The same as it was typed. */
  readonly rule: string;
  /** File to write. */
  readonly out: string;
}

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

/** Packs the weights, writes the file, says what was done; the result is what `--json` prints. */
export async function packWeightCells(graph: Graph, settings: LowBitSettings, output: Output): Promise<object> {
  const { weights, float, rule, out } = settings;
  const { graph: packed, report } = packWeights(graph, { bits: LOW_BITS[weights], float });
  const quantization = { by: "featherdet quantize", from: graph.name, weights, float: rule };
  const metadata = { ...packed.metadata, quantization: JSON.stringify(quantization) };
  const file = saveOnnx({ ...packed, metadata });
  await writeWhole(out, file);
  output.note(`warning: ${WARNING}`);
  for (const line of reportText(report, weights)) output.line(line);
  output.line(`written to ${out}, ${file.byteLength} bytes`);
  return {
    bytes: report.model.after,
    layers: report.packedLayers,
    report: { ...report, warnings: [WARNING] },
    file: { name: out, bytes: file.byteLength },
    quantization,
  };
}
