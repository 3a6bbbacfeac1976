/**
 * Buffers that results are read from, without the wait that Deno adds. Its `mapAsync` has the device finish all that was submitted before it
 * returns, and then sleeps for ten milliseconds before its promise is fulfilled (`ext/webgpu/buffer.rs`). The bytes are there in between.
 * Where that is known of the runtime they are taken at once; everywhere else, and where the buffer says that it is not mapped, the promise
 * is waited for, as the specification of WebGPU has it.
 *
 * @module
 */

/**
 * Whether buffers of this runtime are mapped when `mapAsync` returns. It is asked of the version, since a runtime in which it is otherwise
 * may end the process instead of throwing; Deno 2.9 was read and tried.
 */
export const MAPS_AT_ONCE = "Deno" in globalThis && /^2\.9\./.test(globalThis.Deno?.version?.deno ?? "");

/** Buffers that can be asked for bytes before the promise of `mapAsync` is fulfilled. */
const prompt = new WeakSet<GPUBuffer>();

/** Makes a buffer that results are copied to and read from. */
export function createReadable(device: GPUDevice, label: string, size: number): GPUBuffer {
  const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
  const buffer = device.createBuffer({ label, size, usage, mappedAtCreation: MAPS_AT_ONCE });
  if (!MAPS_AT_ONCE) return buffer;
  try {
    // Deno ends the process where it is asked for the bytes of a buffer that never was mapped with its knowledge.
    buffer.unmap();
    prompt.add(buffer);
  } catch {
    // There was no memory for it, which the error scope tells.
  }
  return buffer;
}

/** Ends a turn of the event loop, so that timers, signals and messages are served between frames that wait for nothing else. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * The first `size` bytes of a buffer for which `mapAsync` was called and gave the promise `mapped`. They are gone when the buffer is
 * unmapped. Fails as the promise and `getMappedRange` do.
 */
export async function mappedRange(buffer: GPUBuffer, mapped: Promise<unknown>, size: number): Promise<ArrayBuffer> {
  // It may fail in the turn that nobody waits for it.
  mapped.catch(() => {});
  if (prompt.has(buffer)) {
    await turn();
    try {
      return buffer.getMappedRange(0, size);
    } catch {
      // It is not mapped: the promise says why, or when it is.
    }
  }
  await mapped;
  return buffer.getMappedRange(0, size);
}

/** A copy of the first `size` bytes of a buffer of `createReadable`, when all that was submitted has run. Fails as `mapAsync` does. */
export async function readMapped(buffer: GPUBuffer, size: number): Promise<ArrayBuffer> {
  const copy = (await mappedRange(buffer, buffer.mapAsync(GPUMapMode.READ, 0, size), size)).slice(0);
  buffer.unmap();
  return copy;
}
