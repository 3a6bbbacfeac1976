/**
 * A worker process for tests: squares numbers, and says on stdout which job it takes and which one it has done.
 *
 * @module
 */

import { sha256Of } from "../../src/data/download/checksum.ts";
import { openJobQueue } from "../../src/queue/job_queue.ts";

const [url] = Deno.args;
const say = (word: string, n: number, priority: number) => console.log(JSON.stringify({ word, n, priority }));

await using queue = await openJobQueue(url, { heartbeatSeconds: 10, onWarning: (text) => console.error(text) });
await queue.work(async ({ input }) => {
  const { n, priority, work } = input as { n: number; priority: number; work: number };
  say("takes", n, priority);
  let bytes = new TextEncoder().encode(String(n));
  for (let i = 0; i < work; i++) {
    bytes = new TextEncoder().encode(sha256Of(bytes));
    // Signs of life and losses of the connection are looked after in between.
    if (i % 1000 === 0) await new Promise((resolve) => setTimeout(resolve));
  }
  say("has done", n, priority);
  return { square: n ** 2, file: await queue.files.put(bytes) };
}, { untilEmpty: true });
