/**
 * GPU time of every dispatch of programs, by timestamp query.
 *
 * @module
 */

import type { Device } from "../gpu/device.ts";
import { PassTimer } from "../gpu/timing.ts";
import { FeatherdetError } from "../graph/mod.ts";
import type { Program } from "./program.ts";

/** Time of one dispatch. */
export interface DispatchTime {
  /** Name of the graph node. */
  readonly name: string;
  /** Operators it computes, such as `Conv+Silu`. */
  readonly operator: string;
  /** Label of the kernel. */
  readonly kernel: string;
  /** Median over the runs, in milliseconds of GPU time. */
  readonly milliseconds: number;
  /** Multiply-accumulates. */
  readonly macs: number;
}

/**
 * GPU time of every dispatch of the programs, one program after the other, each the median of `runs`, on whatever their memory holds.
 * Throws FeatherdetError if the adapter has no timestamp queries.
 */
export async function profilePrograms(
  device: Device,
  programs: readonly Program[],
  runs: number,
): Promise<DispatchTime[]> {
  if (!device.timestamps) {
    throw new FeatherdetError(`the adapter "${device.adapter.name}" has no timestamp queries`);
  }
  const times: number[][] = [];
  for (let run = 0; run < runs; run++) {
    const row: number[] = [];
    for (const program of programs) row.push(...await PassTimer.timeDispatches(device.device, program));
    times.push(row);
  }
  return programs.flatMap(({ dispatches }) => dispatches).map(({ name, operator, kernel, macs }, i) => {
    const sorted = times.map((row) => row[i]).sort((a, b) => a - b);
    return { name, operator, kernel: kernel.label, milliseconds: sorted[runs >> 1], macs };
  });
}
