/**
 * `place`: which part of a model runs on which engine, predicted and measured.
 *
 * @module
 */

import { Option } from "npm:@commander-js/extra-typings@15.1.0";
import { openSharedDevice } from "../gpu/device.ts";
import { loadModel, modelSource } from "../host/models.ts";
import {
  PLACE_ENGINES,
  type PlacedResult,
  type PlaceEngine,
  placeModel,
  type PlaceReport,
} from "../recipes/place/place.ts";
import { inputSize, integerIn } from "./arguments.ts";
import type { Output } from "./output.ts";
import { action, deviceAction, deviceVerb } from "./verb.ts";

/** Mesa's software driver takes this as its number of threads; it is read when the first adapter is asked for. */
const LLVMPIPE_THREADS = "LP_NUM_THREADS";

const ms = (value: number | undefined) => value === undefined ? "-" : value >= 1e6 ? "never" : value.toFixed(1);

function lineOf(placement: PlacedResult, nodeNames: readonly string[]): string[] {
  const { goal, stretches, latency, interval, measuredLatency, measuredInterval, difference } = placement;
  const parts = stretches.map(({ engine, from, to, milliseconds }) => {
    const range = from === 0 && to === nodeNames.length ? "all" : `${nodeNames[from]} ... ${nodeNames[to - 1]}`;
    return `    ${engine.padEnd(7)}${ms(milliseconds).padStart(8)} ms  ${range}`;
  });
  const measured = measuredLatency === undefined
    ? ""
    : `, measured ${ms(measuredLatency)} and ${ms(measuredInterval)}; results differ by ${
      difference!.toExponential(0)
    }`;
  return [`  ${goal}: ${ms(latency)} ms a frame, one every ${ms(interval)} ms${measured}`, ...parts];
}

/** Prints a report. */
export function printPlacement(output: Output, { engines, places, placements, nodeNames }: PlaceReport): void {
  for (const { name, place, milliseconds, call, msPerValue, msPerMegabyte, busy } of engines) {
    output.line(
      `${name} (${place}): ${ms(milliseconds)} ms a frame, ${call.toFixed(2)} ms a run, ${
        msPerValue.toFixed(2)
      } ms a value, ${msPerMegabyte.toFixed(2)} ms a MB, ` +
        `${busy.toFixed(2)} times as long while the other computes`,
    );
  }
  output.line(`the model can be cut at ${places} places`);
  for (const placement of placements) for (const line of lineOf(placement, nodeNames)) output.line(line);
}

/** What the verbs ask. */
export interface PlaceSettings {
  readonly model: string;
  readonly size?: number;
  readonly engines: readonly PlaceEngine[];
  readonly frames: number;
  readonly spread?: number;
}

const half = () => Math.max(1, navigator.hardwareConcurrency >> 1);

/** Shares the cores between a software adapter and the CPU engine; to be called before an adapter is asked for. */
export function shareCores(): void {
  if (Deno.env.get(LLVMPIPE_THREADS) === undefined) Deno.env.set(LLVMPIPE_THREADS, String(half()));
}

/** Places a model and prints the report. */
export async function placeAndPrint(
  { model, size, engines, frames, spread }: PlaceSettings,
  output: Output,
): Promise<PlaceReport & { readonly date: string; readonly model: string; readonly size: number }> {
  output.note(`reading ${modelSource(model)}`);
  const graph = await loadModel(model, { size, batch: 1, untrained: true });
  const shares = engines.includes("webgpu") && (await openSharedDevice()).adapter.software;
  const threads = shares ? half() : undefined;
  if (shares) output.note(`the adapter computes on the CPU: threads for each engine: ${threads}`);
  const report = await placeModel(graph, { engines, frames, spread, threads, say: (line) => output.note(line) });
  printPlacement(output, report);
  return { date: new Date().toISOString(), model, size: graph.inputs[0].shape[2], ...report };
}

/** `--engines`. */
export function enginesOption() {
  return new Option("--engines <names...>", "engines that may take part; npu is an int8 array that is simulated")
    .choices(PLACE_ENGINES).default(["webgpu", "cpu"] as PlaceEngine[]);
}

/** `--frames`. */
export function framesOption() {
  return new Option("--frames <number>", "frames that each placement is timed on; 0 to predict alone")
    .argParser(integerIn(0, 10_000)).default(20);
}

/** The verb `place`. */
export const placeVerb = deviceVerb(
  "place",
  "Say which part of a model should run on which engine, and run it.",
  "deno task place --model yolo11n.onnx --size 320",
)
  .requiredOption("--model <model>", "ONNX file, URL, or name")
  .option("--size <pixels>", "side of the square input; the model's own by default", inputSize)
  .addOption(enginesOption())
  .addOption(framesOption())
  .option("--spread <number>", "cuts in two that are also timed, to see how good predictions are", integerIn(0, 100), 0)
  .action(async (options) => {
    shareCores();
    const act = options.engines.includes("webgpu") ? deviceAction<typeof options> : action<typeof options>;
    await act((settings, output) => placeAndPrint(settings, output))(options);
  });
