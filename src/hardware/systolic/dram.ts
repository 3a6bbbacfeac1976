/**
 * Bytes between DRAM and the memories of an accelerator, and in how many tiles a product is cut for their sake.
 *
 * Half of a memory holds what the array works with. An operand of which the part that is wanted again fits into that half is brought
 * once; another one is brought again for every pass over it. Where weights or inputs stay in the units, sums stay open from one fold
 * along the rows to the next. If they do not fit, they travel to DRAM and back, four bytes each, or the product is cut along its time into
 * tiles whose sums fit, for which the operand that stays is loaded again. The walk through folds and tiles that takes the fewest cycles is
 * chosen, as a compiler would. (SCALE-Sim knows no tiles: its cycles are those of one.)
 *
 * @module
 */

import type { FusedLayer, MatrixShape } from "../layers.ts";
import type { Accelerator } from "./accelerator.ts";
import { computeCycles, mappingOf } from "./cycles.ts";

/** Bytes of an unfinished sum. */
export const SUM_BYTES = 4;

/** A way to walk through a product. */
export interface Walk {
  /** Parts that the time of the array is cut into. */
  readonly tiles: number;
  /** Bytes of inputs from DRAM. */
  readonly inputs: number;
  /** Bytes of weights from DRAM. */
  readonly weights: number;
  /** Bytes of outputs to DRAM, and of unfinished sums there and back. */
  readonly outputs: number;
  /** Cycles that the array computes for. */
  readonly computeCycles: number;
}

/** All bytes of a walk. */
export function bytesOf({ inputs, weights, outputs }: Walk): number {
  return inputs + weights + outputs;
}

/** An operand: its bytes, those of one group, and half of its memory. */
interface Operand {
  readonly bytes: number;
  readonly group: number;
  readonly half: number;
}

/** Bytes that are brought in so many passes, of each of which a part of the operand is wanted again in the next. */
function brought({ bytes, group, half }: Operand, passes: number, parts = 1): number {
  return group / parts <= half ? bytes : bytes * passes;
}

/** The product cut into so many tiles along the time of the array: how much one of them has. */
function tileOf(shape: MatrixShape, { dataflow }: Accelerator, tiles: number): MatrixShape {
  return dataflow === "is"
    ? { ...shape, filters: Math.ceil(shape.filters / tiles) }
    : { ...shape, pixels: Math.ceil(shape.pixels / tiles) };
}

/** Walks in which one operand stays in the units and the other streams: of each its bytes, and those of sums that are put away. */
function stayingWalks(
  staying: Operand,
  streaming: Operand,
  { shape, accelerator, half }: { shape: MatrixShape; accelerator: Accelerator; half: number },
) {
  const { time, rowFolds, columnFolds } = mappingOf(shape, accelerator);
  const { pixels, filters, times } = shape, all = pixels * filters * SUM_BYTES;
  const column = time * accelerator.columns * SUM_BYTES;
  const putAway = (open: number) => open <= half || rowFolds === 1 ? 0 : 2 * (rowFolds - 1) * times * all;
  const tiles = Math.min(time, Math.ceil(column / half));
  return [
    // All folds along the rows for one of the columns, and the other way round.
    { tiles: 1, stay: staying.bytes, stream: brought(streaming, columnFolds), sums: putAway(column) },
    { tiles: 1, stay: staying.bytes, stream: brought(streaming, columnFolds, rowFolds), sums: putAway(all) },
    // Tiles within columns, and columns within tiles.
    { tiles, stay: brought(staying, tiles, columnFolds), stream: brought(streaming, columnFolds), sums: 0 },
    { tiles, stay: brought(staying, tiles), stream: brought(streaming, columnFolds, tiles), sums: 0 },
  ].filter((one) => one.sums > 0 || one.tiles > 1 || column <= half || rowFolds === 1);
}

/** The walk through a product that takes the fewest cycles, and of those the fewest bytes. */
export function bestWalk(layer: FusedLayer & { matrix: MatrixShape }, accelerator: Accelerator): Walk {
  const { matrix: shape, outputs } = layer, { times, window, filters } = shape, { sram, dataflow } = accelerator;
  // A product of two activations reads both as inputs; the second one takes the place of weights.
  const second = layer.kind === "product" ? times * window * filters : 0;
  const operand = (bytes: number, size: number) => ({ bytes, group: bytes / times, half: size / 2 });
  const inputs = operand(Math.max(0, layer.inputs - second), sram.input);
  const weights = operand(layer.weights + second, sram.weight);
  const walks = (): Omit<Walk, "computeCycles">[] => {
    if (dataflow === "os") {
      const { rowFolds, columnFolds } = mappingOf(shape, accelerator);
      const walk = (rows: number, columns: number) => {
        return {
          ...{ tiles: 1, outputs },
          inputs: brought(inputs, columnFolds, rows),
          weights: brought(weights, rowFolds, columns),
        };
      };
      // Rows are pixels, columns filters. The operand of the outer loop needs room for one of its folds only.
      return [walk(1, columnFolds), walk(rowFolds, 1)];
    }
    const roles = { shape, accelerator, half: sram.output / 2 };
    return dataflow === "ws"
      ? stayingWalks(weights, inputs, roles).map(({ tiles, stay, stream, sums }) => {
        return { tiles, inputs: stream, weights: stay, outputs: outputs + sums };
      })
      : stayingWalks(inputs, weights, roles).map(({ tiles, stay, stream, sums }) => {
        return { tiles, inputs: stay, weights: stream, outputs: outputs + sums };
      });
  };
  const bytesPerCycle = accelerator.bandwidth * 1e3 / accelerator.clock;
  const cyclesOf = (walk: Walk) => Math.max(walk.computeCycles, bytesOf(walk) / bytesPerCycle);
  return walks().map((walk): Walk => {
    return { ...walk, computeCycles: walk.tiles * computeCycles(tileOf(shape, accelerator, walk.tiles), accelerator) };
  }).reduce((best, one) => {
    const gained = cyclesOf(best) - cyclesOf(one);
    return gained > 0 || gained === 0 && bytesOf(one) < bytesOf(best) ? one : best;
  });
}
