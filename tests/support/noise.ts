/**
 * Weights and pictures that follow from names by integer arithmetic, the same here as in `tests/fixtures/make_backbone_cases.py`.
 *
 * @module
 */

import { type Constant, type Graph, type Shape, sizeOf } from "../../src/graph/graph.ts";

/** Numbers in `[-1, 1)`: FNV-1a of the name, then the finalizer of MurmurHash3 over index times the golden ratio. */
export function noise(name: string, count: number): Float64Array {
  let seed = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) seed = Math.imul(seed ^ name.charCodeAt(i), 0x01000193);
  return Float64Array.from({ length: count }, (_, index) => {
    let x = Math.imul(index, 0x9e3779b1) + seed;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    return ((x ^ (x >>> 16)) >>> 0) / 2 ** 31 - 1;
  });
}

function noiseConstant(name: string, shape: Shape): Constant {
  const values = noise(name, sizeOf(shape));
  const isPositive = /\.(weight|running_var)$/.test(name);
  const spread = Math.sqrt(6 / sizeOf(shape.slice(1)));
  const make = shape.length > 1
    ? (value: number) => value * spread
    : (value: number) => isPositive ? 1 + value / 2 : value / 4;
  return { dtype: "f32", shape, data: Float32Array.from(values, make) };
}

/** The model with every float constant replaced: He's variance for weights, moderate statistics. */
export function noisy(graph: Graph): Graph {
  const constants = [...graph.constants].map(([name, constant]) =>
    [name, constant.dtype === "f32" ? noiseConstant(name, constant.shape) : constant] as const
  );
  return { ...graph, constants: new Map(constants) };
}

/** A picture of numbers in `[0, 1)`, `[N, 3, H, W]`. */
export function noisyPicture(shape: Shape): Float32Array {
  return Float32Array.from(noise("images", sizeOf(shape)), (value) => Math.fround(Math.fround(value) + 1) / 2);
}
