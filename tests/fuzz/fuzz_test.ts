/** The fuzzer: seven hundred changed inputs, cases that once failed, and that its watch sees what it has to see. */

import { assertEquals, assertMatch } from "@std/assert";
import type { Case } from "./target.ts";
import { loadTarget, TARGETS } from "./targets.ts";
import { again, fuzz } from "./watch.ts";

const FOUND: Case[] = Deno.readTextFileSync(new URL("../fixtures/fuzz/found.jsonl", import.meta.url)).split("\n")
  .filter((line) => line !== "").map((line) => JSON.parse(line));

Deno.test("seven hundred changed inputs of all kinds are answered well", async () => {
  const { failures, counts } = await fuzz({ seed: 1, time: Infinity, cases: 700, targets: Object.keys(TARGETS) });
  assertEquals(failures, []);
  assertEquals(Object.keys(counts).sort(), Object.keys(TARGETS).sort());
});

for (const name of Object.keys(TARGETS)) {
  Deno.test(`changed inputs that were once answered wrongly: ${name}`, async () => {
    const { entries, run } = await loadTarget(name);
    for (const { entry, changes } of FOUND.filter(({ target }) => target === name)) await run(entry, changes);
    // Unchanged, every input is taken without a fault.
    if (name !== "http") { for (const entry of entries.slice(0, 3)) await run(entry, []); }
  });
}

Deno.test("the watch names the case that throws, hangs, fills the memory or ends the process", async () => {
  const { entries } = await loadTarget("failing");
  const seen = await Promise.all(entries.map(async (entry) => {
    // By the clock only what waits is ended: on a busy machine the others take as long as they like.
    const limits = {
      ...{ time: entry === "hangs" ? 400 : 600_000, memory: 2 ** 29 },
      wait: entry === "waits" ? 300 : 600_000,
    };
    const failure = await again({ target: "failing", entry, changes: [50] }, limits);
    return [entry, failure?.message.split("\n")[0]];
  }));
  const messages = Object.fromEntries(seen);
  assertEquals(messages.throws, "TypeError: x is undefined");
  assertEquals(messages.hangs, "takes more than 0.4 s");
  assertEquals(messages.waits, "waits for more than 0.3 s");
  assertMatch(messages["fills the memory"], /^takes \d+ MB of memory$/);
  assertMatch(messages.ends, /^the process ends with 3: /);
});
