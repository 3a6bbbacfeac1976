/**
 * The family of models as a page: costs and times of each member.
 *
 * @module
 */

import type { Precision } from "../engine/session.ts";
import type { StorageForm } from "../kernels/kernel.ts";

/** What a member takes, in milliseconds. */
export interface MemberLatency {
  /** Median from picture to boxes. */
  readonly detect: number;
  /** Median of the device's time for a frame; absent if the adapter has no timestamps. */
  readonly gpu?: number;
  /** Operations a second in that time (without timestamps, in the time from picture to boxes). */
  readonly gflopsPerSecond: number;
}

/** A row of the table. */
export interface FamilyMember {
  /** Its name on the command line. */
  readonly model: string;
  /** Trained weights. */
  readonly parameters: number;
  /** Bytes of weights and statistics. */
  readonly bytes: number;
  /** Operations of a frame, as Ultralytics counts them. */
  readonly gflops: number;
  /** Nodes that have weights. */
  readonly layers: number;
  /** Dispatches of a frame, from letterbox to suppression. */
  readonly dispatches: number;
  /** Bytes of activations as planned. */
  readonly activationBytes: number;
  /** Absent where it was not measured. */
  readonly latency?: MemberLatency;
}

/** The table and what it was made for. */
export interface FamilyTable {
  /** Side of the input in pixels. */
  readonly size: number;
  readonly precision: Precision;
  /** How activations are stored; the dispatches depend on it. */
  readonly storage: StorageForm["storage"];
  /** What the latency was measured on; absent if it was not measured. */
  readonly adapter?: { readonly name: string; readonly software: boolean };
  readonly members: readonly FamilyMember[];
}

/** The member that the others are compared with. */
const REFERENCE = "yolo11n";

/** Time over work, both beside the reference's, from which on fewer operations are said not to have bought time. */
const NOT_BOUGHT = 1.25;

interface Ratios {
  readonly work: number;
  readonly time: number;
}

/** Operations and time of a member over those of the reference; undefined where either is not known. */
function ratiosOf(member: FamilyMember, { members }: FamilyTable): Ratios | undefined {
  const reference = members.find(({ model }) => model === REFERENCE);
  if (!reference?.latency || !member.latency) return undefined;
  const taken = (latency: MemberLatency) => latency.gpu ?? latency.detect;
  return { work: member.gflops / reference.gflops, time: taken(member.latency) / taken(reference.latency) };
}

/** Members that do less than the reference but take more of its time than of its work, the worst first, one line each. */
function notBought(table: FamilyTable): string[] {
  return table.members.flatMap((member) => {
    const ratios = ratiosOf(member, table);
    return ratios && ratios.work < 1 && ratios.time / ratios.work >= NOT_BOUGHT ? [{ ...ratios, ...member }] : [];
  }).sort((a, b) => b.time / b.work - a.time / a.work)
    .map(({ model, work, time }) => `- ${model}: ${work.toFixed(2)} of the operations, ${time.toFixed(2)} of the time`);
}

/** Columns: heading, and the cell of a member. */
type Column = readonly [heading: string, cell: (member: FamilyMember, table: FamilyTable) => string];

const COUNTED: readonly Column[] = [
  ["model", ({ model }) => model],
  ["parameters", ({ parameters }) => parameters.toLocaleString("en")],
  ["MB", ({ bytes }) => (bytes / 1e6).toFixed(2)],
  ["GFLOPs", ({ gflops }) => gflops.toFixed(2)],
  ["layers", ({ layers }) => String(layers)],
  ["dispatches", ({ dispatches }) => String(dispatches)],
  ["activation MB", ({ activationBytes }) => (activationBytes / 1e6).toFixed(2)],
];

const MEASURED: readonly Column[] = [
  ["detect ms", ({ latency }) => latency?.detect.toFixed(1) ?? ""],
  ["GPU ms", ({ latency }) => latency?.gpu?.toFixed(1) ?? ""],
  ["GFLOP/s", ({ latency }) => latency?.gflopsPerSecond.toFixed(1) ?? ""],
  ["work", (member, table) => ratiosOf(member, table)?.work.toFixed(2) ?? ""],
  ["time", (member, table) => ratiosOf(member, table)?.time.toFixed(2) ?? ""],
];

/** Names of the columns that do not change from run to run. */
export const COUNTED_COLUMNS = COUNTED.map(([heading]) => heading);

/** The rows as a Markdown table; columns of latency where it was measured. */
export function familyRows(table: FamilyTable): string {
  const columns = table.adapter ? [...COUNTED, ...MEASURED] : COUNTED;
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    row(columns.map(([heading]) => heading)),
    row(columns.map((_, index) => (index === 0 ? "---" : "---:"))),
    ...table.members.map((member) => row(columns.map(([, cell]) => cell(member, table)))),
  ].join("\n");
}

/** The page as Markdown. */
export function familyPage(table: FamilyTable): string {
  const { size, precision, storage, adapter } = table;
  const slow = notBought(table);
  return [
    "# The family",
    "",
    `Written by \`deno task family --size ${size}${
      precision === "f32" ? "" : ` --precision ${precision}`
    }\`: every detector that is`,
    `built by name, with 80 classes, at ${size}x${size} pixels in ${precision}. Weights are random, which changes no figure here.`,
    "",
    "- **parameters**, **MB**: trained weights; those and the statistics of BatchNormalization, unfolded, in float32.",
    "- **GFLOPs**: 2 x multiply-accumulates of layers with weights. **layers**: nodes with weights.",
    `- **dispatches**, **activation MB**: of one frame from letterbox to suppression, activations in a storage ${storage}.`,
    ...adapter
      ? [
        `- **detect ms**, **GPU ms**: medians on ${adapter.name}${
          adapter.software ? ", a software adapter" : ""
        }, from picture`,
        "  (640x480 pixels) to boxes and of the device alone. **GFLOP/s**: GFLOPs over the device's time.",
        `- **work**, **time**: GFLOPs and the device's time beside ${REFERENCE}'s.`,
      ]
      : [],
    "",
    familyRows(table),
    "",
    ...slow.length > 0
      ? [`Where fewer operations than ${REFERENCE}'s did not buy as much time here, the worst first:`, "", ...slow, ""]
      : [],
  ].join("\n");
}
