/** Bytes that are read as soon as the device is done, and what is served between two such reads. */

import { assert, assertEquals } from "@std/assert";
import { createReadable, mappedRange, MAPS_AT_ONCE, readMapped } from "../../src/gpu/mapping.ts";
import { gpuTest } from "../support/gpu.ts";

/** A function that has the device write a number into a buffer for reading. */
function writer(device: GPUDevice): { readonly target: GPUBuffer; write(value: number): void; destroy(): void } {
  const source = device.createBuffer({ size: 16, usage: GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST });
  const target = createReadable(device, "target", 16);
  return {
    target,
    write(value) {
      device.queue.writeBuffer(source, 0, Uint32Array.of(value, value + 1, value + 2, value + 3));
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(source, 0, target, 0, 16);
      device.queue.submit([encoder.finish()]);
    },
    destroy() {
      for (const buffer of [source, target]) buffer.destroy();
    },
  };
}

gpuTest(
  "bytes are of the copy before, and are there before the promise where the runtime allows it",
  async (device) => {
    const { target, write, destroy } = writer(device);
    for (const value of [7, 11, 13]) {
      write(value);
      const mapped = target.mapAsync(GPUMapMode.READ, 0, 12);
      // A promise that nothing fulfils stands for the one that Deno keeps for ten milliseconds: a busy machine may take longer than that.
      const bytes = await mappedRange(target, MAPS_AT_ONCE ? Promise.withResolvers().promise : mapped, 12);
      assertEquals([...new Uint32Array(bytes)], [value, value + 1, value + 2]);
      target.unmap();
      await mapped;
    }
    destroy();
  },
);

gpuTest("a read that fails says so, and the next one is right", async (device) => {
  const { target, write, destroy } = writer(device);
  const refused = await mappedRange(target, Promise.reject(new Error("no memory")), 4).catch((error) => error);
  assert(refused instanceof Error && refused.message === "no memory", `${refused}`);
  write(3);
  assertEquals([...new Uint32Array(await readMapped(target, 16))], [3, 4, 5, 6]);
  destroy();
});

gpuTest("a loop that does nothing but read lets timers run", async (device) => {
  const { target, write, destroy } = writer(device);
  let hasRun = false;
  setTimeout(() => hasRun = true, 1);
  for (let reads = 0; reads < 10_000 && !hasRun; reads++) {
    write(reads);
    await readMapped(target, 4);
  }
  assert(hasRun);
  destroy();
});
