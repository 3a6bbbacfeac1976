/** A queue of jobs on PGlite in memory: order, results, failures, files. */

import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { FeatherdetError } from "../../src/graph/error.ts";
import type { HeldJob } from "../../src/queue/job.ts";
import { jobId } from "../../src/queue/job.ts";
import { openJobQueue } from "../../src/queue/job_queue.ts";
import { sha256Of } from "../support/sha256.ts";

Deno.test("jobs of a queue: the urgent first, each done once, tried again or failed, with results and files", async (t) => {
  await using queue = await openJobQueue("pglite:");
  /** Does what is there with a handler, and returns the inputs in the order in which they were done. */
  const drain = async (handler: (job: HeldJob) => unknown = (job) => job.input) => {
    const taken: unknown[] = [];
    const work = (job: HeldJob) => {
      taken.push((job.input as { n: unknown }).n);
      return Promise.resolve(handler(job));
    };
    await queue.work(work, { untilEmpty: true });
    return taken;
  };

  await t.step(
    "those of higher priority first, then in the order of submission; a repeated one is not done again",
    async () => {
      const priorities = [0, 5, -1, 5, 0];
      const ids: string[] = [];
      for (const [n, priority] of priorities.entries()) {
        ids.push(
          await queue.submit({ kind: "count", input: { n }, priority }),
        );
      }
      assertEquals(new Set(ids).size, 5);
      // The order of fields does not count, what tells a repetition apart does.
      assertEquals(jobId({ kind: "a", input: { x: 1, y: 2 } }), jobId({ kind: "a", input: { y: 2, x: 1 } }));
      assertNotEquals(jobId({ kind: "a", input: {} }), jobId({ kind: "a", input: {}, again: "2" }));
      assertEquals(await queue.submit({ kind: "count", input: { n: 1 }, priority: 9 }), ids[1]);
      assertEquals(await drain((job) => ({ square: (job.input as { n: number }).n ** 2 })), [1, 3, 0, 4, 2]);
      assertEquals(await queue.result(ids[4]), { square: 16 });
      assertEquals(await queue.submit({ kind: "count", input: { n: 4 } }), ids[4]);
      assertEquals(await drain(), []);
      const { done, waiting, jobs } = await queue.progress();
      assertEquals([done, waiting, jobs.map(({ id }) => id)], [5, 0, ids]);
      assert(jobs.every(({ worker, seconds }) => /:\d+$/.test(worker!) && seconds! >= 0));
    },
  );

  await t.step("a job that is wrong has failed; what may be mended is tried again", async () => {
    const wrong = await queue.submit({ kind: "fail", input: { n: "wrong" }, title: "a wrong one" });
    const shaky = await queue.submit({ kind: "fail", input: { n: "shaky" } });
    const tries = await drain(({ input, retries }) => {
      if ((input as { n: string }).n === "wrong") throw new FeatherdetError("no such model");
      if (retries === 0) throw new Error("the network is down");
      return retries;
    });
    assertEquals(tries, ["wrong", "shaky", "shaky"]);
    assertEquals(await queue.result(shaky), 1);
    const error = await assertRejects(() => queue.result(wrong), FeatherdetError);
    assertMatch(error.message, /^the job "a wrong one" failed: no such model$/);
    assertEquals((await queue.progress()).failed, 1);
    // Submitted again, it is tried anew.
    assertEquals(await queue.submit({ kind: "fail", input: { n: "wrong" } }), wrong);
    assertEquals(await drain(() => "mended"), ["wrong"]);
    assertEquals(await queue.result(wrong), "mended");
  });

  await t.step("a job is cancelled before it is begun; waiting for a result ends with the signal", async () => {
    const id = await queue.submit({ kind: "count", input: { n: 77 } });
    const reason = new Error("enough");
    await assertRejects(() => queue.result(id, { signal: AbortSignal.abort(reason) }), Error, "enough");
    await queue.cancel(id);
    await assertRejects(() => queue.result(id), FeatherdetError, "was cancelled");
    assertEquals(await drain(), []);
    await assertRejects(() => queue.result(crypto.randomUUID()), FeatherdetError, "has no job");
  });

  await t.step("files come back by the hash of their content, empty ones too", async () => {
    const bytes = new Uint8Array(1013).map((_, i) => (i * 2654435761) >>> 13);
    for (const one of [bytes, new Uint8Array(), bytes.subarray(5, 18)]) {
      const hash = await queue.files.put(one);
      assertEquals(hash, await sha256Of(one));
      assertEquals(await queue.files.has(hash), true);
      const back = await queue.files.get(hash);
      assert(back.length === one.length && back.every((byte, i) => byte === one[i]));
      assertEquals(await queue.files.put(one), hash);
    }
    assertEquals(await queue.files.has("0".repeat(64)), false);
    await assertRejects(() => queue.files.get("0".repeat(64)), FeatherdetError, "has no file");
  });
});
