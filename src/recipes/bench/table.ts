/**
 * Prints a record as tables.
 *
 * @module
 */

import type { BenchRecord, BenchResult, ProfileRow } from "./record.ts";

/** Aligned columns: the first two to the left, numbers to the right. */
function columns(rows: readonly (readonly string[])[], left = 2): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row.map((cell, i) => i < left ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join("  ").trimEnd()
  );
}

const ms = (value: number | undefined) =>
  value === undefined ? "-" : value < 9.95 ? value.toFixed(2) : value < 995 ? value.toFixed(1) : value.toFixed(0);
const times = (value: number | undefined) => value === undefined ? "-" : `${value.toFixed(2)}x`;
const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);

function row({ engine, precision, size, gpu, run, detect, stream, firstRun, start, ratios }: BenchResult): string[] {
  return [
    engine,
    precision,
    String(size),
    ms(gpu?.median),
    ms(run.median),
    ms(run.p90),
    ms(detect?.median),
    ms(detect?.p90),
    stream === undefined ? "-" : stream.toFixed(1),
    ms(firstRun),
    ms(start.warm?.toBoxes),
    ms(start.cold?.toBoxes),
    times(ratios?.run),
    times(ratios?.warmStart),
    times(ratios?.coldStart),
  ];
}

const TIMES = [
  "engine",
  "",
  "size",
  "GPU",
  "run",
  "p90",
  "detect",
  "p90",
  "frames/s",
  "first run",
  "warm start",
  "cold start",
  "run/ours",
  "warm/ours",
  "cold/ours",
];

function resources(
  { precision, size, storage, tuned, load, dispatches, memory, parameters, gflops }: BenchResult,
): string[] {
  const { run, detect } = memory!;
  return [
    `${precision}, ${storage}${tuned ? ", tuned" : ""}`,
    "",
    String(size),
    ms(load.read),
    ms(load.plan),
    ms(load.create),
    `${dispatches!.run}/${dispatches!.detect}`,
    megabytes(detect.planned),
    (detect.planned / detect.lowerBound).toFixed(3),
    (run.planned / run.lowerBound).toFixed(3),
    megabytes(detect.naive),
    megabytes(memory!.weights),
    megabytes(memory!.total),
    (parameters! / 1e6).toFixed(3),
    gflops!.toFixed(2),
  ];
}

const RESOURCES = [
  "form",
  "",
  "size",
  "read ms",
  "plan ms",
  "create ms",
  "dispatches",
  "activations MB",
  "of bound",
  "with outputs",
  "unplanned MB",
  "weights MB",
  "device MB",
  "M parameters",
  "GFLOPs",
];

/** The dispatches that take longest, and kinds of kernels. */
function profile(rows: readonly ProfileRow[], most: number): string[] {
  const line = ({ name, kernel, milliseconds, share, macs, gflopsPerSecond }: ProfileRow) => [
    kernel,
    name,
    milliseconds.toFixed(3),
    `${(100 * share).toFixed(1)} %`,
    macs > 0 ? (macs / 1e6).toFixed(1) : "-",
    macs > 0 ? gflopsPerSecond.toFixed(1) : "-",
  ];
  const header = ["kernel", "node", "ms", "share", "M MACs", "GFLOP/s"];
  const longest = [...rows].sort((a, b) => b.milliseconds - a.milliseconds).slice(0, most);
  const kinds = new Map<string, ProfileRow>();
  for (const row of rows) {
    const known = kinds.get(row.kernel);
    const milliseconds = row.milliseconds + (known?.milliseconds ?? 0), macs = row.macs + (known?.macs ?? 0);
    kinds.set(row.kernel, {
      ...row,
      name: `${Number(known?.name ?? 0) + 1}`,
      milliseconds,
      macs,
      share: row.share + (known?.share ?? 0),
      gflopsPerSecond: milliseconds > 0 ? 2 * macs / milliseconds / 1e6 : 0,
    });
  }
  const byKind = [...kinds.values()].sort((a, b) => b.milliseconds - a.milliseconds);
  const rest = rows.length > most ? [`... and ${rows.length - most} more`] : [];
  return [
    ...columns([header, ...longest.map(line)]),
    ...rest,
    "",
    ...columns([["kernel", "dispatches", ...header.slice(2)], ...byKind.map(line)]),
  ];
}

/** The whole record; of a profile the `most` longest dispatches. */
export function benchTable(record: BenchRecord, most = 40): string {
  const { adapter, software, machine, versions, commit, picture, results, leftOut = [] } = record;
  const ours = results.filter(({ memory }) => memory);
  const others = new Set(
    results.map(({ engine, adapter }) => adapter ? `${engine} on ${adapter}` : `${engine} on the CPU`),
  );
  return [
    `adapter: ${adapter.name}${software ? " (software: computes on the CPU)" : ""}`,
    `machine: ${machine.os} ${machine.arch}, ${machine.cores} cores, ${machine.load.toFixed(2)} busy before; ` +
    Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", ") +
    (commit === null ? "" : `, commit ${commit}`),
    `picture: ${picture}; model: ${[...new Set(results.map(({ model }) => model))].join(", ")}; times in ms, medians`,
    [...others].join("; "),
    ...leftOut.map(({ engine, size, reason }) => `left out: ${engine} at ${size}: ${reason}`),
    "",
    ...columns([TIMES, ...results.map(row)]),
    "",
    ...columns([RESOURCES, ...ours.map(resources)]),
    ...ours.flatMap(({ profile: rows, precision, size }) =>
      rows ? ["", `profile at ${size}, ${precision}:`, ...profile(rows, most)] : []
    ),
  ].join("\n");
}
