/**
 * Sub-networks as masks over the weights of the whole: one plan trains all of them, since masks are data.
 *
 * A channel is gone where the scale and bias of its BatchNormalization are 0, a branch where those of its last one are; of a kernel only
 * the centre is left.
 *
 * @module
 */

import { FeatherdetError, type Shape, sizeOf } from "../../graph/mod.ts";
import type { Point } from "../search/space.ts";
import { cutsOf, type ElasticNet } from "./net.ts";

/** Shapes of the masks by the constants that they multiply, with which they broadcast: 1 is kept, 0 is gone. */
export function maskShapes({ graph, rows, options }: ElasticNet): Map<string, Shape> {
  const shapes = new Map<string, Shape>();
  const shapeOf = (name: string) => graph.constants.get(name)!.shape;
  for (const { bundles, branches } of rows) {
    for (const { operator, input, constant } of bundles.flatMap(({ bundle }) => bundle.members)) {
      if (operator === "BatchNormalization" && input <= 2) shapes.set(constant, shapeOf(constant));
    }
    for (const { norm, kernel } of branches) {
      if (options.depth) { for (const name of norm.inputs.slice(1, 3)) shapes.set(name, shapeOf(name)); }
      if (options.kernels && kernel) shapes.set(kernel.inputs[1], [1, 1, ...shapeOf(kernel.inputs[1]).slice(2)]);
    }
  }
  return shapes;
}

/** The masks of the sub-network of a point; all of them, those of ones too. */
export function masksOf(net: ElasticNet, point: Point): Map<string, Float32Array<ArrayBuffer>> {
  const masks = new Map([...maskShapes(net)].map(([name, shape]) => [name, new Float32Array(sizeOf(shape)).fill(1)]));
  const { groups, branches, kernels } = cutsOf(net, point);
  for (const { operator, input, constant, indices } of groups.flatMap(({ members }) => members)) {
    if (operator !== "BatchNormalization" || input > 2) continue;
    const mask = masks.get(constant);
    if (!mask) throw new FeatherdetError(`"${constant}" of an elastic network has no mask`, { file: net.graph.name });
    for (const index of indices) mask[index] = 0;
  }
  for (const { norm } of branches) for (const name of norm.inputs.slice(1, 3)) masks.get(name)!.fill(0);
  for (const [weight, side] of kernels) {
    const mask = masks.get(weight)!, whole = net.graph.constants.get(weight)!.shape[2], from = whole - side >> 1;
    for (let at = 0; at < mask.length; at++) {
      const inside = [Math.floor(at / whole), at % whole].every((place) => place >= from && place < from + side);
      if (!inside) mask[at] = 0;
    }
  }
  return masks;
}
