/** A thousand frames in a row: memory must not grow. */

import { assert, assertEquals } from "@std/assert";
import { soak } from "./support/soak.ts";

Deno.test("1000 frames of the demo detector: no growth of memory, no leaked buffer, equal results", async () => {
  const report = await soak("demo", 128, 1000);
  const growth = report.residentAfter / report.residentBefore - 1;
  assert(growth <= 0.05, `resident memory grew by ${(100 * growth).toFixed(1)} %`);
  const [before, warm, after, end] = report.resources;
  assert(warm > before, "the detector holds GPU memory");
  assertEquals(after, warm, "GPU buffers and textures leak");
  assertEquals(end, before, "destroy() leaves GPU buffers or textures behind");
  assertEquals(report.heldAfter, report.heldBefore);
  assertEquals(report.distinctResults, report.pictures);
});
