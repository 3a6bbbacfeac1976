/**
 * What a device says of the calls that are made of it. WebGPU reports errors later and to whoever asks; here each lot of calls asks for
 * its own, and every fault becomes one sentence.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import { adapterOf } from "./adapter.ts";

/** The result of some calls, and what the device says of them once it knows: nothing if it took them. */
export interface Watched<Result> {
  readonly result: Result;
  readonly fault: Promise<GPUError | undefined>;
}

const FILTERS = ["validation", "out-of-memory"] as const;

/**
 * Makes calls of a device and asks what it says of them. `work` must not wait for anything: error scopes are one stack a device, so calls
 * of others that come in between would be taken for its own.
 */
export function watch<Result>(device: GPUDevice, work: () => Result): Watched<Result> {
  for (const filter of FILTERS) device.pushErrorScope(filter);
  let answers: Promise<GPUError | null>[] = [];
  const ask = () => {
    // A lost device answers nothing.
    answers = FILTERS.map(() => device.popErrorScope().catch(() => null));
  };
  let result: Result;
  try {
    result = work();
  } finally {
    ask();
  }
  const [memory, validation] = answers;
  return { result, fault: memory.then(async (exhausted) => exhausted ?? await validation ?? undefined) };
}

const reasons = new WeakMap<GPUDevice, string>();
const followed = new WeakSet<GPUDevice>();

/** Remembers the reason when a device is lost. */
function follow(device: GPUDevice): void {
  if (followed.has(device)) return;
  followed.add(device);
  device.lost.then(({ reason, message }) => {
    reasons.set(device, reason === "destroyed" ? "it was destroyed" : message || "no reason given");
  });
}

/** Why a device was lost, if that is known by now. */
export function lossOf(device: GPUDevice): string | undefined {
  follow(device);
  return reasons.get(device);
}

/** Whether a device is lost. It waits for a turn of the event loop, since the loss may be known to the driver and reach us only then. */
export async function isLost(device: GPUDevice): Promise<boolean> {
  follow(device);
  await new Promise((resolve) => setTimeout(resolve));
  return lossOf(device) !== undefined;
}

/** The sentence for a lost device. */
export function lossError(reason: string, cause?: unknown): FeatherdetError {
  return new FeatherdetError(`the device was lost: ${reason}`, {}, { cause });
}

/**
 * The sentence for a fault of a device: its loss, where it was lost, whatever calls of a lost device say. `what` is what was asked of it, such
 * as "this frame".
 */
export async function deviceError(device: GPUDevice, what: string, fault: unknown): Promise<FeatherdetError> {
  if (await isLost(device)) return lossError(lossOf(device)!, fault);
  if (fault instanceof FeatherdetError) return fault;
  const { name } = adapterOf(device);
  const [message] = String((fault as Partial<Error> | undefined)?.message ?? fault).trim().split("\n");
  const exhausted = typeof GPUOutOfMemoryError !== "undefined" && fault instanceof GPUOutOfMemoryError;
  const verb = exhausted ? "has no memory for" : "refuses";
  return new FeatherdetError(`the adapter "${name}" ${verb} ${what}: ${message || "no reason given"}`, {}, {
    cause: fault,
  });
}

/** As `watch`, and waits for the answer. Throws FeatherdetError if the device refuses one of the calls. */
export async function settled<Result>(device: GPUDevice, what: string, work: () => Result): Promise<Result> {
  const { result, fault } = watch(device, work);
  const error = await fault;
  if (error !== undefined) throw await deviceError(device, what, error);
  return result;
}
