/**
 * What `simulate --photonic` prints and draws: models on an analog photonic array.
 *
 * @module
 */

import { openDataset } from "../data/open.ts";
import type { Graph } from "../graph/graph.ts";
import {
  electronsOf,
  findPhotonic,
  nominalFigures,
  type PhotonicArray,
  photonicNoise,
} from "../hardware/photonic/array.ts";
import { type PhotonicSimulation, type PhotonicSurroundings, simulatePhotonic } from "../hardware/photonic/simulate.ts";
import { type AnalogScore, analogScore, bitsOf, calibrateOn, scoreOf } from "../recipes/photonic.ts";
import { drawBars } from "../report/plot/bars.ts";
import type { Output } from "./output.ts";

/** Layers that are named for people. */
const SLOWEST = 8;

/** A model on an array. */
export interface PhotonicRun extends PhotonicSimulation {
  readonly model: string;
  /** Noise of a product at full light, where it is 1 at most, and what the figures of the array are that nobody published. */
  readonly noise: { readonly shot: number; readonly thermal: number; readonly electrons: number };
  readonly nominal: readonly (readonly [figure: string, reason: string])[];
  /** Its figures on the data set, in floats and on the array; absent where none was given. */
  readonly score?: { readonly float: AnalogScore; readonly photonic: AnalogScore; readonly seed: number };
}

/** What is asked of an array. */
export interface PhotonicOptions {
  readonly photonic: string;
  /** Light of a product at its detector, in place of the profile's. */
  readonly detected?: number;
  readonly surroundings: PhotonicSurroundings;
  /** Data set to evaluate on, of how many pictures, and the seed of the noise. */
  readonly data?: string;
  readonly limit?: number;
  readonly seed: number;
}

/** Runs models on an array, and evaluates them there where a data set is given. */
export async function runPhotonic(
  models: readonly { readonly name: string; readonly graph: Graph }[],
  { photonic, detected, surroundings, data, limit, seed }: PhotonicOptions,
  output: Output,
): Promise<PhotonicRun[]> {
  const profile = findPhotonic(photonic);
  const array: PhotonicArray = detected === undefined ? profile : { ...profile, detectedMicrowatts: detected };
  const { shot, thermal } = photonicNoise(array);
  const noise = { shot, thermal, electrons: electronsOf(array) };
  const nominal = nominalFigures(photonic).filter(([figure]) => {
    return figure !== "detectedMicrowatts" || detected === undefined;
  });
  const found: PhotonicRun[] = [];
  for (const { name: model, graph } of models) {
    const run = { model, ...simulatePhotonic(graph, array, surroundings), noise, nominal };
    if (data === undefined) {
      found.push(run);
      continue;
    }
    output.note(`${model}: looking at ranges, then evaluating in floats and on the array`);
    const calibration = await calibrateOn(graph, await openDataset(data, { split: "train" }));
    const pictures = await openDataset(data, { split: "test", limit });
    const setting = { bits: bitsOf(array), noise: photonicNoise(array), seed };
    const float = await scoreOf(graph, pictures);
    found.push({ ...run, score: { float, photonic: await analogScore(graph, calibration, pictures, setting), seed } });
  }
  return found;
}

/** Prints a run: its layers where it is the only one. */
export function printPhotonic(output: Output, run: PhotonicRun, withLayers: boolean): void {
  const { model, array, milliseconds, reloadMilliseconds, utilisation, energy, noise, nominal, score } = run;
  const { total, ...shares } = energy;
  output.line(
    `${model} on ${array.title}: ${milliseconds.toFixed(3)} ms (${
      reloadMilliseconds.toFixed(3)
    } of them to set weights), ` +
      `${(100 * utilisation).toFixed(1)} % of the products used, ${total.toFixed(0)} uJ`,
  );
  output.line(
    `  a product at full light: ${noise.electrons.toPrecision(3)} electrons, shot noise ${
      noise.shot.toPrecision(2)
    }, ` +
      `noise of a reading ${noise.thermal.toPrecision(2)}`,
  );
  if (score) {
    const { float, photonic, seed } = score;
    output.line(
      `  mAP50 ${float.map50.toFixed(3)} in floats, ${photonic.map50.toFixed(3)} on the array; ` +
        `mAP50-95 ${float.map.toFixed(3)} and ${photonic.map.toFixed(3)} (seed ${seed})`,
    );
  }
  if (!withLayers) return;
  for (const [name, value] of Object.entries(shares)) {
    output.line(`  ${name.padEnd(11)}${value.toFixed(1).padStart(9)} uJ`);
  }
  const time = (layer: PhotonicRun["layers"][number]) =>
    layer.computeMicroseconds + layer.reloadMicroseconds + layer.stallMicroseconds;
  output.line("  slowest layers: us, of them to set weights and waiting for DRAM");
  for (const layer of [...run.layers].sort((a, b) => time(b) - time(a)).slice(0, SLOWEST)) {
    const figures = [time(layer), layer.reloadMicroseconds, layer.stallMicroseconds];
    output.line(
      `  ${figures.map((one) => one.toFixed(2).padStart(9)).join(" ")}  ${
        layer.analog ? "light  " : "digital"
      } ${layer.name}`,
    );
  }
  if (nominal.length > 0) output.line("  nominal, not published");
  for (const [figure, reason] of nominal) output.line(`    ${figure}: ${reason}`);
}

/** Energy of each model by what it is spent on, as SVG. */
export function plotPhotonic(runs: readonly PhotonicRun[]): string {
  const parts = runs.flatMap(({ model, energy: { total: _, ...shares } }) =>
    Object.entries(shares).map(([part, value]) => ({ bar: model, part, value }))
  );
  return drawBars(parts, {
    title: `Energy of a frame on ${runs[0].array.title}`,
    subtitle: "simulated; some figures are nominal, as simulate --photonic lists them",
    xLabel: "energy (uJ)",
    unit: "uJ",
  });
}
