/**
 * Finds when each part of a plan's memory holds a value that is still needed, by following the reads and writes of every dispatch.
 *
 * @module
 */

import { valuesOf } from "../../kernels/kernel.ts";
import { outputValue, type Placement, type Plan } from "../../plan/plan.ts";

/** A range of memory that holds a value from the dispatch that writes it to the last that reads it. */
export interface ArenaLife {
  /** The value as its writer names it; a joint tensor has a life for each of its parts. */
  readonly value: string;
  /** Pages of row memory, or bytes of the arena of plain values. */
  readonly from: number;
  /** The first one behind. */
  readonly to: number;
  /** Number of the dispatch that writes it; -1 for inputs. */
  readonly first: number;
  /** Number of the last dispatch that reads it; the number of dispatches for outputs. */
  readonly last: number;
}

/** The arenas of a plan: row memory of floats and of int8, in pages, and plain values, in bytes. */
export type ArenaName = "floats" | "int8" | "plain";

/** What is read of a plan. */
export type ArenaPlan = Pick<Plan, "graph" | "dispatches" | "placements">;

/** The arena that a value lies in. */
function arenaOf({ layout }: Placement): ArenaName {
  return layout.kind === "plain" ? "plain" : layout.int8 === undefined ? "floats" : "int8";
}

/** Values begin at multiples of this: pages are not divided, plain values are aligned as WebGPU asks. */
const UNIT: Readonly<Record<ArenaName, number>> = { floats: 1, int8: 1, plain: 256 };

/** Where an output is when the run is over: in its converted form where there is one. */
function outputPlace(plan: ArenaPlan, output: string): string {
  const forms = (["plain", "blocked"] as const).map((kind) => outputValue(plan, output, kind));
  return forms.find((value) => value !== output && plan.placements.has(value)) ?? output;
}

/** What a unit of memory holds. */
interface Content {
  readonly value: string;
  readonly first: number;
  last: number;
}

/** The history of every unit of an arena. */
function histories(plan: ArenaPlan, arena: ArenaName): readonly Content[][] {
  const units: Content[][] = [];
  const touch = (value: string, visit: (history: Content[]) => void) => {
    const placement = plan.placements.get(value);
    if (placement === undefined || arenaOf(placement) !== arena) return;
    const [from, to] = [placement.offset, placement.offset + placement.extent].map((at) => Math.ceil(at / UNIT[arena]));
    for (let unit = from; unit < to; unit++) visit(units[unit] ??= []);
  };
  const read = (value: string, step: number) =>
    touch(value, (history) => {
      if (history.length > 0) history.at(-1)!.last = step;
    });
  const write = (value: string, step: number) =>
    touch(value, (history) => {
      // Several dispatches may write a value together.
      if (history.at(-1)?.value === value) history.at(-1)!.last = step;
      else history.push({ value, first: step, last: step });
    });
  for (const { name } of plan.graph.inputs) write(name, -1);
  plan.dispatches.forEach(({ kernel: { bindings } }, step) => {
    for (const value of bindings.flatMap((binding) => valuesOf(binding, "read"))) read(value, step);
    for (const value of bindings.flatMap((binding) => valuesOf(binding, "write"))) write(value, step);
  });
  for (const output of plan.graph.outputs) read(outputPlace(plan, output), plan.dispatches.length);
  return Array.from(units, (history) => history ?? []);
}

/**
 * The lives of all values in an arena, in the order in which they begin: neighbouring units are put together that hold the same value
 * for the same dispatches.
 */
export function arenaLives(plan: ArenaPlan, arena: ArenaName): ArenaLife[] {
  const lives: ArenaLife[] = [];
  const unit = UNIT[arena];
  let open = new Map<string, { life: Content; from: number }>();
  // Nothing behind the end closes what is open there.
  [...histories(plan, arena), []].forEach((history, at) => {
    const here = new Map(history.map((life) => [`${life.first} ${life.last} ${life.value}`, life]));
    for (const [key, { life, from }] of open) {
      if (!here.has(key)) lives.push({ ...life, from: from * unit, to: at * unit });
    }
    open = new Map([...here].map(([key, life]) => [key, open.get(key) ?? { life, from: at }]));
  });
  return lives.sort((a, b) => a.first - b.first || a.from - b.from);
}
