/**
 * Clients behind queues of jobs, as a server asks them and as they answer.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { namedQueue } from "../../queue/address.ts";
import type { JobHandler, JobQueue } from "../../queue/job.ts";
import { openJobQueue } from "../../queue/job_queue.ts";
import type { FederatedClient } from "./client.ts";
import { type ClientPool, parsed } from "./local_pool.ts";
import { type Phase, PHASES } from "./phases.ts";

/** The queue of a client in a run's database. */
export const clientQueue = (url: string, client: number): string => namedQueue(url, `client-${client}`);

/** Name of the kind of job that a phase is. */
const KIND = "federated ";

/** The phase that a job is. Throws FeatherdetError for jobs of another kind. */
export function phaseOf(kind: string): Phase {
  const phase = kind.slice(KIND.length);
  if (kind.startsWith(KIND) && Object.hasOwn(PHASES, phase)) return phase as Phase;
  throw new FeatherdetError(`a client of federated training does not do "${kind}"`);
}

/** Does what a server asks of a client. */
export function clientHandler(client: FederatedClient): JobHandler {
  return async ({ kind, input, signal }) => await client.answer(phaseOf(kind), input, signal);
}

/** Clients that take jobs of queues of their own. Whoever has not answered within `deadline` seconds is left out of the round. */
export async function queuePool(url: string, clients: number, deadline: number): Promise<ClientPool> {
  const queues: JobQueue[] = [];
  for (let client = 0; client < clients; client++) queues.push(await openJobQueue(clientQueue(url, client)));
  return {
    files: queues[0].files,
    async ask(phase, inputs, say) {
      const signal = AbortSignal.timeout(1000 * deadline);
      const answers = await Promise.all([...inputs].map(async ([id, input]) => {
        const job = await queues[id].submit({
          kind: `${KIND}${phase}`,
          input,
          title: `${phase}, round ${input.round}`,
        });
        try {
          return [id, parsed(phase, await queues[id].result(job, { signal }))] as const;
        } catch (error) {
          if (!(error instanceof FeatherdetError) && !signal.aborted) throw error;
          say(`client ${id} is left out of ${phase}: ${signal.aborted ? "it is late" : (error as Error).message}`);
          await queues[id].cancel(job);
          return undefined;
        }
      }));
      return new Map(answers.filter((one) => one !== undefined));
    },
    async [Symbol.asyncDispose]() {
      for (const queue of queues) await queue[Symbol.asyncDispose]();
    },
  };
}
