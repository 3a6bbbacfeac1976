/**
 * What the converters of an analog array have to span: ranges of the inputs of layers and of their sums, seen on pictures.
 *
 * Sums are looked at in units of the greatest weight of their output channel, as each row of an array has a gain of its own, and without
 * bias, which is added digitally.
 *
 * @module
 */

import { FeatherdetError, type Graph, GraphEditor } from "../../graph/mod.ts";
import { collectStatistics } from "../collect.ts";
import type { Histogram } from "../histogram.ts";
import { prepared } from "../quantize/prepared.ts";
import type { Runner } from "../runner.ts";
import type { CalibrationSamples } from "../statistics.ts";
import { analogLayers } from "./layers.ts";

/** What was seen of a layer. */
export interface AnalogSeen {
  /** Its inputs. */
  readonly inputs: Histogram;
  /** Its sums without bias, over the greatest weight of their channel. */
  readonly sums: Histogram;
}

/** What was seen, by the name of the convolution. */
export type AnalogCalibration = ReadonlyMap<string, AnalogSeen>;

/** How to calibrate. */
export interface AnalogCalibrateOptions {
  /** Runs the graph on the samples. */
  readonly runner: Runner;
  /** Called after each sample with the number of samples that are done. */
  readonly onSample?: (done: number) => void;
  /** Ends the calibration with its reason, between two samples. */
  readonly signal?: AbortSignal;
}

/**
 * Runs a graph on samples, and keeps what converters have to span. BatchNormalization is folded before; ranges of a layer are the same in
 * a graph that has it still, since they are counted in units of the weights. Throws FeatherdetError for a graph that is quantized or has no
 * convolution, and for samples that do not fit.
 */
export async function calibrateAnalog(
  source: Graph,
  samples: CalibrationSamples,
  { runner, onSample, signal }: AnalogCalibrateOptions,
): Promise<AnalogCalibration> {
  const graph = prepared(source), layers = analogLayers(graph);
  if (layers.length === 0) throw new FeatherdetError("no layer is a convolution", { file: source.name });
  const editor = new GraphEditor(graph), probes = new Map<string, string>();
  for (const { node, scales } of layers) {
    const [x, weight, bias] = node.inputs, base = `${node.name}/analog`;
    const bare = bias === undefined
      ? node.outputs[0]
      : editor.one("Conv", `${base}/sums`, [x, weight], node.attributes);
    const inverse = editor.constant(`${base}/inverse`, [1, scales.length, 1, 1], scales.map((scale) => 1 / scale));
    probes.set(node.name, editor.one("Mul", `${base}/probe`, [bare, inverse], {}));
  }
  const probed = editor.finish({ keepUnread: true });
  const inputs = layers.map(({ node }) => node.inputs[0]);
  const wanted = { value: [...new Set([...inputs, ...probes.values()])] };
  const purpose = "converters need some to see ranges";
  const statistics = await collectStatistics(probed, wanted, { samples, runner, onSample, signal, purpose });
  const seen = statistics.all("value");
  return new Map(layers.map(({ node }) => {
    const [x] = node.inputs;
    return [node.name, { inputs: seen.get(x)!.histogram, sums: seen.get(probes.get(node.name)!)!.histogram }];
  }));
}
