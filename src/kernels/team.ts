/**
 * Teams of threads that reduce a plane together; the counterpart of `shaders/lib/team.wgsl`.
 *
 * @module
 */

import type { ShaderConstant } from "../gpu/linker.ts";
import type { Target } from "./target.ts";
import { type BlockedLayout, blocksOf } from "./kernel.ts";
import { groupGrid, linearGroups } from "./linear.ts";

/** Threads of a vector of a software adapter. */
const LANES = 8;

/** Linker constants and workgroups of teams. */
export interface Teams {
  readonly constants: Readonly<Record<string, ShaderConstant>>;
  readonly workgroups: [number, number, number];
}

/** A number of teams, where there are enough of them for a software adapter to make each of one thread. */
export function manyTeams(count: number, target: Target = "software"): Teams {
  if (target === "hardware") return { constants: { TEAM: 64, WORKGROUP: 64 }, workgroups: groupGrid(count) };
  return { constants: { TEAM: 1, WORKGROUP: LANES }, workgroups: linearGroups(count, LANES) };
}

/** Linker constants and workgroups for one team a plane of a tensor. */
export function teamsOf(layout: BlockedLayout, target: Target = "software"): Teams {
  const planes = blocksOf(layout) * layout.batch;
  // Planes enough for a vector: a thread each saves the barriers.
  if (target === "hardware" || planes >= LANES) return manyTeams(planes, target);
  return { constants: { TEAM: LANES, WORKGROUP: LANES }, workgroups: groupGrid(planes) };
}
