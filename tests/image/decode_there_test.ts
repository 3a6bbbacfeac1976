/** Pictures that a worker decodes: the same as decoded here, refused by name, given up where decoding never ends or nobody waits for it. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { syntheticPicture } from "../../src/data/synthetic.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { decodeImage, type DecodeOptions } from "../../src/image/codec/decode.ts";
import { type DecodeAnswer, type DecodeRequest, decodeThere } from "../../src/image/codec/decode_there.ts";
import { encodePng } from "../../src/image/codec/encode.ts";
import { inTime } from "../../src/image/codec/in_time.ts";
import type { Thread } from "../../src/image/idle_thread.ts";
import { SideWorker } from "../../src/image/side_worker.ts";

const { image } = syntheticPicture({ seed: 3, width: 48, height: 33, objects: 1 });
const WHOLE = await encodePng(image), DAMAGED = WHOLE.slice();
DAMAGED[DAMAGED.length - 13] ^= 1;
const FILES = { "whole.png": WHOLE, "damaged.png": DAMAGED, "cut.png": WHOLE.subarray(0, WHOLE.length >> 1) };

/** What comes of it: pixels or the error, and the warnings. */
async function outcome(bytes: Uint8Array, file: string, options: DecodeOptions) {
  const said: string[] = [];
  try {
    const { data } = await decodeImage(bytes, file, { ...options, onWarning: (text) => void said.push(text) });
    return { data, said };
  } catch (error) {
    assert(error instanceof FeatherdetError);
    return { message: error.message, cause: error.cause instanceof Error ? error.cause.message : undefined, said };
  }
}

Deno.test("pictures come from a worker as from here, damage and limits with the file's name", async () => {
  const limits = [{}, { strict: true }, { maxPixels: 48 * 33 - 1 }, { maxPixels: 48 * 33 }];
  for (const [file, bytes] of Object.entries(FILES)) {
    const before = bytes.slice();
    for (const options of limits) {
      const here = await outcome(bytes, file, options);
      assertEquals(
        await outcome(bytes, file, { ...options, timeout: 600_000 }),
        here,
        `${file} ${Object.keys(options)}`,
      );
      assertEquals(bytes, before);
    }
  }
  assertEquals(await decodeImage(WHOLE, "whole.png", { timeout: 600_000 }), image);
  assertEquals((await outcome(DAMAGED, "damaged.png", { timeout: 600_000 })).said, [
    "damaged.png: damaged PNG: the checksum of IDAT is wrong",
  ]);
});

/** A worker whose first start hangs on everything; those that are started in its place answer with what they were told of the limit. */
function hangingOnce() {
  const codes = ["while (true);"];
  let started = 0;
  const worker = new SideWorker<DecodeRequest, DecodeAnswer>(() => {
    started++;
    const code = codes.shift() ?? "postMessage({ id: data.id, answer: { image: data.order.maxPixels } });";
    const module = `globalThis.onmessage = ({ data }) => { ${code} };`;
    return new Worker(`data:text/javascript,${encodeURIComponent(module)}`, { type: "module" });
  });
  return { worker, started: () => started, [Symbol.dispose]: () => worker.close() };
}

const onWarning = () => {};

Deno.test("a picture whose decoding never ends is given up by its name, and the next one is read", async () => {
  using hangs = hangingOnce();
  const how = { onWarning, maxPixels: 7_000 };
  const { message } = await assertRejects(
    () => decodeThere(WHOLE, "whole.png", { ...how, timeout: 50 }, hangs.worker),
    FeatherdetError,
  );
  assertEquals(message, "whole.png: takes longer than 0.05 s and was given up");
  // What it is told of the limit comes back.
  const next = await decodeThere(WHOLE, "whole.png", { ...how, timeout: 600_000 }, hangs.worker) as unknown;
  assertEquals([next, hangs.started()], [7_000, 2]);
});

Deno.test("a signal ends decoding that hangs and what waits behind it, and others go on", async () => {
  using hangs = hangingOnce();
  const how = { onWarning, maxPixels: 7_000, timeout: 600_000 };
  const first = new AbortController(), second = new AbortController();
  const hanging = decodeThere(WHOLE, "a.png", { ...how, signal: first.signal }, hangs.worker);
  const waiting = decodeThere(WHOLE, "b.png", { ...how, signal: second.signal }, hangs.worker);
  const next = decodeThere(WHOLE, "c.png", how, hangs.worker);
  second.abort(new Error("not that one"));
  await assertRejects(() => waiting, Error, "not that one");
  assertEquals([hangs.worker.pending, hangs.started()], [2, 1]);
  first.abort(new Error("enough"));
  await assertRejects(() => hanging, Error, "enough");
  assertEquals([await next as unknown, hangs.started()], [7_000, 2]);
  await assertRejects(() => decodeImage(WHOLE, "a.png", { signal: first.signal }), Error, "enough");
});

Deno.test("what a browser decodes beside the page is waited for as long as it may take", async () => {
  const never = new Promise<never>(() => {});
  const { message } = await assertRejects(() => inTime(never, { file: "a.png", timeout: 20 }), FeatherdetError);
  assertEquals(message, "a.png: takes longer than 0.02 s and was given up");
  const signal = AbortSignal.abort(new Error("enough"));
  await assertRejects(() => inTime(never, { timeout: 600_000, signal }), Error, "enough");
  // Longer than timers go.
  for (const timeout of [600_000, 1e12]) assertEquals(await inTime(Promise.resolve(7), { timeout }), 7);
});

/** A worker that answers `right`, dies of `fatal`, and cannot be asked for `odd`. */
class Mortal extends EventTarget implements Thread {
  alive: boolean | undefined;

  postMessage({ id, order }: { readonly id: number; readonly order: string }): void {
    if (order === "odd") throw new DOMException("it cannot be cloned", "DataCloneError");
    const event = order === "fatal"
      ? new ErrorEvent("error", { message: "the worker died", cancelable: true })
      : new MessageEvent("message", { data: { id, answer: order } });
    queueMicrotask(() => this.dispatchEvent(event));
  }

  terminate(): void {}

  keepAlive(keeps: boolean): void {
    this.alive = keeps;
  }
}

Deno.test("a worker that dies is replaced if it has ever answered; one that is idle keeps nothing alive", async () => {
  const started: Mortal[] = [];
  const worker = new SideWorker<string, string>(() => {
    started.push(new Mortal());
    return started.at(-1)!;
  });
  assertEquals(started[0].alive, false);
  const first = ["right", "odd", "fatal", "right"].map((order) => worker.ask(order));
  assertEquals(started[0].alive, true);
  assertEquals(await Promise.all(first), ["right", undefined, undefined, "right"]);
  assertEquals(started.map(({ alive }) => alive), [true, false]);
  // What the dead one says is not heard.
  started[0].dispatchEvent(new ErrorEvent("error", { cancelable: true }));
  assertEquals(await Promise.all(["fatal", "fatal", "right"].map((order) => worker.ask(order))), [
    ...[undefined, undefined, undefined],
  ]);
  assertEquals([started.length, await worker.ask("right")], [3, undefined]);
});

Deno.test("a process ends by itself although its worker is there", async () => {
  const decode = import.meta.resolve("../../src/image/codec/decode.ts");
  const encode = import.meta.resolve("../../src/image/codec/encode.ts");
  const code = `import { decodeImage } from ${JSON.stringify(decode)};
    import { encodePng } from ${JSON.stringify(encode)};
    const file = await encodePng({ width: 2, height: 1, data: new Uint8Array(6).fill(9) });
    for (let i = 0; i < 2; i++) console.log((await decodeImage(file, "a.png", { timeout: 600_000 })).data.join());`;
  const { code: status, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-lock", "--ext=ts", code],
    ...{ stdin: "null", stdout: "piped", stderr: "inherit" },
  }).output();
  assertEquals([status, new TextDecoder().decode(stdout)], [0, "9,9,9,9,9,9\n9,9,9,9,9,9\n"]);
});
