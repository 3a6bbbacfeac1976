/**
 * Hands jobs of federated clients to browsers' tabs: a tab cannot speak to the queue's database, so a process takes a client's jobs from
 * its queue for it, and hands back what the tab answers.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import type { HeldJob } from "../../queue/job.ts";
import { openJobQueue } from "../../queue/job_queue.ts";
import type { FileStore } from "../../queue/files.ts";
import type { Phase, PhaseAnswer } from "./phases.ts";
import { parsed } from "./local_pool.ts";
import { clientQueue, phaseOf } from "./pool.ts";
import { type FromTab, readFromTab, type ToTab } from "./tab_wire.ts";

/** A socket as it is used here: that of a tab, after it was opened. */
export type TabSocket = Pick<WebSocket, "send" | "close" | "addEventListener" | "readyState">;

/** Jobs in the hands of one tab. */
class Tab {
  readonly #waiting = new Map<string, PromiseWithResolvers<FromTab>>();

  constructor(private readonly socket: TabSocket) {
    socket.addEventListener("message", (event) => {
      try {
        const told = readFromTab((event as MessageEvent).data);
        this.#waiting.get(told.job)?.resolve(told);
      } catch (error) {
        socket.close(4000, (error as Error).message.slice(0, 100));
      }
    });
    socket.addEventListener("close", () => {
      // Not a fault of the job: it is tried again when there is a tab.
      for (const { reject } of this.#waiting.values()) reject(new Error("the tab was closed"));
    });
  }

  #say(message: ToTab): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  /** Has the tab answer a job. */
  async answer({ id, kind, input, signal }: HeldJob): Promise<PhaseAnswer<Phase>> {
    const phase = phaseOf(kind), told = Promise.withResolvers<FromTab>();
    signal.throwIfAborted();
    this.#waiting.set(id, told);
    const stop = () => {
      told.reject(new Error("nobody wants the answer any more"));
      this.#say({ job: id, stop: true });
    };
    signal.addEventListener("abort", stop);
    try {
      this.#say({ job: id, phase, input });
      const said = await told.promise;
      if ("answer" in said) return parsed(phase, said.answer);
      throw said.final ? new FeatherdetError(said.fault) : new Error(said.fault);
    } finally {
      signal.removeEventListener("abort", stop);
      this.#waiting.delete(id);
    }
  }
}

/** Tabs as clients of a federated run. */
export class TabBridge implements AsyncDisposable {
  readonly #tabs = new Map<number, { readonly stop: AbortController; readonly ended: Promise<void> }>();

  private constructor(
    private readonly url: string,
    private readonly clients: number,
    private readonly queue: AsyncDisposable & { readonly files: FileStore },
    private readonly say: (line: string) => void,
  ) {}

  /** A bridge to the queues of a database. Throws FeatherdetError as `openJobQueue` does. */
  static async open(url: string, clients: number, say: (line: string) => void): Promise<TabBridge> {
    return new TabBridge(url, clients, await openJobQueue(clientQueue(url, 0)), say);
  }

  /** Models and updates by their hashes. */
  get files(): FileStore {
    return this.queue.files;
  }

  /** Why a tab cannot be a client; undefined if it can. */
  refusal(client: number): string | undefined {
    if (!(client < this.clients)) return `there are ${this.clients} clients, numbered from 0`;
    return this.#tabs.has(client) ? `client ${client} is another tab` : undefined;
  }

  /** Has a tab take the jobs of a client until it is closed. */
  serve(client: number, socket: TabSocket): void {
    const refusal = this.refusal(client);
    if (refusal !== undefined) return socket.close(4001, refusal);
    const stop = new AbortController(), tab = new Tab(socket);
    socket.addEventListener("close", () => stop.abort());
    this.say(`client ${client} is a tab`);
    const work = async () => {
      try {
        await using queue = await openJobQueue(clientQueue(this.url, client));
        await queue.work((job) => tab.answer(job), { signal: stop.signal });
      } catch (error) {
        this.say(`client ${client}: ${(error as Error).message}`);
      } finally {
        this.#tabs.delete(client);
        socket.close(1001, "the server has ended");
        this.say(`client ${client} is no tab any more`);
      }
    };
    this.#tabs.set(client, { stop, ended: work() });
  }

  /** Ends all tabs. */
  async [Symbol.asyncDispose](): Promise<void> {
    const tabs = [...this.#tabs.values()];
    for (const { stop } of tabs) stop.abort();
    await Promise.all(tabs.map(({ ended }) => ended));
    await this.queue[Symbol.asyncDispose]();
  }
}
