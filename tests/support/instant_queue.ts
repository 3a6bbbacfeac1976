/**
 * A queue without a database for tests: jobs are done at once in this process, as many at a time as are submitted.
 *
 * @module
 */

import { join } from "node:path";
import { folderFiles } from "../../src/queue/files.ts";
import { type HeldJob, type Job, jobId, type JobQueue } from "../../src/queue/job.ts";

/** A queue whose files lie in a folder, the jobs that it was given, and the ids of those that were taken out again. */
export function instantQueue(
  folder: string,
  handler: (queue: JobQueue) => (job: HeldJob) => Promise<unknown>,
): JobQueue & { readonly jobs: readonly Job[]; readonly cancelled: readonly string[] } {
  const results = new Map<string, Promise<unknown>>(), jobs: Job[] = [], cancelled: string[] = [];
  const queue: ReturnType<typeof instantQueue> = {
    ...{ where: "here", jobs, cancelled, files: folderFiles(join(folder, "files")) },
    submit(job) {
      const id = jobId(job);
      if (!results.has(id)) {
        jobs.push(job);
        // What goes into a database and comes back is plain.
        const { input, kind } = JSON.parse(JSON.stringify(job)) as Job;
        const { signal } = new AbortController();
        const result = handler(queue)({ id, kind, input, retries: 0, signal }).then((value) => structuredClone(value));
        result.catch(() => {});
        results.set(id, result);
      }
      return Promise.resolve(id);
    },
    result: (id, { signal } = {}) =>
      Promise.race([
        results.get(id)!,
        new Promise((_, refuse) => {
          if (signal?.aborted) refuse(signal.reason);
          signal?.addEventListener("abort", () => refuse(signal.reason));
        }),
      ]),
    progress: () => Promise.reject(new Error("not for tests")),
    cancel: (id) => Promise.resolve(void cancelled.push(id)),
    work: () => Promise.reject(new Error("not for tests")),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return queue;
}
