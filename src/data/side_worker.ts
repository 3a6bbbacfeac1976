/**
 * Questions to a worker and its answers. A worker only saves time: if there is none, or it fails, the answer is `undefined`, and the
 * caller does the work itself, which also gives the best error message.
 *
 * @module
 */

/** What goes to the worker. */
interface Question<Order> {
  readonly id: number;
  readonly order: Order;
}

/** What comes back; without an answer where the worker failed. */
interface Reply<Answer> {
  readonly id: number;
  readonly answer?: Answer;
}

/** How many workers are usual: half of the processors, four at most, since the device may be the rest of them. */
export function usualWorkers(): number {
  return Math.max(1, Math.min(4, Math.floor((globalThis.navigator?.hardwareConcurrency ?? 2) / 2)));
}

/** A worker and what is expected of it. */
export class SideWorker<Order, Answer> {
  readonly #waiting = new Map<number, (answer: Answer | undefined) => void>();
  #worker: Worker | undefined;
  #asked = 0;

  /** `start` makes the worker; that it throws counts as one that does not work. */
  constructor(start: () => Worker) {
    try {
      this.#worker = start();
    } catch {
      // No workers here, or none from there.
      return;
    }
    this.#worker.addEventListener("message", ({ data }: MessageEvent<Reply<Answer>>) => {
      this.#waiting.get(data.id)?.(data.answer);
      this.#waiting.delete(data.id);
    });
    this.#worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.close();
    });
  }

  /** Questions that are not answered yet. */
  get pending(): number {
    return this.#waiting.size;
  }

  /** Undefined where the worker does not work. What is transferred is gone here. */
  ask(order: Order, transfer: Transferable[] = []): Promise<Answer | undefined> {
    const worker = this.#worker;
    if (!worker) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const id = this.#asked++;
      this.#waiting.set(id, resolve);
      const question: Question<Order> = { id, order };
      worker.postMessage(question, transfer);
    });
  }

  /** Ends the worker; what it has not answered stays without an answer. */
  close(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    for (const resolve of this.#waiting.values()) resolve(undefined);
    this.#waiting.clear();
  }
}

/** Called in a worker: answers what it is asked. The buffers named with an answer are transferred. */
export function serve<Order, Answer>(
  respond: (order: Order) => Promise<{ readonly answer: Answer; readonly transfer?: Transferable[] }>,
): void {
  globalThis.addEventListener("message", async ({ data: { id, order } }: MessageEvent<Question<Order>>) => {
    let reply: Reply<Answer> = { id };
    let transfer: Transferable[] = [];
    try {
      const done = await respond(order);
      reply = { id, answer: done.answer };
      transfer = done.transfer ?? [];
    } catch {
      // Whoever asked does it again and reports the error in full.
    }
    globalThis.postMessage(reply, { transfer });
  });
}

/** The buffer of a view to be transferred with it; none for a part of something larger, of which the rest may be wanted here. */
export function transferable({ buffer, byteLength }: ArrayBufferView<ArrayBuffer>): Transferable[] {
  return buffer.byteLength === byteLength ? [buffer] : [];
}
