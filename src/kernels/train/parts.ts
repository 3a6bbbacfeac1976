/**
 * Planes cut into parts that teams of threads take, and sums over all pixels of a channel made of the sums of parts. Shaders:
 * `shaders/lib/part.wgsl`, `shaders/train/channel_partials.wgsl`, `shaders/train/channel_totals.wgsl`.
 *
 * @module
 */

import type { Target } from "../target.ts";
import { type BlockedLayout, blocksOf, type KernelBinding } from "../kernel.ts";
import { manyTeams, type Teams } from "../team.ts";

/** How planes are cut. */
export interface Parts {
  /** Rows of a part. */
  readonly rows: number;
  /** Parts of a plane. */
  readonly parts: number;
  /** Teams for one part each. */
  readonly teams: Teams;
  /** Teams for one channel block each. */
  readonly blockTeams: Teams;
  /** Parts of all planes. */
  readonly count: number;
}

/** Threads that keep the cores of a software adapter busy. */
const BUSY = 64;

/** Cuts planes into parts of about so many pixels, or of fewer where that gives too few of them. */
export function partsOf(layout: BlockedLayout, pixels: number, target: Target = "software"): Parts {
  const { width, height } = layout;
  const planes = blocksOf(layout) * layout.batch;
  const least = Math.min(height, Math.ceil(BUSY / planes));
  const rows = Math.max(1, Math.min(Math.floor(pixels / width), Math.floor(height / least)));
  const parts = Math.ceil(height / rows);
  const count = planes * parts;
  return { rows, parts, count, teams: manyTeams(count, target), blockTeams: manyTeams(blocksOf(layout), target) };
}

/** Pixels of a part that is summed: few enough for sums in f32 to be exact enough, and sums of the parts' sums again. */
export const SUMMED = 2048;

/** Scratch for two vectors of four a part, and two a channel block behind them. */
export function partialsOf(layout: BlockedLayout, { count }: Parts): KernelBinding {
  return { kind: "scratch", name: "partial sums", bytes: 32 * (count + blocksOf(layout)) };
}
