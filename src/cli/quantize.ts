/**
 * `quantize`: int8 after training, with pictures that show the ranges, and what it brings on this adapter; or, by its options, mixed
 * precision and weights of few bits.
 *
 * @module
 */

import { Option } from "npm:@commander-js/extra-typings@15.1.0";
import { isLowBit, type ObserverName } from "../compress/quantize/mod.ts";
import { deviceNames } from "../hardware/profile.ts";
import { integerIn, numberIn } from "./arguments.ts";
import { type CompressCommand, type CompressVerb, compressVerb } from "./compress_verb.ts";
import { int8Job } from "./int8.ts";
import { lowBitJob } from "./low_bit.ts";
import { mixedBudget, mixedJob } from "./mixed.ts";
import { refuseUnused } from "./quantize_options.ts";

const OBSERVER_NAMES = ["min-max", "moving-average", "percentile", "mse", "entropy"] as const satisfies ObserverName[];

/** The verb's own options. */
function quantizeOptions(command: CompressCommand) {
  return command
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
        "int8 with a scale for each output channel or one a tensor; or 4bit, ternary or binary, all else in float",
      ).choices(["channel", "tensor", "4bit", "ternary", "binary"] as const).default("channel" as const),
    )
    .addOption(
      new Option(
        "--rounding <name>",
        "weights of 8 or 4 bits go to the nearest number, or to that with which layers make what they made: minutes",
      ).choices(["nearest", "reconstructed"] as const).default("nearest" as const),
    )
    .option(
      "--rounding-steps <number>",
      "with --rounding reconstructed: steps in which a layer learns it",
      integerIn(1, 1_000_000),
      100,
    )
    .option("--clip-weights", "clip weights where that lowers their mean square error")
    .option("--no-bias-correction", "leave biases as they are")
    .option("--equalise", "equalise pairs of layers first, where that changes nothing else")
    .addOption(
      new Option("--joins <name>", "one scale for all that a Concat joins, or a scale each").choices(
        ["shared", "apart"] as const,
      ).default("shared" as const),
    )
    .option(
      "--float <rule>",
      "what stays in float: yolo11, none, or names of layers with commas between them",
      "yolo11",
    )
    .option(
      "--sensitivity [pictures]",
      "measure what each layer costs alone, on so many pictures (4 by default): minutes",
      (text: string) => integerIn(1, 1024)(text),
    )
    .option("--mixed", "measure every layer here and choose f32, f16 or int8 within a budget: minutes to an hour")
    .option("--budget-map <loss>", "with --mixed: mAP50-95 that may be lost, 0.004 is 0.4 points", numberIn(0, 1))
    .option("--budget-ms <time>", "with --mixed: milliseconds that a picture may take", numberIn(1e-3, 1e9))
    .addOption(
      new Option(
        "--device <name>",
        "with --mixed: times are those predicted of a device that is not here, of its network alone",
      )
        .choices(deviceNames()),
    )
    .option("--measure <set>", "with --mixed: pictures with objects to measure mAP on; those of --calibrate by default")
    .option("--measure-split <name>", "part of that set; of the calibration's set its part by default")
    .option("--measure-limit <number>", "only the first so many of them", integerIn(1, 2 ** 31 - 1), 100)
    .option("--no-latency", "do not compare latencies");
}

/** What `quantize` is asked. */
export type QuantizeSettings = ReturnType<ReturnType<typeof quantizeOptions>["opts"]>;

/** What of `quantize` is its own. */
export const QUANTIZE: CompressVerb<QuantizeSettings> = {
  name: "quantize",
  summary: "Quantize a model to int8 after training: calibrate, write QDQ ONNX, compare latencies.",
  example: "deno task quantize --model yolo11n.onnx --calibrate coco --limit 256 --out yolo11n_int8.onnx",
  options: quantizeOptions,
  job(settings, isGiven, output) {
    const budget = mixedBudget(settings);
    refuseUnused(settings, (option) => isGiven(option as keyof typeof settings));
    if (budget !== undefined) return mixedJob(settings, budget, output);
    const { weights } = settings;
    return isLowBit(weights) ? lowBitJob(settings, weights) : int8Job(settings, output);
  },
};

/** The verb `quantize`. */
export const quantizeVerb = compressVerb(QUANTIZE);
