/**
 * First values of weights. They are drawn when their data is first read, so that a model can be counted, printed and planned without its
 * weights; each constant has a generator of its own, seeded by the model's seed and its name, so that the values do not depend on that
 * order, nor on what else the model holds.
 *
 * @module
 */

import { Random } from "../numbers/random.ts";
import { type Constant, type Shape, sizeOf } from "../graph/graph.ts";

/**
 * How the elements of a weight are drawn; fan-in is the number of products summed by an output element, fan-out is outputs
 * times kernel size over groups.
 * - `uniformFanIn`: uniform within +-1 / sqrt(fan-in), what PyTorch does unless told otherwise (and YOLO11 with it).
 * - `normalFanOut`: normal with variance 2 / fan-out (He et al. 2015, for ReLU networks), as MobileNetV3 and EfficientNet do.
 * - a number: all elements the same.
 * - `{ normal }`: normal with that standard deviation; `{ uniform }`: uniform within +- that bound.
 * - `{ repeat }`: these numbers, over and over.
 */
export type Initialisation =
  | "uniformFanIn"
  | "normalFanOut"
  | number
  | { readonly normal: number }
  | { readonly uniform: number }
  | { readonly repeat: readonly number[] };

/** FNV-1a over the name's characters, begun from the seed. */
function seedOf(seed: number, name: string): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash;
}

/** A function that draws elements. `fanIn` and `groups` serve the rules that ask for them. */
function drawer(
  rule: Exclude<Initialisation, number>,
  shape: Shape,
  fanIn: number,
  groups: number,
  random: Random,
): () => number {
  if (rule === "uniformFanIn") rule = { uniform: 1 / Math.sqrt(fanIn) };
  if (rule === "normalFanOut") rule = { normal: Math.sqrt((2 * groups) / (shape[0] * sizeOf(shape.slice(2)))) };
  if ("repeat" in rule) {
    const { repeat } = rule;
    let next = 0;
    return () => repeat[next++ % repeat.length];
  }
  if ("normal" in rule) {
    const { normal } = rule;
    return () => normal * random.normal();
  }
  const { uniform } = rule;
  return () => random.uniform(-uniform, uniform);
}

/** A float constant whose data `make` makes when it is first read. */
export function lazyConstant(shape: Shape, make: () => Float32Array): Constant {
  let data: Float32Array | undefined;
  return {
    dtype: "f32",
    shape,
    get data() {
      return data ??= make();
    },
  };
}

/** What to draw, and with what. */
export interface InitialisedConstant {
  /** Name of the constant: part of the seed. */
  readonly name: string;
  readonly shape: Shape;
  readonly rule: Initialisation;
  /** The model's seed. */
  readonly seed: number;
  /** Products summed by an output element; that of a convolution's or matrix's weight `[out, in / groups, ...]` by default. */
  readonly fanIn?: number;
  /** Groups of the convolution; 1 by default. */
  readonly groups?: number;
}

/** A float constant that a rule draws when its data is first read. */
export function initialised({ name, shape, rule, seed, fanIn, groups = 1 }: InitialisedConstant): Constant {
  return lazyConstant(shape, () => {
    const data = new Float32Array(sizeOf(shape));
    if (typeof rule === "number") return data.fill(rule);
    const draw = drawer(rule, shape, fanIn ?? sizeOf(shape.slice(1)), groups, new Random(seedOf(seed, name)));
    for (let i = 0; i < data.length; i++) data[i] = draw();
    return data;
  });
}
