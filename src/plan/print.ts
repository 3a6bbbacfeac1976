/**
 * Prints a plan: dispatches, kernels, where values lie, and what the planning saved.
 *
 * @module
 */

import { valuesOf } from "../kernels/kernel.ts";
import type { Plan } from "./plan.ts";

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(2)} MB`;

/** Prints a plan as an aligned table, one line a dispatch, and a summary. */
export function printPlan(plan: Plan): string {
  const place = (value: string): string => {
    const placement = plan.placements.get(value);
    if (!placement) return value;
    const { layout, offset, extent } = placement;
    const shape = layout.kind === "plain"
      ? layout.shape.join("x")
      : `${layout.batch}x${layout.channels}x${layout.height}x${layout.width}`;
    return layout.kind === "plain" ? `${shape} @${offset}B` : `${shape} @${layout.int8 ? "i" : "p"}${offset}+${extent}`;
  };
  const rows = plan.dispatches.map(({ name, operator, kernel }, i) => {
    const values = (kind: "read" | "write") =>
      kernel.bindings.flatMap((binding) => valuesOf(binding, kind).map(place)).join(", ");
    return [
      String(i),
      operator,
      kernel.label,
      `${values("read")} -> ${values("write")}`,
      kernel.workgroups.join("x"),
      name,
    ];
  });
  const header = [
    "#",
    "operator",
    "kernel",
    "memory (p = first page + pages, i = so in int8, B = byte)",
    "workgroups",
    "node",
  ];
  const table = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...table.map((row) => row[column].length)));
  const lines = table.map((row) => row.map((cell, column) => cell.padEnd(widths[column])).join("  ").trimEnd());
  const { planned, naive, lowerBound, scratch } = plan.memory;
  const pipelines =
    new Set(plan.dispatches.map(({ kernel }) => JSON.stringify([kernel.shader, kernel.constants]))).size;
  return [
    ...lines,
    "",
    `${plan.dispatches.length} dispatches, ${pipelines} pipelines, cells of ${plan.form.scalar} in a ${plan.form.storage}, ` +
    `arena of ${plan.pages} pages of ${plan.pitch} x ${1 << plan.form.pageShift} cells` +
    (plan.int8Pages > 0 ? `, and one of ${plan.int8Pages} such pages of int8` : "") +
    (plan.plainAmongPages ? "; plain values lie between the pages" : ""),
    `activation memory ${megabytes(planned)}: ${(planned / lowerBound).toFixed(3)} of the lower bound ${
      megabytes(lowerBound)
    }, ` +
    `${megabytes(naive - planned)} less than a buffer for each value (${megabytes(naive)})` +
    (scratch > 0 ? `; scratch memory ${megabytes(scratch)}` : ""),
  ].join("\n");
}
