/**
 * What one element of a value is as a function of one element of a map: the nodes between are followed back place by place. So it does
 * not matter how an exporter spells a tail that moves elements and computes with each of them by itself.
 *
 * @module
 */

import { type Shape, stridesOf } from "../graph/graph.ts";
import type { GraphIndex } from "../graph/graph_index.ts";
import type { Node } from "../graph/operators.ts";
import { pairValue } from "../graph/pairs.ts";
import { isUnary, unaryRow } from "../graph/unary.ts";

/** An element: a number, or what a function makes of an element of a map. */
export interface TracedElement {
  /** The map; undefined for a number. */
  readonly map?: string;
  /** Place of the element in the map, row-major; 0 for a number. */
  readonly at: number;
  /** What becomes of it. */
  readonly of: (x: number) => number;
}

/** Place along an axis of a row-major place in a shape, with what lies before and behind it. */
function along(shape: Shape, axis: number, at: number) {
  const inner = stridesOf(shape)[axis], extent = shape[axis];
  return { outer: Math.floor(at / (inner * extent)), place: Math.floor(at / inner) % extent, rest: at % inner, inner };
}

/** The place in an operand that broadcasting shows at a place of the result. */
function spread(from: Shape, to: Shape, at: number): number {
  const strides = stridesOf(from), outer = stridesOf(to), lead = to.length - from.length;
  return from.reduce((sum, extent, axis) => {
    const place = Math.floor(at / outer[lead + axis]) % to[lead + axis];
    return extent === 1 ? sum : sum + place * strides[axis];
  }, 0);
}

/** Follows elements of a graph's values back to maps, which `isMap` knows. */
export class ElementTracer {
  readonly #index: GraphIndex;
  readonly #isMap: (value: string) => boolean;

  constructor(index: GraphIndex, isMap: (value: string) => boolean) {
    this.#index = index;
    this.#isMap = isMap;
  }

  /** The element at a row-major place; undefined where it depends on more than one, or on something else than a map. */
  trace(value: string, at: number): TracedElement | undefined {
    if (this.#isMap(value)) return { map: value, at, of: (x) => x };
    const constant = this.#index.constantOf(value);
    if (constant) {
      const number = constant.data[at];
      return { at: 0, of: () => number };
    }
    const node = this.#index.producerOf(value);
    return node && this.#through(node, value, at);
  }

  #through(node: Node, value: string, at: number): TracedElement | undefined {
    const shapeOf = (name: string) => this.#index.shapeOf(name), shape = shapeOf(value);
    const [x] = node.inputs;
    switch (node.op) {
      case "Reshape":
        return this.trace(x, at);
      case "Transpose": {
        const from = stridesOf(shapeOf(x)), to = stridesOf(shape);
        const back = node.attributes.perm.reduce(
          (sum, axis, i) => sum + Math.floor(at / to[i]) % shape[i] * from[axis],
          0,
        );
        return this.trace(x, back);
      }
      case "Concat": {
        const { axis } = node.attributes, { outer, place, rest, inner } = along(shape, axis, at);
        let first = 0;
        for (const part of node.inputs) {
          const extent = shapeOf(part)[axis];
          if (place < first + extent) return this.trace(part, (outer * extent + place - first) * inner + rest);
          first += extent;
        }
        return undefined;
      }
      case "Split": {
        const { axis, sizes } = node.attributes, { outer, place, rest, inner } = along(shape, axis, at);
        const first = sizes.slice(0, node.outputs.indexOf(value)).reduce((sum, size) => sum + size, 0);
        return this.trace(x, (outer * shapeOf(x)[axis] + first + place) * inner + rest);
      }
      case "Slice": {
        const { axes, starts, steps } = node.attributes, from = stridesOf(shapeOf(x)), to = stridesOf(shape);
        const back = shape.reduce((sum, extent, axis) => {
          const place = Math.floor(at / to[axis]) % extent, k = axes.indexOf(axis);
          return sum + (k < 0 ? place : starts[k] + place * steps[k]) * from[axis];
        }, 0);
        return this.trace(x, back);
      }
    }
    if (isUnary(node.op)) {
      const { value: apply } = unaryRow(node.op), traced = this.trace(x, at);
      return traced && { ...traced, of: (from) => apply(traced.of(from), node.attributes as never) };
    }
    const apply = pairValue(node.op);
    if (apply === undefined) return undefined;
    const [a, b] = node.inputs.map((input) => this.trace(input, spread(shapeOf(input), shape, at)));
    if (a === undefined || b === undefined) return undefined;
    const isOne = a.map === undefined || b.map === undefined || a.map === b.map && a.at === b.at;
    const { map, at: place } = a.map === undefined ? b : a;
    return isOne ? { map, at: place, of: (from) => apply(a.of(from), b.of(from)) } : undefined;
  }
}
