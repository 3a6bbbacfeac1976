/**
 * Resident memory of this process.
 *
 * @module
 */

/** What the host may offer to measure memory; browsers offer nothing. */
export interface MemoryHost {
  readonly Deno?: {
    readTextFile?(path: string): Promise<string>;
    memoryUsage?(): { readonly rss: number };
  };
}

/**
 * Most bytes that the process had resident since it began, on Linux; elsewhere, and where `/proc` may not be read, the bytes that are
 * resident now; undefined outside of Deno.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { peakResidentBytes } from "./process_memory.ts";
 * const bytes = await peakResidentBytes();
 * assert.ok(bytes === undefined || bytes > 10e6);
 * ```
 */
export async function peakResidentBytes(host: MemoryHost = globalThis): Promise<number | undefined> {
  const deno = host.Deno;
  try {
    const status = await deno?.readTextFile?.("/proc/self/status");
    const kibibytes = status?.match(/^VmHWM:\s*(\d+) kB$/m)?.[1];
    if (kibibytes !== undefined) return 1024 * Number(kibibytes);
  } catch {
    // Another system, or no permission.
  }
  return deno?.memoryUsage?.().rss;
}
