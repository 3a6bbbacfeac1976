/**
 * Bundles: coupling groups that touch the same constants alike, which people read, and layers are, as one.
 *
 * @module
 */

import type { ChannelMember, CouplingGroup } from "./groups.ts";
import type { KeptReason } from "./tracker.ts";

/** What all groups of a bundle have of one constant. */
export interface BundleMember extends ChannelMember {
  /** Slices of each group; `indices` are those of all groups. */
  readonly perGroup: number;
}

/** Coupling groups of the same structure: the same nodes read as many slices of the same constants, and they stay for the same reasons. */
export interface ChannelBundle {
  /** The groups, in order. */
  readonly groups: readonly CouplingGroup[];
  /** Members of all of them together. */
  readonly members: readonly BundleMember[];
  /** Why they stay; empty for those that can be removed. */
  readonly kept: readonly KeptReason[];
}

function structureOf({ members, kept }: CouplingGroup): string {
  const parts = members.map(({ node, input, axis, indices }) => `${node} ${input} ${axis} ${indices.length}`);
  return [...parts, ...kept.map(({ node, why }) => `${node} ${why}`)].join("\n");
}

function bundleOf(groups: readonly CouplingGroup[]): ChannelBundle {
  const [{ members, kept }] = groups;
  return {
    groups,
    kept,
    members: members.map((member, index) => ({
      ...member,
      perGroup: member.indices.length,
      indices: groups.flatMap((group) => group.members[index].indices).sort((a, b) => a - b),
    })),
  };
}

/** The groups in bundles, in the order of their first groups. */
export function channelBundles(groups: readonly CouplingGroup[]): ChannelBundle[] {
  const lists = new Map<string, CouplingGroup[]>();
  for (const group of groups) {
    const structure = structureOf(group), list = lists.get(structure);
    if (list) list.push(group);
    else lists.set(structure, [group]);
  }
  return [...lists.values()].map(bundleOf);
}
