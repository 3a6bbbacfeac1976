/**
 * A light neck: a path aggregation network (Liu et al. 2018) of few channels, the same on every level, whose convolutions are
 * depthwise separable with 5x5 windows, as in NanoDet (Lyu 2020) and PP-PicoDet (Yu et al. 2021).
 *
 * @module
 */

import type { ModelBuilder } from "../builder.ts";
import { scaledChannels } from "../rows.ts";
import { LIGHT_ACTIVATION, separable } from "../separable.ts";
import type { Neck } from "./neck.ts";

/** Channels of every level at width factor 1: those of YOLO11n's finest. */
export const LIGHT_CHANNELS = 64;

/** Joins values of one size, brings them to `out` channels by 1x1, and adds to that `repeats` separable convolutions in turn. */
function fuse(b: ModelBuilder, path: string, values: readonly string[], out: number, repeats: number): string {
  const joined = b.concat(`${path}.concat`, values);
  let x = b.convBlock(`${path}.reduce`, joined, { out, act: LIGHT_ACTIVATION });
  for (let i = 0; i < repeats; i++) x = b.add(`${path}.${i}.add`, x, separable(b, `${path}.${i}`, x, { out }));
  return x;
}

/**
 * The light neck: 1x1 convolutions bring the features to `LIGHT_CHANNELS` times `width` channels (`PATH.lateral.p3` and so on);
 * `PATH.down.p4`, `PATH.down.p3` mix from coarse to fine, `PATH.up.p4` and `PATH.up.p5` from fine to coarse.
 */
export const lightNeck: Neck = (b, path, features, { width, depth }) => {
  const out = scaledChannels(LIGHT_CHANNELS, { width, maxChannels: Infinity });
  const repeats = Math.max(1, Math.round(depth));
  const lateral = (level: keyof typeof features) =>
    b.convBlock(`${path}.lateral.${level}`, features[level], { out, act: LIGHT_ACTIVATION });
  const [l3, l4, l5] = [lateral("p3"), lateral("p4"), lateral("p5")];
  const finer = (level: string, coarse: string, own: string) => {
    const enlarged = b.upsample(`${path}.down.${level}.upsample`, coarse);
    return fuse(b, `${path}.down.${level}`, [enlarged, own], out, repeats);
  };
  const coarser = (level: string, fine: string, own: string) => {
    const halved = separable(b, `${path}.up.${level}.halve`, fine, { out, stride: 2 });
    return fuse(b, `${path}.up.${level}`, [halved, own], out, repeats);
  };
  const d4 = finer("p4", l5, l4);
  const p3 = finer("p3", d4, l3);
  const p4 = coarser("p4", p3, d4);
  return { p3, p4, p5: coarser("p5", p4, l5) };
};
