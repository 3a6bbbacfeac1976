/**
 * What many frames may do to the memory.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { soak } from "./soak.ts";

/** Fails where resident memory grows by more than 5 %, a GPU buffer or texture is leaked, or frames disturb one another. */
export async function assertSteady(model: string, size: number, frames: number): Promise<void> {
  const report = await soak(model, size, frames);
  const growth = report.residentAfter / report.residentBefore - 1;
  assert(growth <= 0.05, `resident memory grew by ${(100 * growth).toFixed(1)} %`);
  const [before, warm, after, end] = report.resources;
  assert(warm > before, "the detector holds GPU memory");
  assertEquals(after, warm, "GPU buffers and textures leak");
  assertEquals(end, before, "destroy() leaves GPU buffers or textures behind");
  assertEquals(report.heldAfter, report.heldBefore);
  assertEquals(report.distinctResults, report.pictures);
}
