/**
 * A time limit for work that may hang. It counts only while the program runs: a machine that slept, or a process that was stopped and goes
 * on, is no reason to give up what had no time.
 *
 * @module
 */

/** Where the time comes from. */
export interface Clock {
  /** Milliseconds from any moment on. */
  now(): number;
  /** Calls something once after so many milliseconds. */
  start(run: () => void, milliseconds: number): unknown;
  /** Does not call it any more. */
  stop(timer: unknown): void;
}

const SYSTEM: Clock = {
  now: () => performance.now(),
  start: (run, milliseconds) => setTimeout(run, milliseconds),
  stop: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};

/** Milliseconds between two looks at the time, and the most that may count between them. */
const LOOK = 1000, MOST = 2 * LOOK;

/**
 * Calls `end` once so many milliseconds have passed in which the program ran; of a standstill at most two seconds count. Returns what calls
 * it off. `Infinity` never ends.
 */
export function startPatience(milliseconds: number, end: () => void, clock: Clock = SYSTEM): () => void {
  let left = milliseconds, last = clock.now(), timer: unknown;
  const wait = () => timer = clock.start(look, Math.min(left, LOOK));
  const look = () => {
    const now = clock.now();
    left -= Math.min(now - last, MOST);
    last = now;
    left > 0 ? wait() : end();
  };
  if (milliseconds < Infinity) wait();
  return () => {
    if (timer !== undefined) clock.stop(timer);
  };
}
