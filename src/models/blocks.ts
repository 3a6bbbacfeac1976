/**
 * The blocks that YOLO11 is made of, and that other families may use: Bottleneck, C3k, C3k2, SPPF.
 *
 * Each takes the builder, its path, the value it reads and its widths, and returns the value it makes. Paths below a block are
 * those of the published models (`model.6.m.0.m.1.cv2`).
 *
 * @module
 */

import type { ModelBuilder } from "./builder.ts";

/** Form of a bottleneck. */
export interface BottleneckOptions {
  /** Whether the input is added; true by default. */
  readonly shortcut?: boolean;
  /** Side of the first kernel; 3 by default. */
  readonly kernel?: number;
}

/** Two 3x3 convolutions with `hidden` channels between them and the input added: `C -> C`. */
export function bottleneck(
  b: ModelBuilder,
  path: string,
  x: string,
  hidden: number,
  { shortcut = true, kernel = 3 }: BottleneckOptions = {},
): string {
  let y = b.convBlock(`${path}.cv1`, x, { out: hidden, kernel });
  y = b.convBlock(`${path}.cv2`, y, { out: b.channels(x), kernel: 3 });
  return shortcut ? b.add(`${path}.add`, x, y) : y;
}

/**
 * C3k: `repeats` full-width bottlenecks on one half, a plain 1x1 on the other, both joined: `C -> out`. The small form inside
 * C3k2, with 3x3 kernels throughout. With a first kernel of 1x1 in its bottlenecks it is YOLOv5's C3.
 */
export function c3k(
  b: ModelBuilder,
  path: string,
  x: string,
  out: number,
  repeats = 2,
  form: BottleneckOptions = {},
): string {
  const hidden = out >> 1;
  let y = b.convBlock(`${path}.cv1`, x, { out: hidden });
  for (let i = 0; i < repeats; i++) y = bottleneck(b, `${path}.m.${i}`, y, hidden, form);
  const bypass = b.convBlock(`${path}.cv2`, x, { out: hidden });
  return b.convBlock(`${path}.cv3`, b.concat(`${path}.concat`, [y, bypass]), { out });
}

/** Form of a C3k2. */
export interface C3k2Options {
  /** Output channels. */
  readonly out: number;
  /** Blocks in a row. */
  readonly repeats: number;
  /** Blocks are C3k instead of plain bottlenecks. */
  readonly c3k: boolean;
  /** Width of a block as a part of `out`; 0.5 by default. */
  readonly expansion?: number;
}

/** A 1x1 to two halves, a row of blocks on the second, all intermediate results joined by a 1x1. */
function crossStage(
  b: ModelBuilder,
  path: string,
  x: string,
  { out, hidden, repeats }: { out: number; hidden: number; repeats: number },
  block: (path: string, x: string) => string,
): string {
  const wide = b.convBlock(`${path}.cv1`, x, { out: 2 * hidden });
  const parts = [...b.split(`${path}.split`, wide, [hidden, hidden])];
  for (let i = 0; i < repeats; i++) parts.push(block(`${path}.m.${i}`, parts[parts.length - 1]));
  return b.convBlock(`${path}.cv2`, b.concat(`${path}.concat`, parts), { out });
}

/** C3k2: a 1x1 to two halves, a row of blocks on the second, all intermediate results joined by a 1x1: `C -> out`. */
export function c3k2(b: ModelBuilder, path: string, x: string, options: C3k2Options): string {
  const { out, repeats, c3k: deep, expansion = 0.5 } = options;
  const hidden = Math.floor(out * expansion);
  return crossStage(b, path, x, { out, hidden, repeats }, (path, x) => {
    return deep ? c3k(b, path, x, hidden) : bottleneck(b, path, x, hidden >> 1);
  });
}

/** C2f of YOLOv8: as C3k2, its blocks bottlenecks of full width. */
export function c2f(
  b: ModelBuilder,
  path: string,
  x: string,
  { out, repeats, shortcut }: { readonly out: number; readonly repeats: number; readonly shortcut: boolean },
): string {
  const hidden = out >> 1;
  return crossStage(b, path, x, { out, hidden, repeats }, (path, x) => bottleneck(b, path, x, hidden, { shortcut }));
}

/** SPPF: three max pools in a row over half the channels, all four maps joined: windows of one, two and three times `kernel`. */
export function sppf(b: ModelBuilder, path: string, x: string, out: number, kernel = 5): string {
  const maps = [b.convBlock(`${path}.cv1`, x, { out: b.channels(x) >> 1 })];
  for (let i = 0; i < 3; i++) {
    maps.push(b.maxPool(`${path}.m.${i}`, maps[i], { kernel, stride: 1, padding: kernel >> 1 }));
  }
  return b.convBlock(`${path}.cv2`, b.concat(`${path}.concat`, maps), { out });
}
