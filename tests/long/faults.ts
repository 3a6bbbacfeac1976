/** Every operation under every fault, and the tables of it in docs/reliability.md. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { exhaustedReport } from "../support/faults/exhausted.ts";
import { faultTables, PAGE, withTables } from "../support/faults/table.ts";
import { gpuTest } from "../support/gpu.ts";

/** Without the spaces that the format of tables puts in. */
const plain = (text: string) => text.replace(/ +/g, " ").replace(/-{3,}/g, "---");

gpuTest("each operation under each fault: one sentence, no stale or partial result, the next call right", async () => {
  const page = await Deno.readTextFile(PAGE);
  assertEquals(plain(page), plain(withTables(page, await faultTables())), "run tests/support/faults/table.ts");
});

gpuTest("where memory really ends, the frame is refused and the next one is right", async () => {
  const report = await exhaustedReport();
  if (report === undefined) return;
  assertMatch(report.error, /^FeatherdetError: the adapter ".+" has no memory for this frame: /);
  assertEquals(report.after, report.before);
  assert(Array.isArray(report.before) && report.before.length === 2);
});
