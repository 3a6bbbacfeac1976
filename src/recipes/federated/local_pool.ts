/**
 * The clients that a server asks, and those that are in its own process.
 *
 * @module
 */

import * as v from "npm:valibot@1.5.0";
import type { FileStore } from "../../queue/files.ts";
import type { FederatedClient } from "./client.ts";
import { ANSWERS, type Phase, type PhaseAnswer, type PhaseInput } from "./phases.ts";

/** Clients by their numbers. */
export interface ClientPool extends AsyncDisposable {
  readonly files: Pick<FileStore, "get" | "put">;
  /** Asks clients and returns the answers of those that answer in time; `say` is told why others do not. */
  ask<Name extends Phase>(
    phase: Name,
    inputs: ReadonlyMap<number, PhaseInput<Name>>,
    say: (line: string) => void,
  ): Promise<Map<number, PhaseAnswer<Name>>>;
}

/** An answer in its form. Throws for another one. */
export function parsed<Name extends Phase>(phase: Name, answer: unknown): PhaseAnswer<Name> {
  return v.parse(ANSWERS[phase], answer) as PhaseAnswer<Name>;
}

/**
 * Clients in this process, one after the other. `isLost` says which clients do not answer, for trials of what that costs.
 */
export function localPool(
  files: Pick<FileStore, "get" | "put">,
  clientOf: (id: number) => FederatedClient,
  isLost: (phase: Phase, round: number, client: number) => boolean = () => false,
): ClientPool {
  return {
    files,
    async ask(phase, inputs, say) {
      const answers = new Map();
      for (const [id, input] of inputs) {
        if (isLost(phase, input.round, id)) say(`client ${id} does not answer`);
        else answers.set(id, parsed(phase, await clientOf(id).answer(phase, JSON.parse(JSON.stringify(input)))));
      }
      return answers;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
