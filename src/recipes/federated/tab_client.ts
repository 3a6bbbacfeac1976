/**
 * A browser's tab as a client of federated training: takes jobs over a WebSocket and answers them by what it has of its own.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { hashOfBytes } from "../../queue/memory_files.ts";
import type { FileStore } from "../../queue/files.ts";
import { type ClientOptions, FederatedClient } from "./client.ts";
import type { Phase } from "./phases.ts";
import { filePath, type FromTab, readToTab, socketPath } from "./tab_wire.ts";

/** Files that the page's server keeps. */
function serverFiles(base: URL): Pick<FileStore, "get" | "put"> {
  const asked = async (hash: string, init?: RequestInit) => {
    const answer = await fetch(new URL(filePath(hash), base), init);
    if (answer.ok) return await answer.bytes();
    throw new Error(`the server has answered ${answer.status} for a file: ${await answer.text()}`);
  };
  return {
    async put(bytes) {
      const own = Uint8Array.from(bytes), hash = await hashOfBytes(own);
      await asked(hash, { method: "PUT", body: own });
      return hash;
    },
    async get(hash) {
      const bytes = await asked(hash);
      if (await hashOfBytes(bytes) === hash) return bytes;
      throw new FeatherdetError(`the server has sent other bytes than those of the hash ${hash}`);
    },
  };
}

/** Who is told how it goes. */
export interface TabListener {
  /** A phase of a round was begun, and then answered or not. */
  readonly onPhase?: (phase: Phase, round: number, became: "begun" | "done" | "failed", fault?: string) => void;
  /** Ends it; the job in hand is given back. */
  readonly signal?: AbortSignal;
}

/**
 * Answers the jobs of a client until the connection ends, and returns why it did. `base` is where the page lies. A job that fails is told
 * to the server, and the next one is taken.
 */
export async function beTabClient(
  base: URL,
  client: number,
  own: ClientOptions,
  { onPhase, signal }: TabListener = {},
): Promise<string> {
  const place = new URL(socketPath(client), base);
  place.protocol = place.protocol.replace("http", "ws");
  const socket = new WebSocket(place), federated = new FederatedClient(serverFiles(base), own);
  const running = new Map<string, AbortController>(), ended = Promise.withResolvers<string>();
  const say = (message: FromTab) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  };
  const answer = async (job: string, phase: Phase, input: object) => {
    const stop = new AbortController(), round = (input as { round?: number }).round ?? 0;
    running.set(job, stop);
    onPhase?.(phase, round, "begun");
    try {
      const given = await federated.answer(phase, input, stop.signal);
      say({ job, answer: given });
      onPhase?.(phase, round, "done");
    } catch (error) {
      const fault = error instanceof Error ? error.message : String(error);
      say({ job, fault, final: error instanceof FeatherdetError });
      onPhase?.(phase, round, "failed", fault);
    } finally {
      running.delete(job);
    }
  };
  socket.addEventListener("message", ({ data }) => {
    try {
      const told = readToTab(data);
      if ("stop" in told) running.get(told.job)?.abort();
      else answer(told.job, told.phase, told.input);
    } catch (error) {
      socket.close(4000, (error as Error).message.slice(0, 100));
    }
  });
  socket.addEventListener("close", ({ reason, code }) => {
    for (const stop of running.values()) stop.abort();
    ended.resolve(
      signal?.aborted ? "stopped" : reason || (code === 1006 ? "the server cannot be reached" : "the server has ended"),
    );
  });
  signal?.addEventListener("abort", () => socket.close(1000, "stopped"));
  return await ended.promise;
}
