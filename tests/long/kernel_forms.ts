/** All kernels in all forms of storage: by default most are tested in two of the four. */

import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { runDeno } from "../../src/cli/run_tests.ts";
import { lockOptions } from "../../src/host/setup/locked.ts";

Deno.test("every kernel computes what the reference says in every form of storage", async () => {
  const kernels = fileURLToPath(new URL("../kernels", import.meta.url));
  const args = ["test", ...lockOptions(), "-A", "--no-check", kernels];
  assertEquals(await runDeno(args, { FEATHERDET_TEST_FORMS: "all" }), 0);
});
