/** Values of options as people write them. */

import { assertEquals, assertThrows } from "@std/assert";
import { byteCount, tiles } from "../../src/cli/arguments.ts";

Deno.test("bytes with a unit or without", () => {
  const cases = { "128MB": 128e6, "1.5 gb": 1.5e9, "64MiB": 64 * 2 ** 20, "300000": 300_000, "2kB": 2000, "7b": 7 };
  for (const [text, bytes] of Object.entries(cases)) assertEquals(byteCount(text), bytes, text);
  for (const text of ["", "MB", "-1MB", "0", "12XB", "1e6", "1 2MB"]) {
    assertThrows(() => byteCount(text), Error, "number of bytes");
  }
});

Deno.test("tiles by their side, or as the picture needs them", () => {
  assertEquals([tiles("auto"), tiles("640")], ["auto", 640]);
  for (const text of ["", "3", "640.5", "Auto", "x"]) assertThrows(() => tiles(text), Error, "Expected auto");
});
