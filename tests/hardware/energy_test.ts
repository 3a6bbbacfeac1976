/** Energy and area against the published tables, row by row. */

import { assertAlmostEquals } from "@std/assert";
import { arithmeticEnergy, chipArea, dramEnergy, registerEnergy, sramEnergy } from "../../src/hardware/energy.ts";

Deno.test("operations and memories take the picojoules that Horowitz, Han and Chen publish", () => {
  // 0.2 + 0.1, 1.1 + 0.4, 3.7 + 0.9.
  assertAlmostEquals(arithmeticEnergy(10, "int8"), 3, 1e-12);
  assertAlmostEquals(arithmeticEnergy(10, "fp16"), 15, 1e-12);
  assertAlmostEquals(arithmeticEnergy(10, "fp32"), 46, 1e-12);
  // A register access costs what a multiply-accumulate does.
  assertAlmostEquals(registerEnergy(30, "int8"), 9, 1e-12);
  // 64 bits of 8 kB, 32 kB and 1 MB.
  for (const [kilobytes, picojoules] of [[8, 10], [32, 20], [1024, 100]]) {
    assertAlmostEquals(sramEnergy(8, kilobytes * 1024), picojoules, 1e-9);
  }
  // Four times the size takes twice the energy below 32 kB, and so does its continuation.
  assertAlmostEquals(sramEnergy(8, 2 * 1024), 5, 1e-9);
  // 640 pJ for 32 bits.
  assertAlmostEquals(dramEnergy(4), 640, 1e-9);
});

Deno.test("area is that of units and cells with what is assumed around them", () => {
  assertAlmostEquals(chipArea({ units: 1000, sramBytes: 0 }), 1000 * (282 + 137) * 2 * 1e-6, 1e-12);
  assertAlmostEquals(chipArea({ units: 0, sramBytes: 1024 }), 8192 * 0.346 * 2 * 1e-6, 1e-12);
});
