/**
 * An accelerator: an array of int8 multiply-accumulate units with three double-buffered memories and DRAM behind them.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { chipArea } from "../energy.ts";

/** What stays in the units while the rest streams through them: outputs, weights or inputs. */
export const DATAFLOWS = ["os", "ws", "is"] as const;

/** Name of a dataflow. */
export type Dataflow = typeof DATAFLOWS[number];

/** Bytes of the memories on the chip. One half of each is filled or emptied while the array works with the other. */
export interface SramSizes {
  /** For inputs. */
  readonly input: number;
  /** For weights. */
  readonly weight: number;
  /** For outputs, and for sums that are not finished, four bytes each. */
  readonly output: number;
}

/** An accelerator. */
export interface Accelerator {
  /** Units below each other. */
  readonly rows: number;
  /** Units beside each other. */
  readonly columns: number;
  /** What stays in the units. */
  readonly dataflow: Dataflow;
  /** Memories on the chip. */
  readonly sram: SramSizes;
  /** GB/s of DRAM. */
  readonly bandwidth: number;
  /** MHz. */
  readonly clock: number;
}

/** What `simulate` takes by default: 32 x 32 units that keep weights, three memories of 64 kB, 12.8 GB/s, 500 MHz. */
export const DEFAULT_ACCELERATOR: Accelerator = {
  rows: 32,
  columns: 32,
  dataflow: "ws",
  sram: { input: 65_536, weight: 65_536, output: 65_536 },
  bandwidth: 12.8,
  clock: 500,
};

/** The accelerator itself. Throws FeatherdetError for extents that are no whole numbers, and for speeds that are not positive. */
export function checkAccelerator(accelerator: Accelerator): Accelerator {
  const { rows, columns, dataflow, sram, bandwidth, clock } = accelerator;
  const whole = { rows, columns, ...sram };
  for (const [name, value] of Object.entries(whole)) {
    if (!Number.isInteger(value) || value < 1) {
      throw new FeatherdetError(`accelerator: ${name} is ${value}, expected a whole number of at least 1`);
    }
  }
  for (const [name, value] of Object.entries({ bandwidth, clock })) {
    if (!(value > 0 && value < Infinity)) {
      throw new FeatherdetError(`accelerator: ${name} is ${value}, expected a positive number`);
    }
  }
  if (!DATAFLOWS.includes(dataflow)) {
    throw new FeatherdetError(`accelerator: dataflow "${dataflow}" does not exist, expected ${DATAFLOWS.join(", ")}`);
  }
  return accelerator;
}

/** Square millimetres of its units and memories, at 45 nm. */
export function areaOf({ rows, columns, sram: { input, weight, output } }: Accelerator): number {
  return chipArea({ units: rows * columns, sramBytes: input + weight + output });
}

/** The accelerator in a few words: `32x32 ws, 192 kB`. */
export function acceleratorText({ rows, columns, dataflow, sram: { input, weight, output } }: Accelerator): string {
  return `${rows}x${columns} ${dataflow}, ${Math.round((input + weight + output) / 1024)} kB`;
}
