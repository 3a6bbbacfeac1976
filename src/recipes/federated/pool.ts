/**
 * The clients that a server asks: in its own process, or behind queues.
 *
 * @module
 */

import * as v from "npm:valibot@1.5.0";
import { FeatherdetError } from "../../graph/error.ts";
import { namedQueue } from "../../queue/address.ts";
import type { FileStore } from "../../queue/files.ts";
import type { JobHandler, JobQueue } from "../../queue/job.ts";
import { openJobQueue } from "../../queue/job_queue.ts";
import { ANSWERS, type Phase, type PhaseAnswer, type PhaseInput, PHASES } from "./phases.ts";
import type { FederatedClient } from "./client.ts";

/** Clients by their numbers. */
export interface ClientPool extends AsyncDisposable {
  readonly files: FileStore;
  /** Asks clients and returns the answers of those that answer in time; `say` is told why others do not. */
  ask<Name extends Phase>(
    phase: Name,
    inputs: ReadonlyMap<number, PhaseInput<Name>>,
    say: (line: string) => void,
  ): Promise<Map<number, PhaseAnswer<Name>>>;
}

function parsed<Name extends Phase>(phase: Name, answer: unknown): PhaseAnswer<Name> {
  return v.parse(ANSWERS[phase], answer) as PhaseAnswer<Name>;
}

/**
 * Clients in this process, one after the other. `isLost` says which clients do not answer, for trials of what that costs.
 */
export function localPool(
  files: FileStore,
  client: FederatedClient,
  isLost: (phase: Phase, round: number, client: number) => boolean = () => false,
): ClientPool {
  return {
    files,
    async ask(phase, inputs, say) {
      const answers = new Map();
      for (const [id, input] of inputs) {
        if (isLost(phase, input.round, id)) say(`client ${id} does not answer`);
        else answers.set(id, parsed(phase, await client.answer(phase, JSON.parse(JSON.stringify(input)))));
      }
      return answers;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** The queue of a client in a run's database. */
export const clientQueue = (url: string, client: number): string => namedQueue(url, `client-${client}`);

/** Name of the kind of job that a phase is. */
const KIND = "federated ";

/** Does what a server asks of a client. */
export function clientHandler(client: FederatedClient): JobHandler {
  return async ({ kind, input, signal }) => {
    const phase = kind.slice(KIND.length);
    if (!kind.startsWith(KIND) || !Object.hasOwn(PHASES, phase)) {
      throw new FeatherdetError(`a client of federated training does not do "${kind}"`);
    }
    return await client.answer(phase as Phase, input, signal);
  };
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
