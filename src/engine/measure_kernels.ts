/**
 * Measures kernels that compete for a node against one another, on the memory and with the weights of the node's plan.
 *
 * @module
 */

import type { Device } from "../gpu/device.ts";
import { PassTimer } from "../gpu/timing.ts";
import { FeatherdetError } from "../graph/mod.ts";
import type { Plan, PlannedOption } from "../plan/plan.ts";
import { placeScratch } from "../plan/scratch.ts";
import { Program } from "./program.ts";

/** GPU time of one option. */
export interface OptionTime {
  readonly option: PlannedOption;
  /** Label of the kernel that computes. */
  readonly label: string;
  /** Milliseconds of every round, in order; all dispatches of the option, those that pack weights too. */
  readonly times: readonly number[];
  /** Their median. */
  readonly milliseconds: number;
}

/** The median; of an even number the upper one of the two in the middle. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

/**
 * Times options of a contest of the plan. Every round runs each once, and begins with another one than the round before,
 * so that a disturbance of the machine and what the caches hold meet all alike; a first round, which compiles, is not counted.
 *
 * Throws FeatherdetError if the adapter has no timestamp queries or refuses a kernel.
 */
export async function measureOptions(
  device: Device,
  plan: Plan,
  options: readonly PlannedOption[],
  rounds: number,
): Promise<OptionTime[]> {
  if (!device.timestamps) {
    throw new FeatherdetError(`the adapter "${device.adapter.name}" has no timestamp queries, tuning needs them`);
  }
  const byOption = options.map((option) => option.dispatches());
  const placed = placeScratch(byOption);
  const program = await Program.create(device, { ...plan, ...placed });
  try {
    // Numbers of the dispatches of each option.
    let dispatches = 0;
    const ranges = byOption.map((list) => list.map(() => dispatches++));
    const times = options.map((): number[] => []);
    for (let round = 0; round <= rounds; round++) {
      const first = round % options.length;
      const order = [...ranges.slice(first), ...ranges.slice(0, first)].flat();
      const measured = await PassTimer.timeDispatches(device.device, {
        dispatchCount: order.length,
        encode: (pass, at) => program.encode(pass, order[at], order[at] + 1),
      });
      const timeOf = new Map(order.map((dispatch, at) => [dispatch, measured[at]]));
      if (round === 0) continue;
      ranges.forEach((range, i) => times[i].push(range.reduce((sum, dispatch) => sum + timeOf.get(dispatch)!, 0)));
    }
    return options.map((option, i) => {
      return { option, label: byOption[i].at(-1)!.kernel.label, times: times[i], milliseconds: median(times[i]) };
    });
  } finally {
    program.destroy();
  }
}
