/**
 * Whether halves hold what a model computes. Precision f16 stores activations as numbers up to 65504 and cuts those beyond; a model that
 * makes such numbers would be off without a word. So the first run in f16 is done twice: once with a look at every activation.
 *
 * @module
 */

import type { Device } from "../gpu/device.ts";
import { settled } from "../gpu/device_errors.ts";
import { bufferBytes, Memory } from "../gpu/memory.ts";
import { readbackBytes, ReadbackPool } from "../gpu/readback.ts";
import { valuesOf } from "../kernels/kernel.ts";
import { rangeCheck } from "../kernels/range_check.ts";
import type { Dispatch } from "../plan/plan.ts";
import { GREATEST_HALF, HalfRangeError } from "./half_range.ts";
import { type External, Program, type ProgramSource } from "./program.ts";
import { parameterBytes } from "./program_bytes.ts";

const FLAGS = "range check/flags";

/** The dispatches with a check behind each that writes floats to row memory, and the dispatch that each check is of. */
function withChecks({ dispatches, placements, pitch }: ProgramSource): { all: Dispatch[]; checked: Dispatch[] } {
  const checked: Dispatch[] = [];
  const all = dispatches.flatMap((dispatch) => {
    const written = dispatch.kernel.bindings.flatMap((binding) => valuesOf(binding, "write"));
    const checks = written.flatMap((value): Dispatch[] => {
      const layout = placements.get(value)?.layout;
      if (layout?.kind !== "blocked" || layout.int8) return [];
      const kernel = rangeCheck(value, layout, pitch, FLAGS, checked.push(dispatch) - 1);
      return [{ name: dispatch.name, operator: "RangeCheck", kernel, macs: 0 }];
    });
    return [dispatch, ...checks];
  });
  return { all, checked };
}

/** Bytes that a check takes beside the program that it checks. */
export function rangeCheckBytes(source: ProgramSource): number {
  if (source.form.scalar !== "f16") return 0;
  const { all, checked } = withChecks(source);
  const flags = 4 * Math.max(1, checked.length);
  return parameterBytes({ dispatches: all }) + bufferBytes(flags) + readbackBytes(flags, 1);
}

/**
 * Runs a program once with checks, on what `feed` uploads and in the memory of the program itself. Throws HalfRangeError, with the first node that makes numbers beyond halves, and
 * FeatherdetError for faults of the device, of which `onFault` is told before. Programs in f32 are not run.
 */
export async function checkRange(
  device: Device,
  source: ProgramSource,
  file: string,
  lender: Program,
  feed: (program: Program) => void,
  onFault?: () => void,
): Promise<void> {
  if (source.form.scalar !== "f16") return;
  const { all, checked } = withChecks(source);
  const size = 4 * Math.max(1, checked.length);
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC;
  const memory = new Memory(device.device);
  let program: Program | undefined;
  try {
    const flags = await settled(device.device, "the check of its numbers", () => memory.buffer(FLAGS, usage, size));
    const external = new Map<string, External>([...source.external ?? [], [FLAGS, { kind: "buffer", buffer: flags }]]);
    const checking = program = await Program.create(device, { ...source, dispatches: all, external }, { lender });
    const bytes = await new ReadbackPool(memory, size, "the check of its numbers").submit((encoder) => {
      feed(checking);
      const pass = encoder.beginComputePass();
      checking.encode(pass);
      pass.end();
      return [{ buffer: flags, offset: 0, size }];
    }, onFault);
    const at = new Uint32Array(bytes, 0, size / 4).indexOf(1);
    if (at < 0) return;
    const { name, operator } = checked[at];
    throw new HalfRangeError(`makes numbers beyond ${GREATEST_HALF}, the greatest that f16 stores`, {
      file,
      node: name,
      operator,
    });
  } finally {
    program?.destroy();
    memory.destroy();
  }
}
