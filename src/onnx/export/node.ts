/**
 * ONNX nodes as they are written, and what writing one takes.
 *
 * @module
 */

import type { Constant, Shape } from "../../graph/graph.ts";
import type { Node } from "../../graph/operators.ts";
import type { AttributeValue } from "./attributes.ts";

/** Operator set of the written files. */
export const OPSET = 17;

/** What a node needs beyond itself: parameters that ONNX takes as inputs, values in between. */
export interface Writer {
  /** Adds a list, or a single number, as an initializer; returns its name. */
  numbers(suffix: string, type: "int64" | "float", numbers: readonly number[] | number): string;
  /** Adds an initializer that the whole file shares, known by its name; returns that, or another if it is taken. */
  shared(name: string, constant: Constant | readonly number[]): string;
  /** A fresh name for a value between two ONNX nodes. */
  value(suffix: string): string;
  /** Shape of a value of the graph. */
  shape(name: string): Shape;
}

/** An ONNX node in plain form. */
export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

/** The node itself, with ONNX's attributes and, where they differ, its inputs. */
export function same(
  node: Node,
  attributes: OnnxNode["attributes"] = {},
  inputs: readonly string[] = node.inputs,
): OnnxNode[] {
  return [{ op: node.op, inputs, outputs: node.outputs, attributes }];
}
