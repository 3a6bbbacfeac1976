/**
 * Questions to a worker and its answers. A worker only saves time: if there is none, or it fails, the answer is `undefined`, and the
 * caller does the work itself, which also gives the best error message. Work that may hang is asked for with a time limit.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";

/** Milliseconds that decoding a picture may take: a hundred times what the largest takes on a machine of two cores. */
export const DECODING_PATIENCE = 120_000;

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

/** What waits for its turn or for the worker's answer. */
interface Waiting<Order, Answer> {
  readonly question: Question<Order>;
  readonly transfer: Transferable[];
  readonly patience: number;
  resolve(answer: Answer | undefined): void;
  reject(error: FeatherdetError): void;
}

/** A worker and what is expected of it. It gets a question when it has answered the one before. */
export class SideWorker<Order, Answer> {
  readonly #start: () => Worker;
  readonly #waiting: Waiting<Order, Answer>[] = [];
  #worker: Worker | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;

  /** `start` makes the worker, and another one where it had to be ended; that it throws counts as one that does not work. */
  constructor(start: () => Worker) {
    this.#start = start;
    this.#begin();
  }

  #begin(): void {
    try {
      this.#worker = this.#start();
    } catch {
      // No workers here, or none from there.
      this.#worker = undefined;
      return;
    }
    this.#worker.addEventListener("message", ({ data }: MessageEvent<Reply<Answer>>) => {
      if (this.#waiting[0]?.question.id !== data.id) return;
      this.#waiting.shift()!.resolve(data.answer);
      this.#send();
    });
    this.#worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.close();
    });
  }

  /** Sends the first that waits. */
  #send(): void {
    clearTimeout(this.#timer);
    const [first] = this.#waiting;
    if (first === undefined) return;
    if (Number.isFinite(first.patience)) this.#timer = setTimeout(() => this.#giveUp(), first.patience);
    try {
      this.#worker!.postMessage(first.question, first.transfer);
    } catch {
      // It cannot be sent: whoever asks does it.
      this.#waiting.shift()!.resolve(undefined);
      this.#send();
    }
  }

  /** Ends the worker that hangs; another one goes on with what waits. */
  #giveUp(): void {
    const late = this.#waiting.shift()!;
    this.#worker!.terminate();
    this.#begin();
    late.reject(new FeatherdetError(`takes longer than ${late.patience / 1000} s and was given up`));
    if (this.#worker) this.#send();
    else this.close();
  }

  /** Questions that are not answered yet. */
  get pending(): number {
    return this.#waiting.length;
  }

  /**
   * Undefined where the worker does not work. What is transferred is gone here. With `patience` (in milliseconds) it rejects with a
   * `FeatherdetError` where the worker takes longer for it: then it must not be done here, where nothing could end it.
   */
  ask(order: Order, transfer: Transferable[] = [], patience = Infinity): Promise<Answer | undefined> {
    if (!this.#worker) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const question: Question<Order> = { id: this.#asked++, order };
      this.#waiting.push({ question, transfer, patience, resolve, reject });
      if (this.#waiting.length === 1) this.#send();
    });
  }

  /** Ends the worker; what it has not answered stays without an answer. */
  close(): void {
    clearTimeout(this.#timer);
    this.#worker?.terminate();
    this.#worker = undefined;
    for (const { resolve } of this.#waiting.splice(0)) resolve(undefined);
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
