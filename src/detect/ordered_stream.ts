/**
 * Keeps work on the elements of a source in flight: results come in order and as soon as they are there, those that are finished before
 * an error comes, and a source that waits for its next element holds nothing back.
 *
 * @module
 */

import { unlessAborted } from "../graph/abort.ts";

/** How a stream runs. */
export interface OrderedStreamOptions {
  /** Elements that are begun before the result of the first is taken. */
  readonly inFlight: number;
  /** Ends the stream with its reason; what is in flight is not waited for. */
  readonly signal?: AbortSignal;
}

type Step<Result> =
  | { readonly kind: "begun"; readonly pending: Promise<Result> }
  | { readonly kind: "ended" }
  | { readonly kind: "failed"; readonly error: unknown };

function iteratorOf<T>(source: Iterable<T> | AsyncIterable<T>): AsyncIterator<T> | Iterator<T> {
  return Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
}

/**
 * Begins `begin` on each element in turn, and yields the results in the order of the elements. `begin` gives a promise of the result in an
 * array, once the element is on its way and the next may follow.
 *
 * An error of the source or of `begin` is thrown behind the results of all elements before; one of a result at its turn. The source is
 * closed at the end in any case; one that still waits for an element is told, and not waited for.
 */
export async function* orderedStream<Element, Result>(
  source: Iterable<Element> | AsyncIterable<Element>,
  begin: (element: Element, index: number) => Promise<readonly [Promise<Result>]>,
  { inFlight, signal }: OrderedStreamOptions,
): AsyncGenerator<Result> {
  signal?.throwIfAborted();
  const iterator = iteratorOf(source);
  const waiting: Promise<Result>[] = [];
  let index = 0, beginning: Promise<Step<Result>> | undefined, end: Step<Result> | undefined;
  let isPulling = false, hasSourceEnded = false;
  const step = async (): Promise<Step<Result>> => {
    try {
      isPulling = true;
      const next = await iterator.next();
      isPulling = false;
      if (next.done) {
        hasSourceEnded = true;
        return { kind: "ended" };
      }
      const [pending] = await begin(await next.value, index++);
      // A failure is reported where its result is awaited, also when that comes late.
      pending.catch(() => {});
      return { kind: "begun", pending };
    } catch (error) {
      // A source that threw is closed by that.
      hasSourceEnded = isPulling;
      isPulling = false;
      return { kind: "failed", error };
    }
  };
  try {
    while (end === undefined || waiting.length > 0) {
      if (end === undefined && waiting.length < inFlight) beginning ??= step();
      const first = waiting[0]?.then(() => "first" as const, () => "first" as const);
      const next = beginning?.then((begun) => begun);
      // Where both are there, the next is taken, so that the device has work while somebody looks at the result.
      const candidates = [next, first].filter((one) => one !== undefined);
      const came = await unlessAborted(Promise.race<Step<Result> | "first">(candidates), signal);
      if (came === "first") {
        yield await waiting.shift()!;
        signal?.throwIfAborted();
        continue;
      }
      beginning = undefined;
      if (came.kind === "begun") waiting.push(came.pending);
      else end = came;
    }
    if (end.kind === "failed") throw end.error;
  } finally {
    if (!hasSourceEnded) {
      const closed = Promise.resolve(iterator.return?.()).catch(() => {});
      if (!isPulling) await closed;
    }
  }
}
