/**
 * A graph on a photonic array, layer by layer: time and energy.
 *
 * Weights stay while inputs stream past them, as in a systolic array with `ws`: a layer is folded into parts of `rows` by `columns`, and
 * before each part other weights are set. Converters work for every number: inputs for each part along the columns, sums for each part
 * along the rows, which are then added digitally. What is on all the time (lasers, tuning) costs its power for as long as a layer takes.
 * Products of two activations, pooling, sums and activations run on the digital array that stands beside it.
 *
 * @module
 */

import type { Graph } from "../../graph/graph.ts";
import { arithmeticEnergy, dramEnergy, sramEnergy } from "../energy.ts";
import { type FusedLayer, fusedLayers, type LayerKind, type MatrixShape, withoutTail } from "../layers.ts";
import { type Accelerator, DEFAULT_ACCELERATOR } from "../systolic/accelerator.ts";
import { edgeTraffic, mappingOf } from "../systolic/cycles.ts";
import { bestWalk, bytesOf } from "../systolic/dram.ts";
import { simulateLayers } from "../systolic/simulate.ts";
import { checkArray, type PhotonicArray } from "./array.ts";

/** Nanojoules by what they are spent on. */
export interface PhotonicShares {
  /** Inputs that become light. */
  readonly inputs: number;
  /** Weights that are set. */
  readonly weights: number;
  /** Sums that are read. */
  readonly outputs: number;
  /** Lasers, tuning and whatever else is on all the time. */
  readonly light: number;
  /** Digital sums of parts, and all that the digital array computes. */
  readonly digital: number;
  /** Memories on the chip. */
  readonly sram: number;
  /** Memory beside the chip. */
  readonly dram: number;
}

/** A layer on a photonic array. */
export interface PhotonicLayer {
  /** Name of its first node. */
  readonly name: string;
  /** What devices treat it as. */
  readonly kind: LayerKind;
  /** Whether light computes it. */
  readonly analog: boolean;
  /** Multiply-accumulates. */
  readonly macs: number;
  /** Microseconds that inputs stream for, or that the digital array works. */
  readonly computeMicroseconds: number;
  /** Microseconds in which weights are set. */
  readonly reloadMicroseconds: number;
  /** Microseconds that it waits for DRAM. */
  readonly stallMicroseconds: number;
  /** Nanojoules. */
  readonly energy: PhotonicShares;
}

/** A graph on a photonic array. */
export interface PhotonicSimulation {
  /** What it ran on. */
  readonly array: PhotonicArray;
  /** Time of a frame. */
  readonly milliseconds: number;
  /** Of that, time in which weights are set. */
  readonly reloadMilliseconds: number;
  /** Multiply-accumulates by light over those that the array could have done in that time. */
  readonly utilisation: number;
  /** Microjoules of a frame. */
  readonly energy: PhotonicShares & { readonly total: number };
  /** In the graph's order. */
  readonly layers: readonly PhotonicLayer[];
}

/** What stands beside the array: memories and DRAM, those of the default accelerator unless given. */
export type PhotonicSurroundings = Pick<Accelerator, "sram" | "bandwidth">;

type Product = FusedLayer & { matrix: MatrixShape };

/** A product of two activations has no weights to set. */
const isAnalog = (layer: FusedLayer): layer is Product => layer.matrix !== undefined && layer.kind !== "product";

function analogLayer(layer: Product, array: PhotonicArray, { sram, bandwidth }: PhotonicSurroundings): PhotonicLayer {
  const { rows, columns, vectors, gigahertz, reloadNanoseconds } = array, { name, kind, macs, matrix } = layer;
  // A period of the array is a cycle of so many vectors; bytes are brought as for an array of this shape.
  const like: Accelerator = { rows, columns, dataflow: "ws", sram, bandwidth, clock: 1000 * gigahertz * vectors };
  const { rowFolds, columnFolds } = mappingOf(matrix, like), parts = matrix.times * rowFolds * columnFolds;
  const walk = bestWalk(layer, like), dramBytes = bytesOf(walk), edges = edgeTraffic(matrix, like);
  const compute = parts * Math.ceil(matrix.pixels / vectors) / gigahertz, reload = parts * reloadNanoseconds;
  const stall = Math.max(0, dramBytes / bandwidth - compute - reload);
  return {
    ...{ name, kind, macs, analog: true },
    computeMicroseconds: compute * 1e-3,
    reloadMicroseconds: reload * 1e-3,
    stallMicroseconds: stall * 1e-3,
    energy: {
      inputs: edges.inputReads * array.inputPicojoules * 1e-3,
      weights: edges.weightReads * array.weightPicojoules * 1e-3,
      outputs: edges.outputWrites * array.outputPicojoules * 1e-3,
      light: (compute + reload + stall) * array.watts,
      digital: arithmeticEnergy(edges.sumReads, "int8") * 1e-3,
      sram: (sramEnergy(edges.inputReads + walk.inputs, sram.input) +
        sramEnergy(edges.weightReads + walk.weights, sram.weight) +
        sramEnergy(edges.outputWrites + edges.sumReads + walk.outputs, sram.output)) * 1e-3,
      dram: dramEnergy(dramBytes) * 1e-3,
    },
  };
}

function digitalLayer(layer: FusedLayer, { watts }: PhotonicArray, surroundings: PhotonicSurroundings): PhotonicLayer {
  const accelerator = { ...DEFAULT_ACCELERATOR, ...surroundings };
  const { layers: [{ computeCycles, stallCycles, energy }] } = simulateLayers([layer], accelerator);
  const nanoseconds = 1e3 / accelerator.clock, { arithmetic, registers, sram, dram } = energy;
  return {
    ...{ name: layer.name, kind: layer.kind, macs: layer.macs, analog: false, reloadMicroseconds: 0 },
    computeMicroseconds: computeCycles * nanoseconds * 1e-3,
    stallMicroseconds: stallCycles * nanoseconds * 1e-3,
    energy: {
      ...{ inputs: 0, weights: 0, outputs: 0, digital: arithmetic + registers, sram, dram },
      light: (computeCycles + stallCycles) * nanoseconds * watts,
    },
  };
}

/** Runs layers on a photonic array. Throws FeatherdetError for an array that cannot be. */
export function simulatePhotonicLayers(
  layers: readonly FusedLayer[],
  array: PhotonicArray,
  surroundings: PhotonicSurroundings = DEFAULT_ACCELERATOR,
): PhotonicSimulation {
  checkArray(array);
  const run = layers.map((layer) =>
    isAnalog(layer) ? analogLayer(layer, array, surroundings) : digitalLayer(layer, array, surroundings)
  );
  const sum = (of: (layer: PhotonicLayer) => number) => run.reduce((total, layer) => total + of(layer), 0);
  const time = (layer: PhotonicLayer) => layer.computeMicroseconds + layer.reloadMicroseconds + layer.stallMicroseconds;
  const share = (name: keyof PhotonicShares) => sum(({ energy }) => energy[name]) * 1e-3;
  const energy: PhotonicShares = {
    inputs: share("inputs"),
    weights: share("weights"),
    outputs: share("outputs"),
    light: share("light"),
    digital: share("digital"),
    sram: share("sram"),
    dram: share("dram"),
  };
  const byLight = sum((layer) => layer.analog ? time(layer) : 0);
  const perMicrosecond = array.rows * array.columns * array.vectors * array.gigahertz * 1e3;
  return {
    array,
    milliseconds: sum(time) * 1e-3,
    reloadMilliseconds: sum((layer) => layer.reloadMicroseconds) * 1e-3,
    utilisation: byLight === 0 ? 0 : sum((layer) => layer.analog ? layer.macs : 0) / (perMicrosecond * byLight),
    energy: { ...energy, total: Object.values(energy).reduce((total, one) => total + one, 0) },
    layers: run,
  };
}

/**
 * Runs a graph on a photonic array, without the decoding of boxes.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { yolo11 } from "../../models/yolo11.ts";
 * import { findPhotonic } from "./array.ts";
 * import { simulatePhotonic } from "./simulate.ts";
 * const { milliseconds, energy } = simulatePhotonic(yolo11({ size: 320 }), findPhotonic("albireo"));
 * assert.ok(milliseconds > 0 && energy.light < energy.total);
 * ```
 *
 * Throws FeatherdetError for an array that cannot be, and for shapes that do not fit.
 */
export function simulatePhotonic(
  graph: Graph,
  array: PhotonicArray,
  surroundings: Partial<PhotonicSurroundings> = {},
): PhotonicSimulation {
  const { sram = DEFAULT_ACCELERATOR.sram, bandwidth = DEFAULT_ACCELERATOR.bandwidth } = surroundings;
  return simulatePhotonicLayers(withoutTail(graph, fusedLayers(graph)), array, { sram, bandwidth });
}
