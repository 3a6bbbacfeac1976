/**
 * The kinds of jobs that a worker does.
 *
 * @module
 */

import { join } from "node:path";
import { cacheFolder } from "../../data/cache.ts";
import { FeatherdetError } from "../../graph/error.ts";
import { makeFolder } from "../../host/table_files.ts";
import type { JobHandler, JobQueue } from "../../queue/job.ts";
import type { JobContext, JobKind } from "./kind.ts";
import { MAKE } from "./make.ts";
import { EVALUATE, MEASURE } from "./measure.ts";
import { SCORE_WIDTHS } from "./score_widths.ts";
import { VERB } from "./verb.ts";

export type { JobContext, JobKind } from "./kind.ts";

/** Every kind by its name. Another one is a row here. */
export const JOB_KINDS: Readonly<Record<string, JobKind>> = {
  make: MAKE,
  verb: VERB,
  evaluate: EVALUATE,
  measure: MEASURE,
  "score-widths": SCORE_WIDTHS,
};

/** Does jobs of all kinds. Folders of jobs lie in `jobs` of the cache, or in `folder`. */
export function jobHandler(
  queue: Pick<JobQueue, "files">,
  { run, say }: Pick<JobContext, "run" | "say">,
  folder: string = cacheFolder("jobs"),
): JobHandler {
  return async ({ id, kind, input, signal }) => {
    if (!Object.hasOwn(JOB_KINDS, kind)) {
      throw new FeatherdetError(
        `no worker of this version does "${kind}", there are: ${Object.keys(JOB_KINDS).join(", ")}`,
      );
    }
    const own = join(folder, id);
    await makeFolder(own);
    return await JOB_KINDS[kind].run(input, { files: queue.files, folder: own, signal, run, say });
  };
}
