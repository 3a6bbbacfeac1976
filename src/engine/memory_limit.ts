/**
 * Ways to run something within a limit of device memory: they are tried in order of preference, by the bytes that their plans need and then
 * by what the adapter really gives.
 *
 * @module
 */

import { FeatherdetError } from "../graph/mod.ts";

/** One way to run something. */
export interface MemoryChoice<Plan> {
  /** What is chosen, for sentences, such as "f16, 2 images at once". */
  readonly text: string;
  /** Plans it. Throws FeatherdetError where the adapter's limits do not allow it. */
  readonly plan: () => PlannedChoice<Plan>;
}

/** A way that was planned. */
export interface PlannedChoice<Plan> {
  /** All bytes on the device, at most. */
  readonly bytes: number;
  readonly plan: Plan;
}

/** The way that was taken. */
export interface TakenChoice<Plan, Made> extends PlannedChoice<Plan> {
  readonly text: string;
  readonly made: Made;
}

/** What is told of a way that was passed over. */
export interface PassedOver {
  readonly text: string;
  /** Undefined where it could not be planned. */
  readonly bytes?: number;
  readonly reason: string;
}

/** Bytes as people read them. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0)} MB`;
}

/** Throws FeatherdetError for a limit that is none. */
export function checkMemoryLimit(limit: number | undefined): void {
  if (limit === undefined || limit > 0) return;
  throw new FeatherdetError(`memoryLimit is ${limit}, it must be a number of bytes, above 0`);
}

/** Whether an error says that the device has no memory. */
export function isExhausted(error: unknown): boolean {
  if (typeof GPUOutOfMemoryError === "undefined") return false;
  for (let one = error; one instanceof Error; one = one.cause) {
    if (one.cause instanceof GPUOutOfMemoryError) return true;
  }
  return false;
}

/** Batches from the wanted one down, halved each time. */
export function halvedBatches(batch: number): number[] {
  const sizes = [batch];
  for (let size = batch; size > 1;) sizes.push(size = Math.ceil(size / 2));
  return sizes;
}

/** The first way whose plan needs no more than the limit, and what was passed over before it. `what` is what needs the memory. */
export function chooseWithin<Plan>(
  choices: readonly MemoryChoice<Plan>[],
  limit: number,
  what: string,
  file: string,
): PlannedChoice<Plan> & { readonly text: string; readonly passed: readonly PassedOver[] } {
  const passed: PassedOver[] = [];
  for (const { text, plan } of choices) {
    try {
      const planned = plan();
      if (planned.bytes <= limit) return { ...planned, text, passed };
      passed.push({ text, bytes: planned.bytes, reason: `needs ${megabytes(planned.bytes)}` });
    } catch (error) {
      if (!(error instanceof FeatherdetError)) throw error;
      passed.push({ text, reason: error.detail });
    }
  }
  throw refusal(passed, limit, what, file);
}

/** The sentence for what fits in no way. */
function refusal(passed: readonly PassedOver[], limit: number, what: string, file: string): FeatherdetError {
  const planned = passed.filter((one) => one.bytes !== undefined);
  if (planned.length === 0) return new FeatherdetError(passed.at(-1)?.reason ?? `${what} cannot be run`, { file });
  const least = planned.reduce((a, b) => b.bytes! < a.bytes! ? b : a);
  return new FeatherdetError(
    `${what} needs ${megabytes(least.bytes!)} of device memory at least (${least.text}), the limit is ${
      megabytes(limit)
    }`,
    { file },
  );
}

/**
 * Makes something in the first way that fits into the limit and for which the adapter has memory. Throws FeatherdetError that names the
 * least that is needed where no way fits, and what `make` throws for other reasons.
 */
export async function makeWithin<Plan, Made>(
  choices: readonly MemoryChoice<Plan>[],
  limit: number,
  what: string,
  file: string,
  make: (plan: Plan) => Promise<Made>,
): Promise<TakenChoice<Plan, Made>> {
  let open = choices, refused: unknown;
  while (open.length > 0) {
    let chosen;
    try {
      chosen = chooseWithin(open, limit, what, file);
    } catch (error) {
      throw refused ?? error;
    }
    const { text, bytes, plan } = chosen;
    try {
      return { text, bytes, plan, made: await make(plan) };
    } catch (error) {
      if (!isExhausted(error)) throw error;
      refused = error;
    }
    open = open.slice(open.findIndex((choice) => choice.text === text) + 1);
  }
  throw refused;
}
