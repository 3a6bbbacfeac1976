/**
 * Resize of images, nearest and linear, under every coordinate rule of the union.
 *
 * @module
 */

import type { CoordinateMode, NearestMode, Node } from "../graph/operators.ts";
import { type ReferenceTensor, zeros } from "./tensor.ts";

/** Input coordinate of an output index along one axis. */
function coordinate(mode: CoordinateMode, index: number, from: number, to: number, scale: number): number {
  switch (mode) {
    case "half_pixel":
      return (index + 0.5) / scale - 0.5;
    case "pytorch_half_pixel":
      return to > 1 ? (index + 0.5) / scale - 0.5 : 0;
    case "asymmetric":
      return index / scale;
    case "align_corners":
      return to > 1 ? index * (from - 1) / (to - 1) : 0;
  }
}

function round(mode: NearestMode, x: number): number {
  switch (mode) {
    case "floor":
      return Math.floor(x);
    case "ceil":
      return Math.ceil(x);
    case "round_prefer_floor":
      return Math.ceil(x - 0.5);
    case "round_prefer_ceil":
      return Math.floor(x + 0.5);
  }
}

/** The two input indices that an output index mixes, and the share of the second. */
export interface Mix {
  readonly low: number;
  readonly high: number;
  readonly share: number;
}

/** Never reads the second number when it has no share, so that an infinity there stays out. */
function mix(a: number, b: number, share: number): number {
  return share === 0 ? a : a * (1 - share) + b * share;
}

/** What the output indices along an axis of the image mix, given the input's extent there. */
export function mixes(
  { mode, coordinates, nearest, size, scales }: Node<"Resize">["attributes"],
  axis: 0 | 1,
  from: number,
): Mix[] {
  return Array.from({ length: size[axis] }, (_, index): Mix => {
    const x = coordinate(coordinates, index, from, size[axis], scales[axis]);
    const clamped = Math.min(Math.max(mode === "nearest" ? round(nearest, x) : x, 0), from - 1);
    const low = Math.floor(clamped);
    return { low, high: Math.min(low + 1, from - 1), share: clamped - low };
  });
}

/** ONNX Resize of height and width. */
export function resize(node: Node<"Resize">, [x]: readonly ReferenceTensor[]): ReferenceTensor[] {
  const [batch, channels, height, width] = x.shape;
  const rows = mixes(node.attributes, 0, height);
  const columns = mixes(node.attributes, 1, width);
  const out = zeros([batch, channels, ...node.attributes.size]);
  let position = 0;
  for (let plane = 0; plane < batch * channels; plane++) {
    const at = (y: number, xx: number) => x.data[(plane * height + y) * width + xx];
    for (const row of rows) {
      for (const column of columns) {
        const upper = mix(at(row.low, column.low), at(row.low, column.high), column.share);
        const lower = mix(at(row.high, column.low), at(row.high, column.high), column.share);
        out.data[position++] = mix(upper, lower, row.share);
      }
    }
  }
  return [out];
}
