/**
 * `quantize`: quantizes a model to int8 with calibration pictures, and measures the gain on this adapter.
 *
 * @module
 */

import { Option } from "npm:@commander-js/extra-typings@15.1.0";
import {
  type LayerSensitivity,
  type ObserverName,
  quantize,
  type QuantizeReport,
  sensitivity,
} from "../compress/quantize/mod.ts";
import type { Dataset } from "../data/dataset.ts";
import { openDataset } from "../data/open.ts";
import { takeCalibrationSamples } from "../eval/calibration.ts";
import { comparePrecisions, type PrecisionLatency } from "../eval/compare_precisions.ts";
import { FeatherdetError } from "../graph/error.ts";
import type { Graph, Node } from "../graph/mod.ts";
import { saveOnnx } from "../onnx/mod.ts";
import { type SessionRunner, sessionRunner } from "../engine/session_runner.ts";
import { inputSize, integerIn, numberIn } from "./arguments.ts";
import { packWeightCells } from "./low_bit.ts";
import { mixedBudget, writeMixed } from "./mixed.ts";
import { loadModel } from "../host/models.ts";
import type { Output } from "./output.ts";
import { progressBar } from "./progress.ts";
import { pictureInput, refuseSource, refuseUnused } from "./quantize_options.ts";
import { isSlower, latencyText, reportText, sensitivityText } from "./quantize_text.ts";
import { deviceAction, deviceVerb } from "./verb.ts";
import { checkTarget, writeWhole } from "../host/whole_file.ts";

const OBSERVER_NAMES = ["min-max", "moving-average", "percentile", "mse", "entropy"] as const satisfies ObserverName[];

/** Opens the calibration pictures; by default the split for training, if there are splits. */
async function openCalibration(
  name: string,
  split: string | undefined,
  limit: number,
  output: Output,
): Promise<Dataset> {
  if (split !== undefined) return await openDataset(name, { split, limit });
  try {
    return await openDataset(name, { split: "train", limit });
  } catch (error) {
    if (!(error instanceof FeatherdetError)) throw error;
    const dataset = await openDataset(name, { limit });
    if (dataset.split !== undefined) {
      output.note(`there is no split "train": calibrating on "${dataset.split}", measure on another`);
    }
    return dataset;
  }
}

/** What `--float` stands for. Throws FeatherdetError for a name that no node has. */
function floatOption(text: string, graph: Graph): "yolo11" | "none" | ((node: Node) => boolean) {
  if (text === "yolo11" || text === "none") return text;
  const names = new Set(text.split(",").map((name) => name.trim()));
  for (const name of names) {
    if (!graph.nodes.some((node) => node.name === name)) {
      throw new FeatherdetError(`--float is yolo11, none or names of layers, "${name}" is none of them`, {
        file: graph.name,
      });
    }
  }
  return ({ name }) => names.has(name);
}

/** Runs something with a progress bar that appears when the first step is done. */
async function withBar<T>(
  total: number,
  unit: string,
  run: (step: (label?: string) => void) => Promise<T>,
): Promise<T> {
  const bar = progressBar(total, unit);
  try {
    return await run((label) => bar.step(label));
  } finally {
    bar.stop();
  }
}

/** Times the detector before and after; says in `note` if it is no detector. */
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

/** The verb `quantize`. */
export const quantizeVerb = deviceVerb(
  "quantize",
  "Quantize a model to int8 after training: calibrate, write QDQ ONNX, compare latencies.",
  "deno task quantize --model yolo11n.onnx --calibrate coco --limit 256 --out yolo11n_int8.onnx",
)
  .requiredOption("--model <model>", "ONNX file, URL, or name")
  .option("--calibrate <set>", "pictures that show the ranges, needed for int8: synthetic, bccd, coco, or a folder")
  .requiredOption("--out <file>", "ONNX file to write")
  .option("--split <name>", "part of the data set; train by default where there are parts")
  .option("--limit <number>", "only the first so many pictures", integerIn(1, 2 ** 31 - 1), 256)
  .option("--size <pixels>", "side of the network's input; the model's own by default", inputSize)
  .addOption(
    new Option("--observer <name>", "how ranges of activations are chosen").choices(OBSERVER_NAMES).default(
      "mse" as const,
    ),
  )
  .option("--percentile <percent>", "values within the range of the observer percentile", numberIn(51, 100), 99.99)
  .addOption(
    new Option("--scheme <name>", "where zero lies in int8").choices(["asymmetric", "symmetric"] as const).default(
      "asymmetric" as const,
    ),
  )
  .addOption(
    new Option(
      "--weights <name>",
      "int8 with a scale for each output channel or one a tensor; or ternary or binary, all else in float",
    ).choices(["channel", "tensor", "ternary", "binary"] as const).default("channel" as const),
  )
  .option("--clip-weights", "clip weights where that lowers their mean square error")
  .option("--no-bias-correction", "leave biases as they are")
  .option("--equalise", "equalise pairs of layers first, where that changes nothing else")
  .addOption(
    new Option("--joins <name>", "one scale for all that a Concat joins, or a scale each").choices(
      ["shared", "apart"] as const,
    ).default("shared" as const),
  )
  .option("--float <rule>", "what stays in float: yolo11, none, or names of layers with commas between them", "yolo11")
  .option(
    "--sensitivity [pictures]",
    "measure what each layer costs alone, on so many pictures (4 by default): minutes",
    (text: string) => integerIn(1, 1024)(text),
  )
  .option("--mixed", "measure every layer here and choose f32, f16 or int8 within a budget: minutes to an hour")
  .option("--budget-map <loss>", "with --mixed: mAP50-95 that may be lost, 0.004 is 0.4 points", numberIn(0, 1))
  .option("--budget-ms <time>", "with --mixed: milliseconds that a picture may take", numberIn(1e-3, 1e9))
  .option("--measure <set>", "with --mixed: pictures with objects to measure mAP on; those of --calibrate by default")
  .option("--measure-split <name>", "part of that set; of the calibration's set its part by default")
  .option("--measure-limit <number>", "only the first so many of them", integerIn(1, 2 ** 31 - 1), 100)
  .option("--no-latency", "do not compare latencies")
  .action(async (options, command) => {
    await deviceAction<typeof options>(async (settings, output) => {
      const { model, calibrate, out, limit } = settings;
      const budget = mixedBudget(settings);
      refuseUnused(settings, (option) => command.getOptionValueSource(option as keyof typeof settings) === "cli");
      checkTarget(out);
      refuseSource(model, out);
      const graph = await loadModel(model, { size: settings.size, batch: 1 });
      const float = floatOption(settings.float, graph);
      if (settings.weights === "ternary" || settings.weights === "binary") {
        return await packWeightCells(graph, { weights: settings.weights, float, rule: settings.float, out }, output);
      }
      if (calibrate === undefined) throw new FeatherdetError("int8 needs pictures that show the ranges: --calibrate");
      const { name: input, height, width } = pictureInput(graph);
      const dataset = await openCalibration(calibrate, settings.split, limit, output);
      for (const warning of dataset.warnings) output.note(warning);
      const pictures = dataset.images.length;
      const samples = takeCalibrationSamples(dataset, { size: [height, width], input });
      const scheme = {
        observer: settings.observer,
        percentile: settings.percentile,
        activations: settings.scheme,
        weights: settings.weights,
        clipWeights: settings.clipWeights === true,
        biasCorrection: settings.biasCorrection,
        joins: settings.joins,
      };
      if (budget !== undefined) {
        const { measure = calibrate, measureSplit, measureLimit, sensitivity: rated } = settings;
        const part = measureSplit ?? (measure === calibrate ? dataset.split : undefined);
        const measured = await openDataset(measure, { split: part, limit: measureLimit });
        const count = rated === undefined || rated === true ? undefined : rated;
        return await writeMixed(graph, samples, { budget, scheme, measured, samples: count }, { dataset, out }, output);
      }
      const runner: SessionRunner = sessionRunner();
      let made: { graph: Graph; report: QuantizeReport };
      let rated: LayerSensitivity[] | undefined;
      try {
        made = await withBar(
          pictures,
          "pictures",
          (step) =>
            quantize(graph, samples, {
              ...scheme,
              float,
              equalise: settings.equalise === true,
              runner,
              onSample: () => step(),
            }),
        );
        if (settings.sensitivity !== undefined) {
          const count = settings.sensitivity === true ? 4 : settings.sensitivity;
          rated = await withBar(
            made.report.layers.length,
            "layers",
            (step) =>
              sensitivity(graph, samples, {
                ...scheme,
                float,
                runner,
                samples: count,
                onLayer: (_, __, name) => step(name),
              }),
          );
        }
      } finally {
        runner.destroy();
      }
      const { report } = made;
      const { observer, activations, weights, bytes } = report;
      const split = dataset.split === undefined ? "" : ` ${dataset.split}`;
      const quantization = {
        by: "featherdet quantize",
        from: graph.name,
        calibration: `${dataset.name}${split}, ${pictures} pictures at ${width}x${height}`,
        ...{ observer, activations, weights, joins: settings.joins, float: settings.float },
        ...{ biasCorrection: settings.biasCorrection, clipWeights: scheme.clipWeights, equalised: report.equalised },
      };
      const metadata = { ...made.graph.metadata, quantization: JSON.stringify(quantization) };
      const file = saveOnnx({ ...made.graph, metadata });
      await writeWhole(out, file);
      for (const warning of report.warnings) output.note(`warning: ${warning}`);
      for (const line of reportText(report)) output.line(line);
      output.line(`written to ${out}, ${file.byteLength} bytes`);
      if (rated) { for (const line of sensitivityText(rated)) output.line(line); }
      const latency = settings.latency ? await timed(graph, made.graph, dataset, output) : undefined;
      const slower: string[] = [];
      if (latency) {
        for (const line of latencyText(latency)) output.line(line);
        if (isSlower(latency)) {
          slower.push(
            `int8 is slower on this adapter (${latency.adapter.name}): ${latency.int8.median.toFixed(1)} ms a frame, ` +
              `f32 ${latency.f32.median.toFixed(1)} ms, f16 ${latency.f16.median.toFixed(1)} ms`,
          );
          output.note(`warning: ${slower[0]}`);
        }
      }
      return {
        bytes: bytes.after,
        layers: report.int8Layers,
        report: { ...report, warnings: [...report.warnings, ...slower] },
        file: { name: out, bytes: file.byteLength },
        quantization,
        ...(rated && { sensitivity: rated }),
        ...(latency && { latency }),
      };
    })(options);
  });
