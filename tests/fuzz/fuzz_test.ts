/** The fuzzer: a few seconds of it, cases that once failed, and that its watch sees what it has to see. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Case } from "./target.ts";
import { FAILING, TARGETS } from "./targets.ts";
import { again, fuzz } from "./watch.ts";

const FOUND: Case[] = Deno.readTextFileSync(new URL("../fixtures/fuzz/found.jsonl", import.meta.url)).split("\n")
  .filter((line) => line !== "").map((line) => JSON.parse(line));

Deno.test("two seconds of changed inputs are answered well", async () => {
  const { failures, counts } = await fuzz({ seed: 1, time: 3000, targets: Object.keys(TARGETS) });
  assertEquals(failures, []);
  assert(Object.keys(counts).length > 0, "nothing was tried");
});

for (const [name, { entries }] of Object.entries(TARGETS)) {
  Deno.test(`changed inputs that were once answered wrongly: ${name}`, async () => {
    for (const { target, entry, changes } of FOUND.filter(({ target }) => target === name)) {
      await TARGETS[target].run(entry, changes);
    }
    // Unchanged, every input is taken without a fault.
    if (name !== "http") { for (const entry of entries.slice(0, 3)) await TARGETS[name].run(entry, []); }
  });
}

Deno.test("the watch names the case that throws, hangs, fills the memory or ends the process", async () => {
  const limits = { time: 400, memory: 2 ** 29 };
  const seen = await Promise.all(FAILING.failing.entries.map(async (entry) => {
    const failure = await again({ target: "failing", entry, changes: [50] }, limits);
    return [entry, failure?.message.split("\n")[0]];
  }));
  const messages = Object.fromEntries(seen);
  assertEquals(messages.throws, "TypeError: x is undefined");
  assertEquals(messages.hangs, "takes more than 0.4 s");
  assertMatch(messages["fills the memory"], /^takes \d+ MB of memory$/);
  assertMatch(messages.ends, /^the process ends with 3: /);
});
