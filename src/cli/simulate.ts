/**
 * `simulate`: models on an int8 accelerator, or the accelerators that models want.
 *
 * @module
 */

import { Option } from "npm:@commander-js/extra-typings@15.1.0";
import { FeatherdetError } from "../graph/error.ts";
import type { Graph } from "../graph/graph.ts";
import { fusedLayers, withoutTail } from "../hardware/layers.ts";
import { photonicNames } from "../hardware/photonic/array.ts";
import { type Accelerator, acceleratorText, DATAFLOWS, DEFAULT_ACCELERATOR } from "../hardware/systolic/accelerator.ts";
import { type Design, searchAccelerators, type SearchVariant } from "../hardware/systolic/search.ts";
import { simulate, type Simulation } from "../hardware/systolic/simulate.ts";
import { loadModel, modelSource } from "../host/models.ts";
import { checkTarget, writeWhole } from "../host/whole_file.ts";
import { drawBars } from "../report/plot/bars.ts";
import { drawPareto, findParetoFront, type ParetoPoint } from "../report/plot/pareto.ts";
import { valueOf } from "../report/table/figure.ts";
import { readResults } from "../report/table/mod.ts";
import { inputSize, integerIn, numberIn } from "./arguments.ts";
import type { Output } from "./output.ts";
import { plotPhotonic, printPhotonic, runPhotonic } from "./photonic.ts";
import { action, deviceAction, deviceVerb } from "./verb.ts";

/** Layers that are named for people. */
const SLOWEST = 8;

/** Designs of a variant that are listed for people. */
const LISTED = 6;

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

/** Designs of a variant that are plotted, those of so many square millimetres at most, and none that another one beats there. */
function classOf(front: readonly Design[], variant: string, area: number): ParetoPoint[] {
  const points = front.filter((one) => one.variant === variant && one.area <= area).map((one): ParetoPoint => ({
    label: acceleratorText(one.accelerator),
    group: `${variant}, ${Number(area.toPrecision(2))} mm2`,
    x: one.milliseconds,
    // Less energy is better, and higher is better on the plot.
    y: 1000 / one.microjoules,
    kind: "predicted",
  }));
  return findParetoFront(points);
}

function plotDesigns(front: readonly Design[], area: number): string {
  const variants = [...new Set(front.map(({ variant }) => variant))];
  const points = variants.flatMap((variant) => [4, 2, 1].flatMap((part) => classOf(front, variant, area / part)));
  return drawPareto(points, {
    title: "The fastest and most frugal accelerators of each variant, by area",
    subtitle: `simulated, int8, at most ${area} mm2 at 45 nm`,
    xLabel: "time of a frame (ms)",
    yLabel: "frames a millijoule",
    lines: [...new Set(points.map(({ group }) => group))],
    log: true,
  });
}

/** mAP50 of a variant at an input size, by the name of its file, from the result tables of a data set. */
async function scorer(data: string): Promise<(name: string, graph: Graph) => number | undefined> {
  const { rows } = await readResults(data);
  return (name, { inputs: [{ shape }] }) => {
    const file = name.replace(/^.*\/|\.onnx$/g, "");
    const row = rows.find(({ model, size }) => {
      return "file" in model && model.file.endsWith(`/${file}.onnx`) && size === shape[2];
    });
    return row?.figures.map50 && valueOf(row.figures.map50);
  };
}

/** Some of a front, from the fastest to the slowest. */
function some(front: readonly Design[]): Design[] {
  const step = (front.length - 1) / (LISTED - 1);
  return front.length <= LISTED ? [...front] : Array.from({ length: LISTED }, (_, i) => front[Math.round(i * step)]);
}

function printDesigns(output: Output, front: readonly Design[]): void {
  output.line(`${"variant".padEnd(20)}${"accelerator".padEnd(24)}      ms      uJ    mm2   used  mAP50`);
  for (const [, designs] of Map.groupBy(front, ({ variant }) => variant)) {
    for (const { variant, accelerator, milliseconds, microjoules, area, utilisation, score } of some(designs)) {
      output.line(
        variant.padEnd(20) + acceleratorText(accelerator).padEnd(24) + milliseconds.toFixed(2).padStart(8) +
          microjoules.toFixed(0).padStart(8) + area.toFixed(2).padStart(7) +
          `${(100 * utilisation).toFixed(0)} %`.padStart(7) + (score === undefined ? "" : score.toFixed(3).padStart(7)),
      );
    }
    if (designs.length > LISTED) output.line(`  ${LISTED} of ${designs.length}; --json has them all`);
  }
}

/** The verb `simulate`. */
export const simulateVerb = deviceVerb(
  "simulate",
  "Simulate models on an int8 systolic array, search the arrays that they want, or simulate them on a photonic one.",
  `deno task simulate --model bccd bccd-pruned --search --area 2 --scores bccd --plot designs.svg
  deno task simulate --model bccd-pruned --photonic albireo --data bccd`,
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
  .addOption(
    new Option("--photonic <name>", "an analog photonic array in place of the systolic one; its weights stay")
      .choices(photonicNames()),
  )
  .option("--detected <microwatts>", "with --photonic: light of a product at its detector", numberIn(1e-9, 1e6))
  .option("--data <set>", "with --photonic: evaluate with its noise on the part test, with ranges seen on train")
  .option("--limit <number>", "with --data: only the first so many pictures", integerIn(1, 2 ** 31 - 1))
  .option("--seed <number>", "with --data: of the noise", integerIn(0, 2 ** 31 - 1), 0)
  .option("--plot <file>", "write energy by what it is spent on, or the designs found, as SVG")
  .action(async (options) => {
    // Arithmetic needs no adapter; inference with noise does.
    const act = options.data === undefined ? action<typeof options> : deviceAction<typeof options>;
    await act(
      async ({ model, size, array, dataflow, sram, bandwidth, clock, ...others }, output) => {
        const { search, area, scores, plot, photonic, data, detected, limit, seed } = others;
        if (photonic === undefined && (data ?? detected) !== undefined) {
          throw new FeatherdetError(`--${data === undefined ? "detected" : "data"} is for --photonic`);
        }
        if (photonic !== undefined && search) throw new FeatherdetError("--search is for systolic arrays");
        const [rows, columns] = extents(array), memories = kilobytes(sram);
        if (plot !== undefined) checkTarget(plot);
        const scoreOf = scores === undefined ? undefined : await scorer(scores);
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
        if (photonic !== undefined) {
          const surroundings = { sram: memories, bandwidth };
          const runs = await runPhotonic(graphs, { photonic, detected, surroundings, data, limit, seed }, output);
          for (const run of runs) printPhotonic(output, run, runs.length === 1);
          await draw(() => plotPhotonic(runs));
          return runs.length === 1 ? runs[0] : { simulations: runs };
        }
        if (search) {
          const variants = graphs.map(({ name, graph }): SearchVariant => {
            const score = scoreOf?.(name, graph);
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
