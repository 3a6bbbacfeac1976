/** Waiting that a signal ends. */

import { assertEquals, assertRejects } from "@std/assert";
import { unlessAborted } from "../../src/graph/abort.ts";

Deno.test("a signal ends the waiting for what never comes, whether it is given before or meanwhile", async () => {
  const never = new Promise<number>(() => {});
  const before = AbortSignal.abort(new Error("before"));
  await assertRejects(() => unlessAborted(never, before), Error, "before");
  const abort = new AbortController();
  const waiting = unlessAborted(never, abort.signal);
  abort.abort(new Error("meanwhile"));
  await assertRejects(() => waiting, Error, "meanwhile");
});

Deno.test("what comes is passed on, with and without a signal, and leaves no listener", async () => {
  const { signal } = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...given: Parameters<typeof addEventListener>) => {
    listeners++;
    addEventListener.apply(signal, given);
  };
  signal.removeEventListener = (...given: Parameters<typeof removeEventListener>) => {
    listeners--;
    removeEventListener.apply(signal, given);
  };
  assertEquals([await unlessAborted(Promise.resolve(3), signal), await unlessAborted(Promise.resolve(4), undefined)], [
    3,
    4,
  ]);
  await assertRejects(() => unlessAborted(Promise.reject(new Error("its own")), signal), Error, "its own");
  await Promise.resolve();
  assertEquals(listeners, 0);
});
