/**
 * In which order candidates are made, what is left out, and how long it takes.
 *
 * @module
 */

import { type Candidate, chainOf, secondsOf } from "./candidates.ts";
import type { Prepared } from "./prepare.ts";
import type { CompressState } from "./state.ts";

/** What becomes of a candidate. */
export interface PlannedCandidate extends Pick<Candidate, "id" | "title" | "size" | "precision" | "expected"> {
  readonly action: "make" | "made" | "skip";
  /** Why it is left out. */
  readonly why?: string;
  /** Seconds that it will take, with what it is made from as far as that is not made. */
  readonly seconds: number;
}

/** What decides over what is left out. */
export interface PlanOptions {
  /** Makes every candidate, whatever meets the targets. */
  readonly all?: boolean;
  /** Hours that all calls together may take: what would take longer is not begun. */
  readonly hours?: number;
}

/** Candidates in the order in which they are made: what takes least first, with what each is made from. */
export function planCandidates(
  { candidates }: Prepared,
  state: CompressState,
  { pace, basis }: { readonly pace: number; readonly basis: number },
  { all, hours }: PlanOptions,
  spent: number,
): PlannedCandidate[] {
  const made = new Set(Object.keys(state.models));
  const rows = candidates.map(({ id, title, size, precision, expected, outOfReach }): PlannedCandidate => {
    const seconds = secondsOf(candidates, id, made, pace), row = { id, title, size, precision, expected, seconds };
    if (made.has(id)) return { ...row, action: "made" };
    if (!all && outOfReach.length > 0) {
      return { ...row, action: "skip", why: `it cannot meet ${outOfReach.join(" and ")}` };
    }
    if (hours !== undefined && spent + seconds > 3600 * hours) {
      return { ...row, action: "skip", why: `it takes longer than what is left of ${hours} hours` };
    }
    return { ...row, action: "make" };
  });
  // By the first pace: the order must not follow from how fast this machine was.
  const order = new Map(candidates.map(({ id }) => [id, secondsOf(candidates, id, made, basis)]));
  return rows.sort((a, b) => order.get(a.id)! - order.get(b.id)!);
}

/** Seconds until the last candidate is made, where none meets the targets before: each made once. */
export function remainingOf(
  { candidates }: Prepared,
  plan: readonly PlannedCandidate[],
  state: CompressState,
  pace: number,
): number {
  const made = new Set(Object.keys(state.models));
  const chains = plan.filter(({ action }) => action === "make").flatMap(({ id }) => chainOf(candidates, id));
  return [...new Set(chains)].filter(({ id }) => !made.has(id)).reduce((sum, one) => sum + one.seconds(pace), 0);
}
