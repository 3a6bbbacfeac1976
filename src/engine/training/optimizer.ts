/**
 * The optimizer's kernels as a program of its own: it adds a gradient to the sum, takes over running statistics, and updates.
 *
 * @module
 */

import type { Device } from "../../gpu/device.ts";
import type { Kernel, StorageForm } from "../../kernels/kernel.ts";
import {
  accumulateGradient,
  averageStatistics,
  type OptimizerMethod,
  type OptimizerSettings,
  optimizerUpdate,
  takeStatistics,
} from "../../kernels/train/optimizer.ts";
import { type External, Program, type ProgramSource } from "../program.ts";
import type { FlatLayouts } from "./plan.ts";

/** What can be asked for by itself: adding a gradient to the sum, taking over running statistics, an update. */
export type OptimizerPart = "add" | "take" | "update";

/** Settings that make the kernels before the first update; nothing but their parameter blocks depends on them. */
const NO_SETTINGS: OptimizerSettings = {
  learningRates: { weight: 0, bias: 0, norm: 0 },
  momentum: 0,
  weightDecay: 0,
  averageDecay: 1,
  clipNorm: Infinity,
};

/** The kernels of each part, in the order in which the program has them. */
function partKernels(
  method: OptimizerMethod,
  layouts: FlatLayouts,
  settings: OptimizerSettings,
): Record<OptimizerPart, readonly Kernel[]> {
  const hasStatistics = layouts.statistics.size > 0;
  return {
    add: [accumulateGradient(layouts.parameters)],
    take: hasStatistics ? [takeStatistics(layouts.statistics)] : [],
    update: [
      ...optimizerUpdate(method, layouts.parameters, settings),
      ...hasStatistics ? [averageStatistics(layouts.statistics, settings)] : [],
    ],
  };
}

/** What the optimizer's program is made of. All of its values are external: of row memory and plain memory it gets the least there can be. */
export function optimizerSource(method: OptimizerMethod, layouts: FlatLayouts, form: StorageForm): ProgramSource {
  const { add, take, update } = partKernels(method, layouts, NO_SETTINGS);
  const dispatches = [...add, ...take, ...update].map((kernel) => ({
    name: kernel.label,
    operator: "Optimizer",
    kernel,
    macs: 0,
  }));
  const none = { pitch: 4, pages: 1, int8Pages: 0, plainBytes: 16, scratchBytes: 0, placements: new Map() };
  return { ...none, form, dispatches };
}

/** The optimizer of one model on a device. */
export class OptimizerProgram {
  /** Its dispatches. */
  readonly program: Program;
  readonly #method: OptimizerMethod;
  readonly #layouts: FlatLayouts;
  readonly #range: Readonly<Record<OptimizerPart, readonly [first: number, end: number]>>;

  private constructor(program: Program, method: OptimizerMethod, layouts: FlatLayouts) {
    this.program = program;
    this.#method = method;
    this.#layouts = layouts;
    const { add, take } = partKernels(method, layouts, NO_SETTINGS);
    const behindTake = add.length + take.length;
    this.#range = { add: [0, add.length], take: [add.length, behindTake], update: [behindTake, program.dispatchCount] };
  }

  /** Compiles the kernels over the given buffers, which go by the names of `OPTIMIZER_VALUES`. */
  static async create(
    device: Device,
    method: OptimizerMethod,
    layouts: FlatLayouts,
    { form, external }: { readonly form: StorageForm; readonly external: ReadonlyMap<string, External> },
  ): Promise<OptimizerProgram> {
    const source = { ...optimizerSource(method, layouts, form), external };
    return new OptimizerProgram(await Program.create(device, source), method, layouts);
  }

  /** Settings of the updates that are submitted from now on. Throws FeatherdetError for settings out of their ranges. */
  set(settings: OptimizerSettings): void {
    const [first] = this.#range.update;
    const { update } = partKernels(this.#method, this.#layouts, settings);
    update.forEach(({ parameters }, i) => this.program.setParameters(first + i, parameters));
  }

  /** Records the dispatches of a part. */
  encode(encoder: GPUCommandEncoder, part: OptimizerPart): void {
    const [first, end] = this.#range[part];
    if (first === end) return;
    const pass = encoder.beginComputePass();
    this.program.encode(pass, first, end);
    pass.end();
  }
}
