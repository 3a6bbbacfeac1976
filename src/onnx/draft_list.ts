/**
 * Nodes in the making where one ONNX node becomes several.
 *
 * @module
 */

import type { Shape } from "../graph/graph.ts";
import type { BinaryOperator, Operator, OperatorAttributes } from "../graph/operators.ts";
import type { RegroupedExtent, SizeRule } from "../graph/size_rules.ts";
import type { UnaryAttributes, UnaryOperator } from "../graph/unary.ts";
import { regrouped } from "../passes/sizes/rule.ts";
import { type Draft, draft } from "./draft.ts";
import type { NodeReader } from "./reader.ts";
import { tensorOf } from "./tensor.ts";

/** Collects the nodes that stand for one ONNX node; the last makes its output. */
export class DraftList {
  readonly #node: NodeReader;
  readonly #drafts: Draft[] = [];

  constructor(node: NodeReader) {
    this.#node = node;
  }

  /** Adds a node of one output and returns the name of that: a fresh one, or the given one. */
  add<K extends Operator>(
    op: K,
    inputs: readonly string[],
    attributes: OperatorAttributes[K],
    options: { readonly output?: string; readonly sizeRule?: SizeRule<K> } = {},
  ): string {
    const { output = this.#node.freshValue(op.toLowerCase()), sizeRule } = options;
    this.#drafts.push(...draft(this.#node, op, attributes, { inputs, outputs: [output], sizeRule }));
    return output;
  }

  /** Adds nodes that are made already, and returns the output of the last. */
  take(...drafts: readonly Draft[]): string {
    this.#drafts.push(...drafts);
    return drafts[drafts.length - 1].outputs[0];
  }

  /** Adds an operator of two inputs. */
  binary(op: BinaryOperator, a: string, b: string): string {
    return this.add(op, [a, b], {} as OperatorAttributes[typeof op]);
  }

  /** Adds an operator on single elements without attributes. */
  unary<K extends UnaryOperator>(op: K, x: string, attributes: UnaryAttributes[K]): string {
    return this.add(op, [x], attributes as OperatorAttributes[K]);
  }

  /** Adds a Reshape to extents that follow from those of the input. */
  regroup(x: string, shape: Shape, extents: readonly RegroupedExtent[], output?: string): string {
    return this.add("Reshape", [x], { shape: regrouped(shape, extents)! }, { output, sizeRule: { extents } });
  }

  /** A number as a constant without axes. */
  number(value: number): string {
    return this.#node.enter("number", tensorOf("f32", [], [value]));
  }

  /** A list of numbers as a constant of that shape. */
  numbers(shape: Shape, values: ArrayLike<number>): string {
    return this.#node.enter("numbers", tensorOf("f32", shape, values));
  }

  /** Name of an input as floats: numbers known at import are converted, others are cast. */
  float(index: number): string {
    const name = this.#node.input(index), { dtype } = this.#node.type(index);
    if (dtype === "f32") return name;
    const tensor = this.#node.tensor(index);
    if (tensor) return this.#node.enter("float", tensorOf("f32", tensor.shape, tensor.data));
    return this.add("Cast", [name], { to: "f32" });
  }

  /** 1 less a value of 0 and 1. */
  not(x: string): string {
    return this.binary("Sub", this.number(1), x);
  }

  /** The nodes, of which the last makes the ONNX node's first output. */
  finish(): Draft[] {
    const last = this.#drafts.length - 1;
    const [output] = this.#node.outputs;
    return this.#drafts.map((each, index) => index === last ? { ...each, outputs: [output] } as Draft : each);
  }
}
