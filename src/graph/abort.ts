/**
 * Waiting that an AbortSignal ends.
 *
 * @module
 */

/**
 * Settles as the promise does, or rejects with the signal's reason when that comes first; leaves nothing behind on the signal. What the
 * promise stands for goes on.
 */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
