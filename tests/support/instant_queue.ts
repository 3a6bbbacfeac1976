/**
 * A queue without a database for tests: jobs are done at once in this process, as many at a time as are submitted.
 *
 * @module
 */

import { join } from "node:path";
import { folderFiles } from "../../src/queue/files.ts";
import { type HeldJob, type Job, jobId, type JobQueue } from "../../src/queue/job.ts";

/** A queue whose files lie in a folder, and the jobs that it was given. */
export function instantQueue(
  folder: string,
  handler: (queue: JobQueue) => (job: HeldJob) => Promise<unknown>,
): JobQueue & { readonly jobs: readonly Job[] } {
  const results = new Map<string, Promise<unknown>>(), jobs: Job[] = [];
  const queue: JobQueue & { readonly jobs: Job[] } = {
    ...{ where: "here", jobs, files: folderFiles(join(folder, "files")) },
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
    result: (id) => results.get(id)!,
    progress: () => Promise.reject(new Error("not for tests")),
    cancel: () => Promise.resolve(),
    work: () => Promise.reject(new Error("not for tests")),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return queue;
}
