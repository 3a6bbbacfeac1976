/** Hundreds of frames in a row: memory must not grow. `tests/long/soak.ts` does it with a real model. */

import { assertSteady } from "../support/assert_soak.ts";

Deno.test("400 frames of the demo detector: no growth of memory, no leaked buffer, equal results", async () => {
  await assertSteady("demo", 64, 400);
});
