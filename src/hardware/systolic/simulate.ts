/**
 * A graph on an accelerator, layer by layer: cycles, stalls, bytes and energy.
 *
 * The array works on one layer after the other. While it computes, one half of each memory is filled from DRAM: a layer takes the longer
 * of both times, and before it can begin, the operands of its first fold have to be there. Sums, activations, pooling, Softmax and Resize
 * run on a unit as wide as the array. Concat, Split and Slice cost nothing: results are stored where they will be read.
 *
 * @module
 */

import type { Graph } from "../../graph/graph.ts";
import { arithmeticEnergy, dramEnergy, registerEnergy, sramEnergy } from "../energy.ts";
import { type FusedLayer, fusedLayers, type LayerKind, type MatrixShape, withoutTail } from "../layers.ts";
import { type Accelerator, areaOf, checkAccelerator, DEFAULT_ACCELERATOR } from "./accelerator.ts";
import { edgeTraffic, mappingOf } from "./cycles.ts";
import { bestWalk, bytesOf, SUM_BYTES } from "./dram.ts";

/** Nanojoules by what they are spent on. */
export interface EnergyShares {
  /** Multiply-accumulates. */
  readonly arithmetic: number;
  /** Registers of the units: two operands and a sum a multiply-accumulate. */
  readonly registers: number;
  /** Memories on the chip. */
  readonly sram: number;
  /** Memory beside the chip. */
  readonly dram: number;
}

/** A layer on an accelerator. */
export interface SimulatedLayer {
  /** Name of its first node. */
  readonly name: string;
  /** What devices treat it as. */
  readonly kind: LayerKind;
  /** Multiply-accumulates. */
  readonly macs: number;
  /** Cycles that the array or the unit beside it works. */
  readonly computeCycles: number;
  /** Cycles that it waits for DRAM. */
  readonly stallCycles: number;
  /** Multiply-accumulates over those that the array could have done in all cycles of the layer. */
  readonly utilisation: number;
  /** Bytes between DRAM and the chip. */
  readonly dramBytes: number;
  /** Nanojoules. */
  readonly energy: EnergyShares;
}

/** A graph on an accelerator. */
export interface Simulation {
  /** What it ran on. */
  readonly accelerator: Accelerator;
  /** Square millimetres at 45 nm. */
  readonly area: number;
  /** All cycles, those of waiting included. */
  readonly cycles: number;
  /** Cycles of waiting for DRAM. */
  readonly stallCycles: number;
  /** Time of a frame. */
  readonly milliseconds: number;
  /** Multiply-accumulates over those that the array could have done. */
  readonly utilisation: number;
  /** Bytes between DRAM and the chip. */
  readonly dramBytes: number;
  /** Microjoules of a frame. */
  readonly energy: EnergyShares & { readonly total: number };
  /** In the graph's order. */
  readonly layers: readonly SimulatedLayer[];
}

/** Moves that an address does. */
const PLACED: ReadonlySet<FusedLayer["op"]> = new Set(["Concat", "Split", "Slice"] as const);

/** Registers that a multiply-accumulate reads or writes. */
const REGISTERS = 3;

/** Cycles until the operands of the first fold are on the chip. */
function firstFill(matrix: MatrixShape, accelerator: Accelerator, bytesPerCycle: number): number {
  const { alongRows, alongColumns } = mappingOf(matrix, accelerator);
  const rows = Math.min(alongRows, accelerator.rows), columns = Math.min(alongColumns, accelerator.columns);
  // Streams can begin as soon as their first row is there; what stays must be there as a whole.
  return Math.ceil((accelerator.dataflow === "os" ? rows + columns : rows * columns + rows) / bytesPerCycle);
}

function productLayer(layer: FusedLayer & { matrix: MatrixShape }, accelerator: Accelerator): SimulatedLayer {
  const { rows, columns, sram, bandwidth, clock } = accelerator, { name, kind, macs, matrix } = layer;
  const bytesPerCycle = bandwidth * 1e3 / clock, walk = bestWalk(layer, accelerator);
  const { computeCycles, tiles } = walk, dramBytes = bytesOf(walk);
  const fill = firstFill(matrix, accelerator, bytesPerCycle);
  const stallCycles = fill + Math.max(0, Math.ceil(dramBytes / bytesPerCycle) - fill - computeCycles);
  const edges = edgeTraffic(matrix, accelerator), isInput = accelerator.dataflow === "is";
  // What stays in the units is loaded for every tile.
  const inputReads = edges.inputReads * (isInput ? tiles : 1), weightReads = edges.weightReads * (isInput ? 1 : tiles);
  const finished = matrix.times * matrix.pixels * matrix.filters;
  const outputBytes = finished + (edges.outputWrites - finished + edges.sumReads) * SUM_BYTES;
  return {
    name,
    kind,
    macs,
    computeCycles,
    stallCycles,
    utilisation: macs / (rows * columns * (computeCycles + stallCycles)),
    dramBytes,
    energy: {
      arithmetic: arithmeticEnergy(macs, "int8") * 1e-3,
      registers: registerEnergy(REGISTERS * macs, "int8") * 1e-3,
      // What comes from DRAM is written into a memory before the array reads it, and results the other way round.
      sram: (sramEnergy(inputReads + walk.inputs, sram.input) + sramEnergy(weightReads + walk.weights, sram.weight) +
        sramEnergy(outputBytes + walk.outputs, sram.output)) * 1e-3,
      dram: dramEnergy(dramBytes) * 1e-3,
    },
  };
}

function otherLayer({ name, kind, op, inputs, weights, outputs }: FusedLayer, accelerator: Accelerator) {
  const { columns, sram, bandwidth, clock } = accelerator;
  const isPlaced = PLACED.has(op), dramBytes = isPlaced ? 0 : inputs + weights + outputs;
  const computeCycles = isPlaced ? 0 : Math.ceil(Math.max(inputs, outputs) / columns);
  const wait = Math.ceil(dramBytes / (bandwidth * 1e3 / clock));
  const energy = { arithmetic: 0, registers: 0, sram: sramEnergy(2 * dramBytes, sram.output) * 1e-3 };
  return {
    ...{ name, kind, macs: 0, computeCycles, stallCycles: Math.max(0, wait - computeCycles), utilisation: 0 },
    ...{ dramBytes, energy: { ...energy, dram: dramEnergy(dramBytes) * 1e-3 } },
  };
}

const isProduct = (layer: FusedLayer): layer is FusedLayer & { matrix: MatrixShape } => layer.matrix !== undefined;

/** Runs layers on an accelerator. Throws FeatherdetError for an accelerator that cannot be. */
export function simulateLayers(layers: readonly FusedLayer[], accelerator: Accelerator): Simulation {
  checkAccelerator(accelerator);
  const run = layers.map((layer) =>
    isProduct(layer) ? productLayer(layer, accelerator) : otherLayer(layer, accelerator)
  );
  const sum = (of: (layer: SimulatedLayer) => number) => run.reduce((total, layer) => total + of(layer), 0);
  const stallCycles = sum((layer) => layer.stallCycles), cycles = stallCycles + sum((layer) => layer.computeCycles);
  const share = (name: keyof EnergyShares) => sum(({ energy }) => energy[name]) * 1e-3;
  const energy = {
    arithmetic: share("arithmetic"),
    registers: share("registers"),
    sram: share("sram"),
    dram: share("dram"),
  };
  const { rows, columns, clock } = accelerator;
  return {
    accelerator,
    area: areaOf(accelerator),
    cycles,
    stallCycles,
    milliseconds: cycles / clock * 1e-3,
    utilisation: sum(({ macs }) => macs) / (rows * columns * cycles),
    dramBytes: sum((layer) => layer.dramBytes),
    energy: { ...energy, total: energy.arithmetic + energy.registers + energy.sram + energy.dram },
    layers: run,
  };
}

/**
 * Runs a graph in int8 on an accelerator, without the decoding of boxes, which is left to a CPU.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { yolo11 } from "../../models/yolo11.ts";
 * import { simulate } from "./simulate.ts";
 * const graph = yolo11({ size: 320 });
 * const small = simulate(graph, { rows: 16, columns: 16 }), large = simulate(graph, { rows: 64, columns: 64 });
 * assert.ok(large.cycles < small.cycles && large.utilisation < small.utilisation);
 * ```
 *
 * Throws FeatherdetError for an accelerator that cannot be, and for shapes that do not fit.
 */
export function simulate(graph: Graph, accelerator: Partial<Accelerator> = {}): Simulation {
  return simulateLayers(withoutTail(graph, fusedLayers(graph)), { ...DEFAULT_ACCELERATOR, ...accelerator });
}
