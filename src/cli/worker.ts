/**
 * `worker`: takes jobs of a queue, one after the other.
 *
 * @module
 */

import { openJobQueue } from "../queue/job_queue.ts";
import { jobHandler } from "../recipes/jobs/mod.ts";
import { integerIn } from "./arguments.ts";
import { Output } from "./output.ts";
import { queueOption } from "./queue_option.ts";
import { readyVerb } from "./step_verbs.ts";
import { INTERRUPTED, stopSignal } from "./stop_signal.ts";
import { deviceAction, deviceVerb } from "./verb.ts";

const MORE = `
A worker that is killed is missed after the time of --heartbeat, and its job is given to another one. Ctrl-C gives the
job in hand back where it can go on. Folders of jobs lie in .cache/jobs; those of jobs that are done may be deleted.`;

/** The verb `worker`. */
export const workerVerb = deviceVerb(
  "worker",
  "Take jobs of a queue (train, prune, quantize, evaluate, measure, variants), one after the other.",
  "deno task worker --queue postgres://me:secret@host/sweeps",
)
  .addOption(queueOption())
  .option("--until-empty", "end when no job waits or runs; by default wait for more")
  .option("--heartbeat <seconds>", "a worker without a sign of life for so long is lost", integerIn(10, 86_400), 60)
  .addHelpText("after", MORE)
  .action(async (options) => {
    await deviceAction<typeof options>(async ({ queue: url, untilEmpty, heartbeat }, output) => {
      const stop = stopSignal(output, "stopping after this job, or where it can go on");
      const counts = { done: 0, failed: 0, again: 0 };
      try {
        await using queue = await openJobQueue(url, {
          heartbeatSeconds: heartbeat,
          onWarning: (text) => output.note(`warning: ${text}`),
        });
        output.note(`taking jobs of ${queue.where}`);
        // What verbs print is not this verb's result.
        const inner = new Output(true);
        inner.object = () => {};
        const handler = jobHandler(queue, {
          run: (verb, words) => readyVerb(verb, words)(inner),
          say: (line) => output.note(line),
        });
        await queue.work(handler, {
          ...{ signal: stop.signal, untilEmpty },
          onJob({ title, kind, id, retries }, became, error) {
            const name = `${title ?? kind} (${id})`;
            if (became === undefined) output.note(`${name}${retries > 0 ? `, tried again (${retries})` : ""}`);
            else {
              counts[became]++;
              const word = { done: "done", failed: "failed", again: "given back" }[became];
              output.line(`${word}: ${name}${error === undefined ? "" : `: ${error}`}`);
            }
          },
        });
        if (stop.signal.aborted) Deno.exitCode = INTERRUPTED;
        return { queue: queue.where, ...counts };
      } finally {
        stop.release();
      }
    })(options);
  });
