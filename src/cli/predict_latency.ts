/**
 * `predict-latency`: what models would take on devices that are not here, or on adapters that were measured, and how far such predictions
 * are off.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { Option } from "npm:@commander-js/extra-typings@15.1.0";
import { FeatherdetError } from "../graph/error.ts";
import { refit } from "../hardware/fitted.ts";
import type { LayerKind } from "../hardware/layers.ts";
import { type LatencyPrediction, predictLatency } from "../hardware/predict.ts";
import { deviceNames, type DevicePrecision } from "../hardware/profile.ts";
import { type ErrorRow, errorRows } from "../hardware/report_errors.ts";
import { ADAPTER_HERE, adapterModelNames, modelOfAdapter, readAdapterModel } from "../host/adapter_models.ts";
import { loadModel, modelSource } from "../host/models.ts";
import { checkTarget, writeWhole } from "../host/whole_file.ts";
import { drawBars } from "../report/plot/bars.ts";
import { inputSize } from "./arguments.ts";
import type { Output } from "./output.ts";
import { predictOnAdapter, printAdapterErrors } from "./predict_adapter.ts";
import { action, verb } from "./verb.ts";

/** Where the fit is kept. */
const FITTED_FILE = new URL("../../data/devices/fitted.json", import.meta.url);

const PRECISIONS: readonly DevicePrecision[] = ["fp32", "fp16", "int8"];

/** Layers that are named for people. */
const SLOWEST = 8;

const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
const signed = (share: number) => `${share > 0 ? "+" : ""}${percent(share)}`;

function errorLine({ family, device, rows, median, within10, within25, worst, band }: ErrorRow): string {
  const name = device === undefined ? family : `  ${device}`;
  const figures = [median, within10, within25].map((one) => percent(one).padStart(6)).join("  ");
  return `${name.padEnd(26)}${String(rows).padStart(5)}  ${figures}  ${`x ${band.toFixed(2)}`.padStart(7)}  ` +
    `${worst.model} ${worst.precision} ${signed(worst.error)}`;
}

async function printErrors(output: Output): Promise<object> {
  const errors = errorRows(), adapters = [];
  output.line("networks left out one at a time, with all their rows; |predicted / published - 1|");
  output.line(`${"".padEnd(26)} rows  median  <=10 %  <=25 %     band  worst`);
  for (const row of errors) output.line(errorLine(row));
  for (const name of adapterModelNames()) {
    adapters.push(printAdapterErrors(await readAdapterModel(name), output));
  }
  return { errors, adapters };
}

/** Milliseconds by kind, the greatest first. */
function byKind({ layers }: LatencyPrediction): [LayerKind, number][] {
  const sums = new Map<LayerKind, number>();
  for (const { kind, milliseconds } of layers) sums.set(kind, (sums.get(kind) ?? 0) + milliseconds);
  return [...sums].sort((a, b) => b[1] - a[1]);
}

function printPrediction(output: Output, model: string, prediction: LatencyPrediction, withLayers: boolean): void {
  const { title, precision, runsAs, scope, milliseconds, error_band: [low, high], unseen } = prediction;
  output.line(
    `${model} on ${title}, ${precision}${runsAs === precision ? "" : `, which runs as ${runsAs}`}: ` +
      `${milliseconds.toFixed(1)} ms (${low.toFixed(1)} to ${high.toFixed(1)}), ` +
      (scope === "network" ? "the network alone" : "a whole frame"),
  );
  if (!withLayers) return;
  if (unseen) {
    const { rows, median, worst } = unseen;
    output.line(
      `  on this device ${rows} published rows of networks that the model had not seen were ${
        percent(median)
      } off in ` +
        `the median, at most ${signed(worst.error)} (${worst.model})`,
    );
  }
  const { energy_mJ: energy, least_mJ: { arithmetic, dram } } = prediction;
  if (energy !== undefined) output.line(`  energy  ${energy.toFixed(0)} mJ by the device's published power`);
  output.line(`  energy  ${arithmetic.toFixed(1)} mJ of arithmetic, ${dram.toFixed(1)} mJ of DRAM at 45 nm`);
  for (const [kind, time] of byKind(prediction)) {
    output.line(`  ${kind.padEnd(10)}${time.toFixed(2).padStart(8)} ms`);
  }
  output.line("  slowest layers");
  for (const layer of [...prediction.layers].sort((a, b) => b.milliseconds - a.milliseconds).slice(0, SLOWEST)) {
    output.line(`  ${layer.milliseconds.toFixed(2).padStart(8)} ms  ${layer.bound.padEnd(9)} ${layer.name}`);
  }
}

/** A prediction to draw: milliseconds by what takes them. */
interface Drawn {
  readonly model: string;
  readonly bar: string;
  readonly parts: readonly (readonly [part: string, milliseconds: number])[];
}

function plot(drawn: readonly Drawn[]): string {
  const several = new Set(drawn.map(({ model }) => model)).size > 1;
  const parts = drawn.flatMap(({ model, bar, parts }) =>
    parts.map(([part, value]) => ({ bar: several ? `${model} ${bar}` : bar, part, value }))
  );
  const [{ model }] = drawn;
  return drawBars(parts, {
    title: `Predicted latency${several ? "" : ` of ${model}`}`,
    subtitle: "predicted by models fitted to published times (the network alone) or to measured dispatches",
    xLabel: "time (ms)",
    unit: "ms",
  });
}

/** The verb `predict-latency`. */
export const predictLatencyVerb = verb(
  "predict-latency",
  "Predict what models take on devices that are not here, or on this adapter without running them, with the band of the error.",
  "deno task predict-latency --model yolo11n --device jetson-nano jetson-orin-nano",
)
  .option("--model <models...>", "ONNX files, URLs, or names")
  .option(
    "--device <devices...>",
    `names of devices, all, ${ADAPTER_HERE} for this machine's adapter, or an adapter's name: ${
      [...deviceNames(), ...adapterModelNames()].join(", ")
    }`,
  )
  .option("--size <pixels>", "side of the square input; the model's own by default", inputSize)
  .addOption(
    new Option("--precision <precision>", "f16, or what is published of the device, by default").choices(PRECISIONS),
  )
  .option("--plot <file>", "write bars of the time by kind of layer as SVG")
  .option("--errors", "print how far predictions of unseen networks are off, by device")
  .option("--refit", "fit the model to data/devices/ again and keep the fit")
  .action(async (options) => {
    await action<typeof options>(async ({ model, device, size, precision, plot: file, ...others }, output) => {
      if (others.refit) {
        output.note("fitting the families of devices, one network left out at a time");
        await writeWhole(fileURLToPath(FITTED_FILE), `${JSON.stringify(refit(), null, 2)}\n`);
        output.line(`written: ${fileURLToPath(FITTED_FILE)}`);
        return { written: fileURLToPath(FITTED_FILE) };
      }
      if (others.errors) return await printErrors(output);
      if (!model || !device) throw new FeatherdetError("--model and --device say what is predicted, --errors how well");
      if (file !== undefined) checkTarget(file);
      const names = device.includes("all") ? deviceNames() : device, predictions = [], drawn: Drawn[] = [];
      for (const source of model) {
        output.note(`reading ${modelSource(source)}`);
        const graph = await loadModel(source, { size, untrained: true });
        for (const name of names) {
          const adapter = await modelOfAdapter(name), isOne = model.length * names.length === 1;
          if (adapter) {
            const { prediction, parts } = predictOnAdapter(graph, adapter, { source, precision, isOne }, output);
            predictions.push({ model: source, device: name, ...prediction });
            drawn.push({ model: source, bar: `${name} ${prediction.scalar}`, parts });
            continue;
          }
          const prediction = predictLatency(graph, { device: name, precision });
          printPrediction(output, source, prediction, isOne);
          predictions.push({ model: source, ...prediction });
          drawn.push({ model: source, bar: `${name} ${prediction.precision}`, parts: byKind(prediction) });
        }
      }
      if (file !== undefined) {
        await writeWhole(file, plot(drawn));
        output.line(`written: ${file}`);
      }
      return predictions.length === 1 ? predictions[0] : { predictions };
    })(options);
  });
