/** Time limits: what counts, and what calls them off. */

import { assertEquals } from "@std/assert";
import { type Clock, startPatience } from "../../src/image/patience.ts";

/** A clock that is set by hand. */
class HandClock implements Clock {
  #now = 0;
  #timers = new Map<number, { readonly at: number; readonly run: () => void }>();
  #started = 0;

  now(): number {
    return this.#now;
  }

  start(run: () => void, milliseconds: number): number {
    this.#timers.set(++this.#started, { at: this.#now + milliseconds, run });
    return this.#started;
  }

  stop(timer: unknown): void {
    this.#timers.delete(timer as number);
  }

  /** The program runs: timers go off when it is their time. */
  run(milliseconds: number): void {
    const until = this.#now + milliseconds;
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= until).sort(([, a], [, b]) => a.at - b.at)[0];
      if (!due) break;
      const [timer, { at, run }] = due;
      this.#timers.delete(timer);
      this.#now = Math.max(this.#now, at);
      run();
    }
    this.#now = until;
  }

  /** The program stands still: the time goes on, and timers that are late go off when it runs again. */
  stand(milliseconds: number): void {
    this.#now += milliseconds;
  }

  get waiting(): number {
    return this.#timers.size;
  }
}

Deno.test("a limit ends after so much time in which the program ran, and no sooner", () => {
  for (const limit of [1, 300, 1000, 2500.5, 120_000, 2 ** 33]) {
    const clock = new HandClock();
    let ended = 0;
    startPatience(limit, () => ended++, clock);
    // Long limits are looked at every second: the last one of them is enough.
    if (limit < 1e6) {
      clock.run(limit - 0.5);
      assertEquals(ended, 0, `${limit}`);
      clock.run(0.5);
      assertEquals([ended, clock.waiting], [1, 0], `${limit}`);
    } else {
      clock.run(5000);
      assertEquals([ended, clock.waiting], [0, 1]);
    }
  }
});

Deno.test("a standstill of hours counts for two seconds, however often there is one", () => {
  const clock = new HandClock();
  let ended = 0;
  startPatience(10_000, () => ended++, clock);
  clock.run(2500);
  clock.stand(8 * 3600_000);
  clock.run(0);
  assertEquals(ended, 0);
  clock.run(2000);
  clock.stand(3600_000);
  // Of 10 s the first 2 counted, then 2 for the standstill and what ran since the look before it, then 2, and 2 again.
  clock.run(1900);
  assertEquals(ended, 0);
  clock.run(100);
  assertEquals([ended, clock.waiting], [1, 0]);
});

Deno.test("what was called off does not end, and without a limit nothing waits", () => {
  const clock = new HandClock();
  let ended = 0;
  const callOff = startPatience(1500, () => ended++, clock);
  clock.run(1200);
  callOff();
  clock.run(1e6);
  startPatience(Infinity, () => ended++, clock)();
  assertEquals([ended, clock.waiting], [0, 0]);
});
