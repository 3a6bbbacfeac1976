/**
 * Which memory of a plan is in use when: read off the dispatches and the places of the values that they read and write.
 *
 * @module
 */

import { outputValue, type Placement, type Plan } from "../../plan/plan.ts";

/** A range of memory that holds one value, or one part of a joint value, for some dispatches. */
export interface ArenaLife {
  /** The value; of parts that several share, the largest. */
  readonly value: string;
  /** Values that share memory while they live (a joint tensor and its parts) have the same number. */
  readonly tensor: number;
  /** Pages of row memory or bytes of plain memory, from and up to. */
  readonly from: number;
  readonly to: number;
  /** First and last dispatch that reads or writes it; -1 is before the first, the number of dispatches behind the last. */
  readonly first: number;
  readonly last: number;
}

/** The two arenas of a plan. */
export interface ArenaLives {
  readonly rows: readonly ArenaLife[];
  readonly plain: readonly ArenaLife[];
}

/** What is read of a plan. */
export type ArenaPlan = Pick<Plan, "graph" | "steps" | "placements">;

type LayoutKind = Placement["layout"]["kind"];

interface Use {
  readonly value: string;
  readonly from: number;
  readonly to: number;
  first: number;
  last: number;
}

/** Where an output is when the run is over: in its converted form where there is one. */
function outputPlace(plan: ArenaPlan, output: string): string {
  const forms = (["plain", "blocked"] as const).map((kind) => outputValue(plan, output, kind));
  return forms.find((value) => value !== output && plan.placements.has(value)) ?? output;
}

/** Every value that a dispatch touches, with its place and its life. */
function usesOf(plan: ArenaPlan, kind: LayoutKind): Use[] {
  const uses = new Map<string, Use>();
  const touch = (value: string, step: number) => {
    const placement = plan.placements.get(value);
    if (placement?.layout.kind !== kind) return;
    const { offset, extent } = placement;
    const use = uses.get(value) ?? { value, from: offset, to: offset + extent, first: step, last: step };
    uses.set(value, { ...use, first: Math.min(use.first, step), last: Math.max(use.last, step) });
  };
  for (const { name } of plan.graph.inputs) touch(name, -1);
  plan.steps.forEach(({ kernel }, step) => {
    for (const binding of kernel.bindings) if ("value" in binding) touch(binding.value, step);
  });
  for (const output of plan.graph.outputs) touch(outputPlace(plan, output), plan.steps.length);
  return [...uses.values()];
}

/** Puts values together that overlap in memory and in time: nothing but a joint tensor and its parts may. */
function tensorsOf(uses: readonly Use[]): Use[][] {
  const tensors: Use[][] = [];
  for (const use of uses) {
    const meets = (other: Use) =>
      other.from < use.to && use.from < other.to && other.first <= use.last && use.first <= other.last;
    const joined = tensors.filter((members) => members.some(meets));
    for (const members of joined) tensors.splice(tensors.indexOf(members), 1);
    tensors.push([...joined.flat(), use]);
  }
  return tensors;
}

/** Cuts a joint tensor where its parts begin and end: each piece lives as long as the values that cover it. */
function piecesOf(members: readonly Use[], tensor: number): ArenaLife[] {
  const cuts = [...new Set(members.flatMap(({ from, to }) => [from, to]))].sort((a, b) => a - b);
  return cuts.slice(1).flatMap((to, i) => {
    const from = cuts[i];
    const covering = members.filter((one) => one.from <= from && one.to >= to);
    if (covering.length === 0) return [];
    const largest = covering.reduce((a, b) => b.to - b.from > a.to - a.from ? b : a);
    const first = Math.min(...covering.map((one) => one.first));
    const last = Math.max(...covering.map((one) => one.last));
    return [{ value: largest.value, tensor, from, to, first, last }];
  });
}

/** The lives of all values of a plan, by arena. */
export function arenaLives(plan: ArenaPlan): ArenaLives {
  const livesOf = (kind: LayoutKind) =>
    tensorsOf(usesOf(plan, kind)).flatMap((members, tensor) => piecesOf(members, tensor));
  return { rows: livesOf("blocked"), plain: livesOf("plain") };
}
