/**
 * `simulate`: models on an int8 accelerator, or the accelerators that models want.
 *
 * @module
 */

import { Option } from "npm:@commander-js/extra-typings@15.1.0";
import { FeatherdetError } from "../graph/error.ts";
import { fusedLayers, withoutTail } from "../hardware/layers.ts";
import { type Accelerator, acceleratorText, DATAFLOWS, DEFAULT_ACCELERATOR } from "../hardware/systolic/accelerator.ts";
import { type Design, searchAccelerators, type SearchVariant } from "../hardware/systolic/search.ts";
import { simulate, type Simulation } from "../hardware/systolic/simulate.ts";
import { loadModel, modelSource } from "../host/models.ts";
import { checkTarget, writeWhole } from "../host/whole_file.ts";
import { drawBars } from "../report/plot/bars.ts";
import { drawPareto } from "../report/plot/pareto.ts";
import { valueOf } from "../report/table/figure.ts";
import { readResults } from "../report/table/mod.ts";
import { inputSize, numberIn } from "./arguments.ts";
import type { Output } from "./output.ts";
import { action, verb } from "./verb.ts";

/** Layers that are named for people. */
const SLOWEST = 8;

/** Designs of a front that are listed for people. */
const LISTED = 20;

/** `ROWSxCOLUMNS`, or numbers of kilobytes behind each other. */
function extents(text: string): readonly [number, number] {
  const found = /^(\d+)x(\d+)$/.exec(text);
  if (!found) throw new FeatherdetError(`--array is "${text}", expected rows and columns as 32x32`);
  return [Number(found[1]), Number(found[2])];
}

function kilobytes(text: string): Accelerator["sram"] {
  const parts = text.split(",").map((part) => Number(part) * 1024);
  if (parts.length !== 3 || parts.some((part) => !Number.isInteger(part))) {
    throw new FeatherdetError(`--sram is "${text}", expected kB of inputs, weights and outputs as 64,64,64`);
  }
  const [input, weight, output] = parts;
  return { input, weight, output };
}

function printSimulation(output: Output, model: string, found: Simulation, withLayers: boolean): void {
  const { accelerator, area, cycles, stallCycles, milliseconds, utilisation, dramBytes, energy } = found;
  output.line(
    `${model} on ${acceleratorText(accelerator)}: ${milliseconds.toFixed(2)} ms, ${
      cycles.toLocaleString("en")
    } cycles ` +
      `(${(100 * stallCycles / cycles).toFixed(0)} % waiting for DRAM), ${
        (100 * utilisation).toFixed(1)
      } % of the units ` +
      `used, ${(dramBytes / 1e6).toFixed(1)} MB of DRAM, ${energy.total.toFixed(0)} uJ, ${
        area.toFixed(2)
      } mm2 at 45 nm`,
  );
  if (!withLayers) return;
  const { arithmetic, registers, sram, dram } = energy;
  for (const [name, value] of Object.entries({ arithmetic, registers, sram, dram })) {
    output.line(`  ${name.padEnd(11)}${value.toFixed(0).padStart(8)} uJ`);
  }
  output.line("  slowest layers: cycles, of them waiting, units used");
  const cyclesOf = (one: Simulation["layers"][number]) => one.computeCycles + one.stallCycles;
  for (const layer of [...found.layers].sort((a, b) => cyclesOf(b) - cyclesOf(a)).slice(0, SLOWEST)) {
    output.line(
      `  ${cyclesOf(layer).toLocaleString("en").padStart(10)} ${layer.stallCycles.toLocaleString("en").padStart(9)} ` +
        `${(100 * layer.utilisation).toFixed(1).padStart(5)} %  ${layer.name}`,
    );
  }
}

function plotSimulations(found: readonly (Simulation & { readonly model: string })[]): string {
  const parts = found.flatMap(({ model, accelerator, energy: { total: _, ...shares } }) =>
    Object.entries(shares).map(([part, value]) => ({ bar: `${model}, ${acceleratorText(accelerator)}`, part, value }))
  );
  return drawBars(parts, {
    title: "Energy of a frame on an int8 accelerator",
    subtitle: "simulated, picojoules published for 45 nm",
    xLabel: "energy (uJ)",
    unit: "uJ",
  });
}

function plotDesigns(front: readonly Design[], area: number): string {
  const points = front.map(({ variant, accelerator, milliseconds, microjoules, area }) => ({
    // Names of all would cover each other.
    label: front.length > LISTED ? "" : acceleratorText(accelerator),
    group: `${variant}`,
    x: milliseconds,
    // Less energy is better, more of a Pareto plot's height is too.
    y: 1000 / microjoules,
    kind: "predicted" as const,
    area,
  }));
  return drawPareto(points, {
    title: "Accelerators that no other one beats in time, energy, area and mAP",
    subtitle: `simulated, at most ${area} mm2 at 45 nm`,
    xLabel: "time of a frame (ms)",
    yLabel: "frames a millijoule",
    log: true,
  });
}

/** mAP50 of variants by the name of their file, from the result tables of a data set. */
async function scoresOf(data: string): Promise<ReadonlyMap<string, number>> {
  const { rows } = await readResults(data);
  return new Map(rows.flatMap(({ model, figures }) => {
    const score = figures.map50 && valueOf(figures.map50);
    const file = "file" in model ? model.file : undefined;
    return score === undefined || file === undefined ? [] : [[file.replace(/^.*\/|\.onnx$/g, ""), score]];
  }));
}

function printDesigns(output: Output, front: readonly Design[]): void {
  output.line(`${"variant".padEnd(20)}${"accelerator".padEnd(24)}      ms      uJ    mm2   used  mAP50`);
  const step = Math.max(1, Math.ceil(front.length / LISTED));
  front.filter((_, i) => i % step === 0).forEach((one) => {
    const { variant, accelerator, milliseconds, microjoules, area, utilisation, score } = one;
    output.line(
      variant.padEnd(20) + acceleratorText(accelerator).padEnd(24) + milliseconds.toFixed(2).padStart(8) +
        microjoules.toFixed(0).padStart(8) + area.toFixed(2).padStart(7) +
        `${(100 * utilisation).toFixed(0)} %`.padStart(7) + (score === undefined ? "" : score.toFixed(3).padStart(7)),
    );
  });
  if (step > 1) output.line(`every ${step}. of ${front.length}; --json has them all`);
}

/** The verb `simulate`. */
export const simulateVerb = verb(
  "simulate",
  "Simulate models on an int8 systolic array, or search the arrays that they want.",
  "deno task simulate --model bccd bccd-pruned --search --area 2 --scores bccd --plot designs.svg",
)
  .requiredOption("--model <models...>", "ONNX files, URLs, or names")
  .option("--size <pixels>", "side of the square input; the model's own by default", inputSize)
  .option("--array <extents>", "rows and columns of units", "32x32")
  .addOption(
    new Option("--dataflow <name>", "what stays in the units: outputs, weights or inputs")
      .choices(DATAFLOWS).default("ws" as const),
  )
  .option("--sram <kilobytes>", "memories of inputs, weights and outputs in kB", "64,64,64")
  .option("--bandwidth <number>", "GB/s of DRAM", numberIn(0.001, 10_000), DEFAULT_ACCELERATOR.bandwidth)
  .option("--clock <number>", "MHz", numberIn(1, 10_000), DEFAULT_ACCELERATOR.clock)
  .option("--search", "try every array, memory and dataflow of a grid that fits --area, with every model")
  .option("--area <number>", "square millimetres at 45 nm", numberIn(0.01, 1000), 2)
  .option("--scores <data>", "data set whose result tables say the mAP50 of the models, as one more axis of the search")
  .option("--plot <file>", "write energy by what it is spent on, or the designs found, as SVG")
  .action(async (options) => {
    await action<typeof options>(
      async ({ model, size, array, dataflow, sram, bandwidth, clock, ...others }, output) => {
        const { search, area, scores, plot } = others, [rows, columns] = extents(array), memories = kilobytes(sram);
        if (plot !== undefined) checkTarget(plot);
        const known = scores === undefined ? undefined : await scoresOf(scores);
        const graphs = [];
        for (const source of model) {
          output.note(`reading ${modelSource(source)}`);
          graphs.push({ name: source, graph: await loadModel(source, { size, untrained: true }) });
        }
        const draw = async (svg: () => string) => {
          if (plot === undefined) return;
          await writeWhole(plot, svg());
          output.line(`written: ${plot}`);
        };
        if (search) {
          const variants = graphs.map(({ name, graph }): SearchVariant => {
            const score = known?.get(name.replace(/^.*\/|\.onnx$/g, ""));
            return { name, layers: withoutTail(graph, fusedLayers(graph)), ...(score !== undefined && { score }) };
          });
          const found = searchAccelerators(variants, { area, bandwidth, clock });
          output.line(
            `${found.accelerators} accelerators fit ${area} mm2, ${found.front.length} designs are beaten by none`,
          );
          printDesigns(output, found.front);
          await draw(() => plotDesigns(found.front, area));
          return found;
        }
        const accelerator = { rows, columns, dataflow, sram: memories, bandwidth, clock };
        const simulations = graphs.map(({ name, graph }) => ({ model: name, ...simulate(graph, accelerator) }));
        simulations.forEach((one) => printSimulation(output, one.model, one, simulations.length === 1));
        await draw(() => plotSimulations(simulations));
        return simulations.length === 1 ? simulations[0] : { simulations };
      },
    )(options);
  });
