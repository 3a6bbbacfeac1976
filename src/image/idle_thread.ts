/**
 * A worker that does not keep its process alive while it has nothing to do.
 *
 * @module
 */

/** What a worker has to be able to do, whoever made it. */
export interface Thread extends EventTarget {
  postMessage(message: unknown, transfer: Transferable[]): void;
  terminate(): void;
  /** Lets the process end although the worker is there, or keeps it from that. */
  keepAlive?(keeps: boolean): void;
}

/** What is used of the workers of Node, which Deno has too. */
interface NodeWorker {
  postMessage(message: unknown, transfer: Transferable[]): void;
  terminate(): unknown;
  ref(): void;
  unref(): void;
  on(event: "message", listener: (data: unknown) => void): void;
  on(event: "error", listener: (error: Error) => void): void;
}

type NodeWorkers = { readonly Worker: new (url: URL) => NodeWorker } | undefined;

/** Nothing of it where there are no modules of Node: in browsers, in whose pages workers keep nothing alive. */
function nodeWorkers(): NodeWorkers {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } };
  return process?.getBuiltinModule?.("node:worker_threads") as NodeWorkers;
}

/** A worker of Node with the events of others. */
class IdleThread extends EventTarget implements Thread {
  readonly #worker: NodeWorker;

  constructor(worker: NodeWorker) {
    super();
    this.#worker = worker;
    worker.on("message", (data) => this.dispatchEvent(new MessageEvent("message", { data })));
    worker.on("error", ({ message }) => this.dispatchEvent(new ErrorEvent("error", { message, cancelable: true })));
  }

  postMessage(message: unknown, transfer: Transferable[]): void {
    this.#worker.postMessage(message, transfer);
  }

  terminate(): void {
    this.#worker.terminate();
  }

  keepAlive(keeps: boolean): void {
    if (keeps) this.#worker.ref();
    else this.#worker.unref();
  }
}

/** Starts a module in such a worker; undefined where no program has to end by itself. Throws where it cannot be started. */
export function startIdleThread(module: URL): Thread | undefined {
  const workers = nodeWorkers();
  return workers && new IdleThread(new workers.Worker(module));
}
