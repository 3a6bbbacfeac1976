/**
 * Kernels of the optimizer on a device, with buffers of their own, as a trainer runs them.
 *
 * @module
 */

import type { Kernel, StorageForm } from "../../src/kernels/kernel.ts";
import { Memory } from "../../src/gpu/memory.ts";
import { readRanges } from "../../src/gpu/readback.ts";
import { adoptDevice } from "../../src/gpu/device.ts";
import { type External, Program } from "../../src/engine/program.ts";
import { testDevice } from "./gpu.ts";

/** Kernels with the buffers that they name. */
export interface FlatProgram {
  /** Runs dispatches `first` to `end` with the parameters that the kernels have now. */
  run(kernels: readonly Kernel[], first?: number, end?: number): void;
  /** Overwrites a buffer. */
  fill(name: string, data: Float32Array): void;
  read(name: string): Promise<Float32Array>;
  destroy(): void;
}

/** Builds a program of kernels over buffers that begin with the given numbers. */
export async function flatProgram(
  kernels: readonly Kernel[],
  buffers: ReadonlyMap<string, Float32Array>,
  storage: StorageForm["storage"] = "buffer",
): Promise<FlatProgram> {
  const device = await testDevice();
  const memory = new Memory(device);
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const made = new Map([...buffers].map(([name, data]) => [name, memory.buffer(name, usage, data.byteLength, data)]));
  const external = new Map(
    [...made].map(([name, buffer]): [string, External] => [name, { kind: "buffer", buffer }]),
  );
  const dispatches = kernels.map((kernel) => ({ name: kernel.label, operator: "Optimizer", kernel, macs: 0 }));
  const form = { storage, scalar: "f32", pageShift: 3 } as const;
  const rest = { pitch: 8, pages: 2, int8Pages: 0, plainBytes: 16, scratchBytes: 0, placements: new Map() };
  const program = await Program.create(await adoptDevice(device), { form, ...rest, dispatches, external });
  return {
    run(current, first = 0, end = kernels.length) {
      current.forEach(({ parameters }, i) => program.setParameters(i, parameters));
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      program.encode(pass, first, end);
      pass.end();
      device.queue.submit([encoder.finish()]);
    },
    fill: (name, data) => device.queue.writeBuffer(made.get(name)!, 0, data as Float32Array<ArrayBuffer>),
    async read(name) {
      const size = buffers.get(name)!.byteLength;
      return new Float32Array(
        await readRanges(memory, [{ buffer: made.get(name)!, offset: 0, size }], name),
        0,
        size / 4,
      );
    },
    destroy() {
      program.destroy();
      memory.destroy();
    },
  };
}
