/**
 * Questions to a worker and its answers. A worker only saves time: if there is none, or it fails, the answer is `undefined`, and the
 * caller does the work itself, which also gives the best error message. Work that may hang is asked for with a time limit.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import type { Thread } from "./idle_thread.ts";
import { startPatience } from "./patience.ts";

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

/** How something is asked. */
export interface AskOptions {
  /** What is gone here when it is asked. */
  readonly transfer?: Transferable[];
  /** Milliseconds that the worker may take for it, from when it gets to it. Default: as long as it takes. */
  readonly patience?: number;
  /** Ends it with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What waits for its turn or for the worker's answer. */
interface Waiting<Order, Answer> {
  readonly question: Question<Order>;
  readonly transfer: Transferable[];
  readonly patience: number;
  resolve(answer: Answer | undefined): void;
  reject(error: unknown): void;
}

/** What is said of work that takes too long. */
export function tooLong(patience: number): FeatherdetError {
  return new FeatherdetError(`takes longer than ${patience / 1000} s and was given up`);
}

/** A worker and what is expected of it. It gets a question when it has answered the one before. */
export class SideWorker<Order, Answer> {
  readonly #start: () => Thread;
  readonly #waiting: Waiting<Order, Answer>[] = [];
  #worker: Thread | undefined;
  #callOff: () => void = () => {};
  #asked = 0;
  #hasAnswered = false;

  /** `start` makes the worker, and another one where it had to be ended; that it throws counts as one that does not work. */
  constructor(start: () => Thread) {
    this.#start = start;
    this.#begin();
  }

  #begin(): void {
    this.#hasAnswered = false;
    let worker: Thread;
    try {
      worker = this.#worker = this.#start();
    } catch {
      // No workers here, or none from there.
      this.#worker = undefined;
      return;
    }
    worker.keepAlive?.(false);
    worker.addEventListener("message", (event) => {
      const { data } = event as MessageEvent<Reply<Answer>>;
      if (worker !== this.#worker || this.#waiting[0]?.question.id !== data.id) return;
      this.#hasAnswered = true;
      this.#waiting.shift()!.resolve(data.answer);
      this.#send();
    });
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      if (worker === this.#worker) this.#replace();
    });
  }

  /** Goes on with another worker where this one has died; without any where it has never answered, as the next would not either. */
  #replace(): void {
    if (!this.#hasAnswered) return this.close();
    this.#waiting.shift()?.resolve(undefined);
    this.#restart();
  }

  /** Sends the first that waits. */
  #send(): void {
    this.#callOff();
    const [first] = this.#waiting;
    this.#worker!.keepAlive?.(first !== undefined);
    if (first === undefined) return;
    const { patience } = first;
    this.#callOff = startPatience(patience, () => this.#giveUp(tooLong(patience)));
    try {
      this.#worker!.postMessage(first.question, first.transfer);
    } catch {
      // It cannot be sent: whoever asks does it.
      this.#waiting.shift()!.resolve(undefined);
      this.#send();
    }
  }

  /** Ends the worker, whose answer nobody waits for any more. */
  #giveUp(reason: unknown): void {
    this.#waiting.shift()!.reject(reason);
    this.#restart();
  }

  /** Another worker goes on with what waits. */
  #restart(): void {
    this.#callOff();
    this.#worker!.terminate();
    this.#begin();
    if (this.#worker) this.#send();
    else this.close();
  }

  /** Takes back what was asked. */
  #takeBack(id: number, reason: unknown): void {
    const at = this.#waiting.findIndex(({ question }) => question.id === id);
    if (at === 0) this.#giveUp(reason);
    else if (at > 0) this.#waiting.splice(at, 1)[0].reject(reason);
  }

  /** Questions that are not answered yet. */
  get pending(): number {
    return this.#waiting.length;
  }

  /**
   * Undefined where the worker does not work. With `patience` it rejects with a `FeatherdetError` where the worker takes longer for it:
   * then it must not be done here, where nothing could end it.
   */
  async ask(
    order: Order,
    { transfer = [], patience = Infinity, signal }: AskOptions = {},
  ): Promise<Answer | undefined> {
    signal?.throwIfAborted();
    if (!this.#worker) return undefined;
    const id = this.#asked++;
    const takeBack = () => this.#takeBack(id, signal!.reason);
    signal?.addEventListener("abort", takeBack);
    try {
      return await new Promise((resolve, reject) => {
        this.#waiting.push({ question: { id, order }, transfer, patience, resolve, reject });
        if (this.#waiting.length === 1) this.#send();
      });
    } finally {
      signal?.removeEventListener("abort", takeBack);
    }
  }

  /** Ends the worker; what it has not answered stays without an answer. */
  close(): void {
    this.#callOff();
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
