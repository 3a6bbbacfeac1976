/**
 * Coupling groups as text that people can read.
 *
 * @module
 */

import { type BundleMember, type ChannelBundle, channelBundles } from "./bundles.ts";
import type { CouplingGroups } from "./groups.ts";
import type { ChannelRole } from "./tracker.ts";

const LEGEND = `
A channel is one slice of a map. A layer makes it with one row of its weights, others adjust it (normalisation, factors) and read it
with a column of theirs. When a channel goes, all these slices go. Where channels are added, multiplied or convolved depthwise, one
cannot go without the other: such channels are a coupling group. Below, groups that touch the same layers alike share an entry:
"model.2.cv1.conv 0..31 of 64" are rows or columns of that layer, "2 each" says how many of them every single group takes.
The smaller model computes what the whole one does with the removed channels set to zero where they are made.`.trim();

const ROLES: Readonly<Record<ChannelRole, string>> = { makes: "made by", adjusts: "adjusted by", reads: "read by" };

/** Columns of a line, those before its text, and ranges or reasons that are written out. */
const WIDTH = 132, INDENT = 26, WRITTEN = 3;

const counted = (count: number) => count.toLocaleString("en-US");

/** Ascending indices as ranges, as many as one wants to read. */
function ranges(indices: readonly number[]): string {
  const parts: [first: number, last: number][] = [];
  for (const index of indices) {
    const part = parts.at(-1);
    if (part && part[1] === index - 1) part[1] = index;
    else parts.push([index, index]);
  }
  const text = parts.slice(0, WRITTEN).map(([first, last]) => first === last ? `${first}` : `${first}..${last}`);
  return [...text, ...(parts.length > WRITTEN ? ["..."] : [])].join(",");
}

function memberText({ node, indices, extent, perGroup }: BundleMember): string {
  const isEach = perGroup > 1 && perGroup < indices.length;
  const which = indices.length === extent ? `all ${extent}` : `${ranges(indices)} of ${extent}`;
  return `${node} ${which}${isEach ? `, ${perGroup} each` : ""}`;
}

/** Text in lines, cut between its parts. */
function wrapped(label: string, parts: readonly string[], separator: string): string[] {
  const lines = [label.padEnd(INDENT)];
  parts.forEach((part, index) => {
    const text = index < parts.length - 1 ? `${part}${separator}` : part;
    const isFull = lines.at(-1)!.length + text.length > WIDTH && lines.at(-1)!.trimEnd().length > label.length;
    if (isFull) lines.push(" ".repeat(INDENT));
    lines[lines.length - 1] += `${text} `;
  });
  return lines.map((line) => line.trimEnd());
}

function bundleText({ groups, members, kept }: ChannelBundle): string[] {
  const lines: string[] = [];
  const head = `${counted(groups.length).padStart(6)} ${groups.length === 1 ? "group " : "groups"}`;
  for (const role of ["makes", "adjusts", "reads"] as const) {
    // A bias goes with its weight, three of four constants of a normalisation with the first.
    const own = [
      ...new Map(members.filter((member) => member.role === role).reverse().map((m) => [m.node, m])).values(),
    ];
    if (own.length === 0) continue;
    const label = `${lines.length === 0 ? head : " ".repeat(head.length)} ${ROLES[role]}`;
    lines.push(...wrapped(label, own.reverse().map(memberText), ";"));
  }
  const reasons = kept.slice(0, WRITTEN).map(({ operator, node, why }) => `${operator} "${node}" ${why}`);
  if (kept.length > WRITTEN) reasons.push(`${kept.length - WRITTEN} more reasons`);
  if (reasons.length > 0) lines.push(...wrapped(`${" ".repeat(head.length)} because`, reasons, ";"));
  return lines;
}

/** Prints coupling groups: what they are, those that can be removed in bundles, those that stay with the reason. */
export function printGroups({ groups, kept }: CouplingGroups): string {
  const bundles = channelBundles(groups);
  const lines = [
    `${counted(groups.length)} coupling groups can be removed (${bundles.length} kinds), ${counted(kept.length)} stay.`,
    "",
    LEGEND,
    "",
    "Can be removed:",
    ...bundles.flatMap(bundleText),
  ];
  if (kept.length > 0) lines.push("", "Stay:", ...channelBundles(kept).flatMap(bundleText));
  return lines.join("\n");
}
