/**
 * Convolution and pooling, as sums over every tap of every window.
 *
 * @module
 */

import type { ConvAttributes, Node, PoolAttributes } from "../graph/operators.ts";
import { type ReferenceTensor, zeros } from "./tensor.ts";

/** Where the windows along one axis begin, in coordinates of the unpadded input. */
function windowStarts(
  extent: number,
  [before, after]: readonly [number, number],
  span: number,
  stride: number,
  ceilMode: boolean,
): number[] {
  const starts: number[] = [];
  const end = extent + after;
  for (let start = -before;; start += stride) {
    const last = starts[starts.length - 1];
    // Rounding up adds a window as long as something is left uncovered, unless it would begin past the image.
    const fits = start + span <= end || (ceilMode && last !== undefined && last + span < end && start < extent);
    if (!fits) return starts;
    starts.push(start);
  }
}

function startsOf(
  x: ReferenceTensor,
  kernel: readonly [number, number],
  { strides, pads, dilations }: Omit<ConvAttributes, "groups">,
  ceilMode: boolean,
): [number[], number[]] {
  const along = (axis: 0 | 1) =>
    windowStarts(
      x.shape[2 + axis],
      [pads[axis], pads[2 + axis]],
      dilations[axis] * (kernel[axis] - 1) + 1,
      strides[axis],
      ceilMode,
    );
  return [along(0), along(1)];
}

/** The windows, first to one past the last, whose tap at the given offset lies within the extent; they are `stride` apart. */
function windowsInside(starts: readonly number[], stride: number, offset: number, extent: number): [number, number] {
  const before = (limit: number) => {
    const windows = Math.ceil((limit - offset - starts[0]) / stride);
    return Math.min(Math.max(windows, 0), starts.length);
  };
  return [before(0), before(extent)];
}

/** ONNX Conv: every tap adds its share of a shifted input plane to an output plane. */
export function conv(node: Node<"Conv">, [x, weight, bias]: readonly ReferenceTensor[]): ReferenceTensor[] {
  const { strides, dilations, groups } = node.attributes;
  const [batch, channels, height, width] = x.shape;
  const [filters, depth, kernelHeight, kernelWidth] = weight.shape;
  const [tops, lefts] = startsOf(x, [kernelHeight, kernelWidth], node.attributes, false);
  const out = zeros([batch, filters, tops.length, lefts.length]);
  const from = x.data, to = out.data, step = strides[1];
  for (let n = 0; n < batch; n++) {
    for (let o = 0; o < filters; o++) {
      const target = (n * filters + o) * tops.length * lefts.length;
      if (bias) to.fill(bias.data[o], target, target + tops.length * lefts.length);
      const firstChannel = Math.floor(o / (filters / groups)) * depth;
      for (let tap = 0; tap < depth * kernelHeight * kernelWidth; tap++) {
        const factor = weight.data[o * depth * kernelHeight * kernelWidth + tap];
        const c = Math.floor(tap / (kernelHeight * kernelWidth));
        const offsetY = Math.floor(tap / kernelWidth) % kernelHeight * dilations[0];
        const offsetX = tap % kernelWidth * dilations[1];
        const plane = (n * channels + firstChannel + c) * height * width;
        const [firstRow, endRow] = windowsInside(tops, strides[0], offsetY, height);
        const [firstColumn, endColumn] = windowsInside(lefts, step, offsetX, width);
        for (let i = firstRow; i < endRow; i++) {
          const row = target + i * lefts.length;
          let source = plane + (tops[i] + offsetY) * width + lefts[0] + offsetX + firstColumn * step;
          for (let j = firstColumn; j < endColumn; j++, source += step) to[row + j] += factor * from[source];
        }
      }
    }
  }
  return [out];
}

/** ONNX ConvTranspose: every input element adds its scaled kernel to the output. */
export function convTranspose(
  node: Node<"ConvTranspose">,
  [x, weight, bias]: readonly ReferenceTensor[],
): ReferenceTensor[] {
  const { strides, pads, dilations, groups, outputPadding } = node.attributes;
  const [batch, channels, height, width] = x.shape;
  const [, perGroup, kernelHeight, kernelWidth] = weight.shape;
  const filters = perGroup * groups;
  const outHeight = (height - 1) * strides[0] + dilations[0] * (kernelHeight - 1) + 1 + outputPadding[0] - pads[0] -
    pads[2];
  const outWidth = (width - 1) * strides[1] + dilations[1] * (kernelWidth - 1) + 1 + outputPadding[1] - pads[1] -
    pads[3];
  const out = zeros([batch, filters, outHeight, outWidth]);
  const plane = outHeight * outWidth;
  if (bias) out.data.forEach((_, i) => out.data[i] = bias.data[Math.floor(i / plane) % filters]);
  for (let n = 0; n < batch; n++) {
    for (let c = 0; c < channels; c++) {
      const firstFilter = Math.floor(c / (channels / groups)) * perGroup;
      for (let o = 0; o < perGroup; o++) {
        const target = (n * filters + firstFilter + o) * plane;
        for (let y = 0; y < height; y++) {
          for (let xx = 0; xx < width; xx++) {
            const value = x.data[((n * channels + c) * height + y) * width + xx];
            for (let ky = 0; ky < kernelHeight; ky++) {
              const outY = y * strides[0] - pads[0] + ky * dilations[0];
              if (outY < 0 || outY >= outHeight) continue;
              for (let kx = 0; kx < kernelWidth; kx++) {
                const outX = xx * strides[1] - pads[1] + kx * dilations[1];
                if (outX < 0 || outX >= outWidth) continue;
                const tap = ((c * perGroup + o) * kernelHeight + ky) * kernelWidth + kx;
                out.data[target + outY * outWidth + outX] += value * weight.data[tap];
              }
            }
          }
        }
      }
    }
  }
  return [out];
}

/** Gathers each window's elements that lie in the image and puts what `combine` makes of them. */
function pool(
  x: ReferenceTensor,
  attributes: PoolAttributes,
  combine: (elements: number[], top: number, left: number) => number,
): ReferenceTensor[] {
  const { kernel, dilations } = attributes;
  const [batch, channels, height, width] = x.shape;
  const [tops, lefts] = startsOf(x, kernel, attributes, attributes.ceilMode);
  const out = zeros([batch, channels, tops.length, lefts.length]);
  let position = 0;
  for (let plane = 0; plane < batch * channels; plane++) {
    for (const top of tops) {
      for (const left of lefts) {
        const elements: number[] = [];
        for (let ky = 0; ky < kernel[0]; ky++) {
          const y = top + ky * dilations[0];
          if (y < 0 || y >= height) continue;
          for (let kx = 0; kx < kernel[1]; kx++) {
            const xx = left + kx * dilations[1];
            if (xx >= 0 && xx < width) elements.push(x.data[(plane * height + y) * width + xx]);
          }
        }
        out.data[position++] = combine(elements, top, left);
      }
    }
  }
  return [out];
}

/** ONNX MaxPool. */
export function maxPool(node: Node<"MaxPool">, [x]: readonly ReferenceTensor[]): ReferenceTensor[] {
  return pool(x, node.attributes, (elements) => elements.reduce((most, element) => Math.max(most, element), -Infinity));
}

/** ONNX AveragePool; pads may count, but never what rounding up adds beyond them. */
export function averagePool(node: Node<"AveragePool">, [x]: readonly ReferenceTensor[]): ReferenceTensor[] {
  const { kernel, pads, countIncludePad } = node.attributes;
  const [, , height, width] = x.shape;
  return pool(x, node.attributes, (elements, top, left) => {
    const rows = Math.min(top + kernel[0], height + pads[2]) - top;
    const columns = Math.min(left + kernel[1], width + pads[3]) - left;
    const count = countIncludePad ? rows * columns : elements.length;
    return elements.reduce((sum, element) => sum + element, 0) / count;
  });
}
