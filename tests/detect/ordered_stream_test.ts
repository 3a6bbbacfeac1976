/** Streams: results in order and at once, those before an error first, sources closed, signals heard. */

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { orderedStream, type OrderedStreamOptions } from "../../src/detect/ordered_stream.ts";
import { checkedImage, checkInputSize } from "../../src/detect/checks.ts";
import { FeatherdetError } from "../../src/graph/mod.ts";

const THREE: OrderedStreamOptions = { inFlight: 3 };

/** A source that is fed by hand. */
class Live implements AsyncIterableIterator<number> {
  readonly #asked: ((result: IteratorResult<number>) => void)[] = [];
  readonly #given: IteratorResult<number>[] = [];
  closed = 0;

  give(value: number): void {
    const result = { value, done: false } as const;
    const asker = this.#asked.shift();
    if (asker) asker(result);
    else this.#given.push(result);
  }

  next(): Promise<IteratorResult<number>> {
    const given = this.#given.shift();
    return given ? Promise.resolve(given) : new Promise((resolve) => this.#asked.push(resolve));
  }

  return(): Promise<IteratorResult<number>> {
    this.closed++;
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** Begins at once; the result is ten times the element. */
const tenfold = (element: number) => Promise.resolve([Promise.resolve(10 * element)] as const);

/** The same, behind errors that come at once. */
const tenfoldLate = (element: number) =>
  Promise.resolve([new Promise<number>((resolve) => setTimeout(() => resolve(10 * element)))] as const);

async function collect<T>(stream: AsyncIterable<T>): Promise<{ found: T[]; error?: string }> {
  const found: T[] = [];
  try {
    for await (const one of stream) found.push(one);
  } catch (error) {
    return { found, error: (error as Error).message };
  }
  return { found };
}

Deno.test("results come in order, with as many elements in flight as asked for", async () => {
  const ended: ((result: string) => void)[] = [];
  const begun: number[] = [];
  const stream = orderedStream([1, 2, 3, 4, 5], (element) => {
    begun.push(element);
    return Promise.resolve([new Promise<string>((resolve) => ended.push(resolve))]);
  }, THREE);
  const first = stream.next();
  while (ended.length < 3) await Promise.resolve();
  // The later ones are there first.
  ended[2]("c");
  ended[1]("b");
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  assertEquals(begun, [1, 2, 3]);
  ended[0]("a");
  assertEquals((await first).value, "a");
  assertEquals([(await stream.next()).value, (await stream.next()).value], ["b", "c"]);
  await stream.return(undefined);
});

Deno.test("what is finished before an error comes before it, wherever the error is", async () => {
  function* broken() {
    yield 1;
    yield 2;
    throw new Error("the source broke");
  }
  assertEquals(await collect(orderedStream(broken(), tenfoldLate, THREE)), {
    found: [10, 20],
    error: "the source broke",
  });
  const begin = (element: number) => element === 3 ? Promise.reject(new Error("three")) : tenfoldLate(element);
  assertEquals(await collect(orderedStream([1, 2, 3, 4], begin, THREE)), { found: [10, 20], error: "three" });
  const late = (element: number) =>
    Promise.resolve([element === 2 ? Promise.reject(new Error("two")) : Promise.resolve(element)] as const);
  assertEquals(await collect(orderedStream([1, 2, 3, 4], late, THREE)), { found: [1], error: "two" });
});

Deno.test("a live source that waits holds no result back, and is not waited for at the end", async () => {
  const source = new Live();
  const stream = orderedStream(source, tenfold, THREE);
  source.give(1);
  assertEquals((await stream.next()).value, 10);
  source.give(2);
  source.give(3);
  assertEquals([(await stream.next()).value, (await stream.next()).value], [20, 30]);
  const waiting = stream.next();
  source.give(4);
  assertEquals((await waiting).value, 40);
  await stream.return(undefined);
  assertEquals(source.closed, 1);
});

Deno.test("a signal ends a stream whose source never gives again, and one between two results", async () => {
  const source = new Live(), abort = new AbortController();
  const stream = orderedStream(source, tenfold, { ...THREE, signal: abort.signal });
  source.give(1);
  assertEquals((await stream.next()).value, 10);
  const waiting = collect(stream);
  abort.abort(new Error("enough"));
  assertEquals(await waiting, { found: [], error: "enough" });
  assertEquals(source.closed, 1);
  const found: number[] = [], other = new AbortController();
  await assertRejects(
    async () => {
      for await (const one of orderedStream([1, 2, 3], tenfold, { ...THREE, signal: other.signal })) {
        found.push(one);
        other.abort(new Error("stop"));
      }
    },
    Error,
    "stop",
  );
  assertEquals(found, [10]);
});

Deno.test("whoever leaves a stream closes its source", async () => {
  let closed = 0;
  function* counting() {
    try {
      for (let element = 0;; element++) yield element;
    } finally {
      closed++;
    }
  }
  for await (const one of orderedStream(counting(), tenfold, THREE)) if (one === 30) break;
  assertEquals(closed, 1);
});

Deno.test("pictures of floats and sizes that are none are refused at once", () => {
  const image = { width: 2, height: 1, data: new Float32Array(6).fill(0.5) as unknown as Uint8Array };
  const error = assertThrows(() => checkedImage(image, "picture 3"), FeatherdetError);
  assertEquals(
    error.message,
    "picture 3: a picture's levels are bytes in 0..255, given was a Float32Array: " +
      "levels in 0..1 times 255, rounded, in a Uint8Array are such",
  );
  const plain = { ...image, data: [0, 0.1, 0.2, 0.3, 0.4, 0.5] as unknown as Uint8Array };
  assertThrows(() => checkedImage(plain), FeatherdetError, "bytes in 0..255, given was a Array");
  for (const size of [NaN, 0, -32, 1.5, Infinity, 1e9, [640, NaN], [1, 2 ** 30]] as const) {
    assertThrows(() => checkInputSize(size as number), FeatherdetError, "inputSize is");
  }
  checkInputSize([32, 8192]);
});
