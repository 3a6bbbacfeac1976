/**
 * Compares a record of the benchmark with an earlier one, so that a slowdown is seen.
 *
 * The two were not measured in turn, and machines are faster on one day than on another. So each ratio comes with its range, from the middle
 * halves of both samples, and beside it the ratio less that of a peer that both records have, which is the same code on both days.
 *
 * @module
 */

import * as v from "npm:valibot@1.5.0";
import { FeatherdetError } from "../../graph/error.ts";
import { parseJson } from "../../data/json_fields.ts";
import { readText } from "../../data/files.ts";
import { faultOf, NUMBER, WORDS } from "../../numbers/forms.ts";
import type { BenchRecord, BenchResult } from "./record.ts";

/** One time in both records. */
export interface ComparedTime {
  readonly engine: string;
  readonly precision: string;
  readonly size: number;
  /** `run`, `detect`, `gpu`, `warm start` or `cold start`, as the table of a record names them. */
  readonly what: string;
  /** Milliseconds, medians. */
  readonly before: number;
  readonly now: number;
  /** now / before: above 1 it has become slower. */
  readonly ratio: number;
  /** The ratio's least and greatest within the middle halves of both samples; absent where a sample is one number. */
  readonly range?: readonly [low: number, high: number];
  /** The ratio divided by that of the peer's run at this size, where both records have it. */
  readonly besidePeer?: number;
}

/** Two records, and what they have in common. */
export interface BenchComparison {
  readonly before: Pick<BenchRecord, "date" | "commit">;
  readonly now: Pick<BenchRecord, "date" | "commit">;
  /** What makes the two hard to compare, a sentence each. */
  readonly remarks: readonly string[];
  readonly times: readonly ComparedTime[];
}

/** The peer that is the same on both days; it uses no device. */
const PEER = "onnxruntime-web/wasm";

interface Sample {
  readonly median: number;
  readonly range?: readonly [number, number];
}

function samplesOf({ run, middle, detect, gpu, start }: BenchResult): ReadonlyMap<string, Sample> {
  const spread = (latency: BenchResult["run"] | undefined, half?: readonly [number, number]) =>
    latency && { median: latency.median, range: half ?? [latency.min, latency.p90] as const };
  const once = (time: number | undefined) => time === undefined ? undefined : { median: time };
  const all: Readonly<Record<string, Sample | undefined>> = {
    gpu: spread(gpu),
    run: spread(run, middle),
    detect: spread(detect),
    "warm start": once(start.warm?.toBoxes),
    "cold start": once(start.cold?.toBoxes),
  };
  return new Map(Object.entries(all).flatMap(([what, sample]) => sample ? [[what, sample] as const] : []));
}

const keyOf = ({ engine, precision, size, model, storage }: BenchResult) =>
  JSON.stringify([engine, precision, size, model, storage]);

/** Compares two records; what only one of them has is left out. Throws FeatherdetError if they have nothing in common. */
export function compareRecords(before: BenchRecord, now: BenchRecord): BenchComparison {
  const earlier = new Map(before.results.map((result) => [keyOf(result), result]));
  const ofPeer = (record: BenchRecord, size: number) =>
    record.results.find((result) => result.engine === PEER && result.size === size)?.run.median;
  const times = now.results.flatMap((result): ComparedTime[] => {
    const known = earlier.get(keyOf(result));
    if (known === undefined) return [];
    const old = samplesOf(known), { engine, precision, size } = result;
    const peers = [ofPeer(before, size), ofPeer(now, size)];
    const drift = engine === PEER || peers[0] === undefined || peers[1] === undefined ? undefined : peers[1] / peers[0];
    return [...samplesOf(result)].flatMap(([what, sample]) => {
      const past = old.get(what);
      if (past === undefined) return [];
      const ratio = sample.median / past.median;
      return [{
        ...{ engine, precision, size, what, before: past.median, now: sample.median, ratio },
        ...(sample.range && past.range && {
          range: [sample.range[0] / past.range[1], sample.range[1] / past.range[0]] as const,
        }),
        ...(drift !== undefined && { besidePeer: ratio / drift }),
      }];
    });
  });
  if (times.length === 0) throw new FeatherdetError("the records have no engine, model and size in common");
  const remarks: string[] = [];
  const differs = (what: string, [a, b]: readonly [unknown, unknown]) => {
    if (a !== b) remarks.push(`${what} is another one: ${b}, before it was ${a}`);
  };
  differs("the adapter", [before.adapter.name, now.adapter.name]);
  differs("the picture", [before.picture, now.picture]);
  differs("the number of cores", [before.machine.cores, now.machine.cores]);
  differs("Deno", [before.versions.deno, now.versions.deno]);
  for (const [when, { machine }] of [["before", before], ["now", now]] as const) {
    if (machine.load > machine.cores / 2) {
      remarks.push(`other work was running ${when}: a load of ${machine.load.toFixed(1)}`);
    }
  }
  return {
    before: { date: before.date, commit: before.commit },
    now: { date: now.date, commit: now.commit },
    remarks,
    times,
  };
}

const OBJECT = "expected an object";

const FORM = v.looseObject({
  schema: v.literal(1, "expected 1"),
  date: WORDS,
  adapter: v.looseObject({ name: WORDS }, OBJECT),
  machine: v.looseObject({ cores: NUMBER, load: NUMBER }, OBJECT),
  versions: v.looseObject({ deno: WORDS }, OBJECT),
  picture: WORDS,
  results: v.array(
    v.looseObject({
      ...{ engine: WORDS, model: WORDS, precision: WORDS, size: NUMBER },
      start: v.looseObject({}, OBJECT),
      run: v.looseObject({ median: NUMBER, min: NUMBER, p90: NUMBER }, OBJECT),
    }, OBJECT),
    "expected a list",
  ),
}, OBJECT);

/** Reads a record that `bench` kept. Throws FeatherdetError for a file that is not there or is no such record. */
export async function readRecord(file: string): Promise<BenchRecord> {
  const value = parseJson(await readText(file), file), wrong = faultOf(FORM, value);
  if (wrong !== undefined) throw new FeatherdetError(`is no record of the benchmark: ${wrong}`, { file });
  return value as BenchRecord;
}

/** A comparison as a table, slowdowns that are beyond the ranges marked. */
export function comparisonTable({ before, now, remarks, times }: BenchComparison): string {
  const ms = (value: number) => value < 99.5 ? value.toFixed(1) : value.toFixed(0);
  const rows = times.map(({ engine, precision, size, what, before, now, ratio, range, besidePeer }) => [
    ...[engine, precision, String(size), what, ms(before), ms(now), ratio.toFixed(2)],
    range ? `${range[0].toFixed(2)} - ${range[1].toFixed(2)}` : "",
    besidePeer?.toFixed(2) ?? "",
    range === undefined || range[0] <= 1 && range[1] >= 1 ? "" : ratio > 1 ? "slower" : "faster",
  ]);
  const all = [["engine", "", "size", "time", "before", "now", "ratio", "range", "beside wasm", ""], ...rows];
  const widths = all[0].map((_, column) => Math.max(...all.map((row) => row[column].length)));
  const lines = all.map((row) =>
    row.map((cell, i) => i < 2 || i === 3 || i === 9 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join("  ")
      .trimEnd()
  );
  return [
    `${now.date} (commit ${now.commit}) beside ${before.date} (commit ${before.commit}); medians in ms, above 1 is slower`,
    ...remarks.map((remark) => `note: ${remark}`),
    "",
    ...lines,
  ].join("\n");
}
