/**
 * Everything that a machine with a GPU should be measured with, in one run of bounded time: kernels tuned and not, precisions, peers,
 * training, packed weights, int8, and a model of the adapter's times.
 *
 * `deno run -A bench/on_gpu.ts [--model yolo11n] [--size 640] [--minutes 10] [--only tune,bench] [--out FOLDER]`
 *
 * Steps run one after the other, each as a process of its own, the most wanted first. One that takes longer than its share, or than what is
 * left, is stopped; all that was measured until then is kept. Records go to OUT (`bench/results` by default), with the output of each
 * step (`on-gpu-STEP.log`), what tuning chose (`tuning-*.json`) and `on-gpu.json`: which steps ended how, and after how long. Ctrl-C ends the
 * running step and writes the same.
 *
 * The model is measured with the weights of its file; packed and int8 weights are made of it here, without training, since only times are
 * looked at. Steps that measure such a file need the one that makes it: `--only pack,low-bit`, `--only quantize,bench-int8`. On a software
 * adapter few steps end within their shares, even with `--size 64`, and the last one adds to the record of that adapter in `bench/results`.
 *
 * @module
 */

import { createWriteStream } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { adapterText, openSharedDevice } from "../src/gpu/device.ts";
import { denoProgram } from "../src/host/run_deno.ts";
import { lockOptions } from "../src/host/setup/locked.ts";
import { writeWhole } from "../src/host/whole_file.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const RESULTS = join(ROOT, "bench/results"), TUNING = join(ROOT, ".cache/tuning");

const { values } = parseArgs({
  options: {
    model: { type: "string", default: "yolo11n" },
    size: { type: "string", default: "640" },
    minutes: { type: "string", default: "10" },
    only: { type: "string" },
    out: { type: "string", default: RESULTS },
  },
});
const { model, size } = values, out = resolve(values.out), budget = Number(values.minutes) * 60_000;
if (!(budget > 0)) throw new Error("--minutes is a number above 0");

/** A process that measures something. */
interface Step {
  readonly name: string;
  /** Most seconds that it may take. */
  readonly seconds: number;
  readonly args: readonly string[];
}

/** How a step ended. */
interface StepEnd {
  readonly name: string;
  readonly outcome: "done" | "failed" | "stopped" | "no time left";
  readonly seconds: number;
}

await Deno.mkdir(out, { recursive: true });
const { adapter, device } = await openSharedDevice();
const hasF16 = device.features.has("shader-f16");
const precisions = ["f32", ...hasF16 ? ["f16", "f16-fast"] : []];
const folder = await Deno.makeTempDir({ prefix: "featherdet-" });
const [ternary, int8] = ["ternary", "int8"].map((form) => join(folder, `${form}.onnx`));

const verb = (...words: string[]) => ["src/cli.ts", ...words];
const bench = (...words: string[]) => verb("bench", "--model", model, "--size", size, "--no-start", ...words);
const quantize = (...words: string[]) => verb("quantize", "--model", model, "--size", size, "--no-latency", ...words);

const STEPS: readonly Step[] = [
  { name: "bench-untuned", seconds: 60, args: bench("--precision", ...precisions) },
  ...precisions.map((precision) => ({
    name: `tune-${precision}`,
    seconds: 60,
    args: verb("tune", "--model", model, "--size", size, "--precision", precision),
  })),
  { name: "bench", seconds: 120, args: bench("--precision", ...precisions, "--peers", "--profile") },
  { name: "train-step", seconds: 60, args: ["bench/train_step.ts"] },
  ...hasF16 ? [{ name: "train-step-f16", seconds: 60, args: ["bench/train_step.ts", "--precision", "f16"] }] : [],
  { name: "pack", seconds: 30, args: verb("quantize", "--model", model, "--weights", "ternary", "--out", ternary) },
  { name: "low-bit", seconds: 40, args: ["bench/low_bit_model.ts", "--model", ternary, "--size", size] },
  { name: "quantize", seconds: 60, args: quantize("--calibrate", "synthetic", "--limit", "8", "--out", int8) },
  {
    name: "bench-int8",
    seconds: 40,
    args: verb("bench", "--model", int8, "--size", size, "--precision", "int8", "--no-start"),
  },
  { name: "kernels", seconds: 90, args: ["bench/kernels.ts", "--model", model, "--size", size] },
  { name: "start", seconds: 60, args: verb("bench", "--model", model, "--size", size, "--cold", "--runs", "2") },
  { name: "adapter", seconds: 240, args: ["bench/adapter.ts"] },
];
const asked = values.only?.split(",");
const unknown = asked?.find((name) => !STEPS.some((step) => step.name.startsWith(name)));
if (unknown !== undefined) {
  throw new Error(`there is no step "${unknown}", but ${STEPS.map(({ name }) => name).join(", ")}`);
}
const steps = STEPS.filter(({ name }) => asked?.some((beginning) => name.startsWith(beginning)) ?? true);

/** Files of a folder; none where it is not there. */
function filesIn(folder: string): Set<string> {
  try {
    return new Set([...Deno.readDirSync(folder)].filter(({ isFile }) => isFile).map(({ name }) => name));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return new Set();
    throw error;
  }
}

const started = performance.now(), stop = new AbortController();
Deno.addSignalListener("SIGINT", () => stop.abort());

/** Runs a step, its output on stderr and in a log. */
async function run({ name, seconds, args }: Step): Promise<StepEnd> {
  const left = budget - (performance.now() - started);
  if (stop.signal.aborted) return { name, outcome: "stopped", seconds: 0 };
  if (left < 1000) return { name, outcome: "no time left", seconds: 0 };
  const before = filesIn(RESULTS), begun = performance.now();
  const limit = AbortSignal.timeout(Math.min(seconds * 1000, left));
  const child = new Deno.Command(denoProgram(), {
    args: ["run", ...lockOptions(), "-A", "--no-check", ...args],
    cwd: ROOT,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.any([limit, stop.signal]),
  }).spawn();
  const log = createWriteStream(join(out, `on-gpu-${name}.log`));
  const copy = async (stream: ReadableStream<Uint8Array>) => {
    for await (const bytes of stream) for (const to of [process.stderr, log]) to.write(bytes);
  };
  const [{ code }] = await Promise.all([child.status, copy(child.stdout), copy(child.stderr)]);
  log.end();
  if (out !== RESULTS) {
    for (const file of filesIn(RESULTS)) {
      if (!before.has(file)) await Deno.rename(join(RESULTS, file), join(out, file)).catch(() => moved(file));
    }
  }
  const stopped = limit.aborted || stop.signal.aborted;
  return {
    name,
    outcome: code === 0 ? "done" : stopped ? "stopped" : "failed",
    seconds: (performance.now() - begun) / 1000,
  };
}

/** Moves a new record to another disk. */
async function moved(file: string): Promise<void> {
  await Deno.copyFile(join(RESULTS, file), join(out, file));
  await Deno.remove(join(RESULTS, file));
}

const ends: StepEnd[] = [];
console.error(`${adapterText(adapter)}: ${steps.length} steps in ${values.minutes} minutes`);
try {
  for (const step of steps) {
    console.error(`\n== ${step.name}: deno run -A ${step.args.join(" ")}`);
    ends.push(await run(step));
    const record = {
      date: new Date().toISOString(),
      adapter: adapterText(adapter),
      model,
      size: Number(size),
      steps: ends,
    };
    await writeWhole(join(out, "on-gpu.json"), `${JSON.stringify(record, null, 1)}\n`);
  }
  for (const file of filesIn(TUNING)) await Deno.copyFile(join(TUNING, file), join(out, `tuning-${file}`));
} finally {
  await Deno.remove(folder, { recursive: true });
}
console.log("| step | outcome | seconds |\n|---|---|---|");
for (const { name, outcome, seconds } of ends) console.log(`| ${name} | ${outcome} | ${seconds.toFixed(1)} |`);
Deno.exit(ends.every(({ outcome }) => outcome === "done") ? 0 : 1);
