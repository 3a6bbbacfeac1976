/**
 * `bench`: measures latency and memory, with `--peers` beside other engines and with `--compare` beside an earlier record, and keeps the record.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { Option } from "npm:@commander-js/extra-typings@15.1.0";
import { PRECISIONS } from "../engine/setup.ts";
import { FeatherdetError } from "../graph/error.ts";
import { compareRecords, comparisonTable, readRecord } from "../recipes/bench/compare.ts";
import { writeRecord } from "../recipes/bench/record.ts";
import { runBench } from "../recipes/bench/run.ts";
import { benchTable } from "../recipes/bench/table.ts";
import { inputSizes, integerIn } from "./arguments.ts";
import { deviceAction, deviceVerb } from "./verb.ts";

const RESULTS = new URL("../../bench/results/", import.meta.url);

/** The verb `bench`. */
export const benchVerb = deviceVerb(
  "bench",
  "Measure start, latency, throughput and memory.",
  "deno task bench --model yolo11n.onnx --size 320 640 --peers --profile",
)
  .option("--model <model>", "ONNX file, URL, or name; yolo11n where its file is there, else the demo detector")
  .option("--size <pixels...>", "sides of the square input (default: 320 640)", inputSizes)
  .addOption(
    new Option(
      "--precision <types...>",
      "element types of weights and activations: f32 and, where the adapter has it, f16 by default; f16-fast computes products in f16 too; int8 for a quantized model",
    )
      .choices(PRECISIONS),
  )
  .addOption(
    new Option("--storage <form>", "how activations are stored; by default what suits the adapter")
      .choices(["texture", "buffer"] as const),
  )
  .option("--cpu", "measure the CPU engine (onnxruntime-node) too, in turn")
  .option(
    "--peers",
    "measure onnxruntime-web's WebGPU and WASM providers and onnxruntime-node's WebGPU on the same file, in turn",
  )
  .option("--profile", "time every dispatch")
  .option("--cold", "also start with an empty shader cache of the driver, as on the first day")
  .option("--no-start", "leave out starts in processes of their own")
  .option("--runs <number>", "samples of each time; slow peers get fewer", integerIn(2, 10_000), 20)
  .option("--no-save", "keep no record in bench/results")
  .option("--compare <record>", "an earlier record, which the times are compared with")
  .option("--against <record>", "with --compare: a later record that is kept, instead of measuring")
  .action(async (options) => {
    await deviceAction<typeof options>(async (settings, output) => {
      const { model, size, precision, storage, cpu, peers, profile, cold, start, runs, save } = settings;
      const before = settings.compare === undefined ? undefined : await readRecord(settings.compare);
      if (settings.against !== undefined) {
        if (before === undefined) {
          throw new FeatherdetError("--against names a later record: --compare names the earlier one");
        }
        const comparison = compareRecords(before, await readRecord(settings.against));
        output.line(comparisonTable(comparison));
        return comparison;
      }
      const record = await runBench({
        model,
        sizes: size,
        precisions: precision,
        storage,
        cpu,
        peers,
        profile,
        cold,
        noStart: !start,
        runs,
        say: (line) => output.note(line),
      });
      output.line(benchTable(record));
      if (save) output.note(`kept in ${fileURLToPath(await writeRecord(record, RESULTS))}`);
      if (before === undefined) return record;
      const comparison = compareRecords(before, record);
      output.line(`\n${comparisonTable(comparison)}`);
      return { ...record, comparison };
    })(options);
  });
