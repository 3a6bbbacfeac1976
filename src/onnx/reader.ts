/**
 * One ONNX node as the operator functions see it: typed attributes, inputs known at import, and errors that name the node.
 *
 * @module
 */

import type { onnx } from "npm:onnx-proto@8.0.1";
import { FeatherdetError } from "../graph/error.ts";
import type { Shape, TensorType } from "../graph/graph.ts";
import type { Pair } from "../graph/operators.ts";
import { toNumber } from "./proto.ts";
import { decodeTensor, type OnnxTensor } from "./tensor.ts";

/** What is known of the values made so far. */
export interface Scope {
  /** The elements of a value, if they are known at import. */
  tensor(name: string): OnnxTensor | undefined;
  /** Type of a value; undefined if nothing makes it. */
  type(name: string): TensorType | undefined;
  /** Whether anything takes this value. */
  used(name: string): boolean;
  /** Enters a tensor that the file leaves out; returns its name, which is or begins with `base`. */
  enter(base: string, tensor: OnnxTensor): string;
  /** A name, `base` or one that begins with it, that no value has. */
  fresh(base: string): string;
  /** Takes that many elements off what the import may compute. Throws FeatherdetError where it is used up. */
  spend(elements: number): void;
}

/** The identity of a node within its file. */
export interface NodeIdentity {
  readonly name: string;
  readonly op: string;
  readonly opset: number;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

const text = new TextDecoder();

/** ONNX's numbers of the types of attributes. */
const KIND_NUMBER = {
  "a float": 1,
  "a whole number": 2,
  text: 3,
  "a tensor": 4,
  "a graph": 5,
  "a list of floats": 6,
  "a list of whole numbers": 7,
  "a list of texts": 8,
} as const;

type AttributeKind = keyof typeof KIND_NUMBER;

/**
 * Reads one node. Attributes that an operator function does not ask for (or ignore on purpose) make `finish` fail, so that
 * nothing a model says is passed over in silence.
 */
export class NodeReader {
  readonly name: string;
  readonly op: string;
  readonly opset: number;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Set where the node is read as one over images of height 1, since it has one spatial axis. */
  hasWidthAlone = false;
  readonly #attributes: ReadonlyMap<string, onnx.IAttributeProto>;
  #unread: Set<string>;
  readonly #scope: Scope;

  constructor(identity: NodeIdentity, attributes: ReadonlyMap<string, onnx.IAttributeProto>, scope: Scope) {
    this.name = identity.name;
    this.op = identity.op;
    this.opset = identity.opset;
    this.inputs = identity.inputs;
    this.outputs = identity.outputs;
    this.#attributes = attributes;
    this.#unread = new Set(attributes.keys());
    this.#scope = scope;
  }

  /** The same node over other inputs, of which some have the given types since nothing has made them yet. */
  over(
    inputs: readonly string[],
    outputs: readonly string[],
    types: ReadonlyMap<string, TensorType>,
    hasWidthAlone = false,
  ): NodeReader {
    const scope = this.#scope;
    const inner: Scope = {
      tensor: (name) => types.has(name) ? undefined : scope.tensor(name),
      type: (name) => types.get(name) ?? scope.type(name),
      used: (name) => scope.used(name),
      enter: (base, tensor) => scope.enter(base, tensor),
      fresh: (base) => scope.fresh(base),
      spend: (elements) => scope.spend(elements),
    };
    const { name, op, opset } = this;
    const node = new NodeReader({ name, op, opset, inputs, outputs }, this.#attributes, inner);
    node.hasWidthAlone = hasWidthAlone;
    // What it reads of attributes is read.
    node.#unread = this.#unread;
    return node;
  }

  /** Throws the error of this node. */
  fail(detail: string): never {
    throw new FeatherdetError(detail, { node: this.name, operator: this.op });
  }

  /** Fails if an attribute was neither read nor ignored. */
  finish(): void {
    const [first] = this.#unread;
    if (first !== undefined) this.fail(`attribute "${first}" is not supported in operator set ${this.opset}`);
  }

  /** Announces that many elements before they are made. Throws FeatherdetError where the file has used up what it may make. */
  spend(elements: number): void {
    this.#scope.spend(elements);
  }

  /** Passes over attributes that change nothing here. */
  ignore(...names: string[]): void {
    for (const name of names) this.#unread.delete(name);
  }

  /** Whether the attribute is given. */
  gives(name: string): boolean {
    return this.#attributes.has(name);
  }

  #attribute(name: string, kind: AttributeKind): onnx.IAttributeProto | undefined {
    this.#unread.delete(name);
    const attribute = this.#attributes.get(name);
    if (attribute?.refAttrName) this.fail(`attribute "${name}" refers to a function's attribute, not supported`);
    // Files of the first format leave the type off.
    const type = attribute?.type || KIND_NUMBER[kind];
    if (type !== KIND_NUMBER[kind]) {
      const found = Object.entries(KIND_NUMBER).find(([, number]) => number === type)?.[0] ?? `of type ${type}`;
      this.fail(`attribute "${name}" is ${found} but must be ${kind}`);
    }
    return attribute;
  }

  /** A whole-number attribute. */
  int(name: string, absent: number): number {
    const attribute = this.#attribute(name, "a whole number");
    return attribute ? toNumber(attribute.i) : absent;
  }

  /** A number attribute. */
  float(name: string, absent: number): number {
    const attribute = this.#attribute(name, "a float");
    // Attributes are stored as f32; a default has to be the number it would have been stored as.
    return attribute ? attribute.f ?? 0 : Math.fround(absent);
  }

  /** A text attribute. */
  string(name: string, absent: string): string {
    const attribute = this.#attribute(name, "text");
    return attribute ? text.decode(attribute.s ?? undefined) : absent;
  }

  /** A list of whole numbers; undefined if it is not given. */
  ints(name: string): number[] | undefined {
    return this.#attribute(name, "a list of whole numbers")?.ints?.map(toNumber);
  }

  /** A list of numbers; undefined if it is not given. */
  floats(name: string): number[] | undefined {
    const floats = this.#attribute(name, "a list of floats")?.floats;
    return floats ? [...floats] : undefined;
  }

  /** A tensor attribute. */
  tensorAttribute(name: string): OnnxTensor | undefined {
    const tensor = this.#attribute(name, "a tensor")?.t;
    return tensor ? decodeTensor(tensor, `attribute "${name}"`) : undefined;
  }

  /** A list of two whole numbers, for the height and the width; of one where there is a width alone. */
  pair(name: string, absent: Pair): Pair {
    const list = this.ints(name);
    if (!list) return absent;
    if (this.hasWidthAlone && list.length !== 1) {
      this.fail(`attribute "${name}" [${list.join(",")}] has not one spatial axis`);
    }
    if (this.hasWidthAlone) return [absent[0], list[0]];
    if (list.length !== 2) this.fail(`attribute "${name}" [${list.join(",")}] has not two spatial axes`);
    return [list[0], list[1]];
  }

  /** Whether the (optional) input is given. */
  has(index: number): boolean {
    return !!this.inputs[index];
  }

  /** Name of an input. */
  input(index: number): string {
    return this.inputs[index] || this.fail(`lacks input ${index}`);
  }

  /** Names of the inputs from the first on, without absent ones at the end; fails if one in between is absent. */
  operands(least: number, most = Infinity): string[] {
    let count = this.inputs.length;
    while (count > least && !this.inputs[count - 1]) count--;
    if (count > most) this.fail(`has ${count} inputs; at most ${most} are supported`);
    return Array.from({ length: Math.max(count, least) }, (_, index) => this.input(index));
  }

  /** Type of an input. */
  type(index: number): TensorType {
    const name = this.input(index);
    return this.#scope.type(name) ?? this.fail(`input "${name}" is made by no node`);
  }

  /** Shape of an input. */
  shape(index: number): Shape {
    return this.type(index).shape;
  }

  /** The elements of an input that must be known at import; undefined only if the input is absent. */
  known(index: number, what: string): OnnxTensor | undefined {
    if (!this.has(index)) return undefined;
    const name = this.inputs[index];
    this.type(index);
    return this.#scope.tensor(name) ?? this.fail(`${what} "${name}" must be constant but is computed from the inputs`);
  }

  /** Enters a tensor that the file does not hold, under a name of its own; returns that. */
  enter(what: string, tensor: OnnxTensor): string {
    return this.#scope.enter(`${this.name}/${what}`, tensor);
  }

  /** A fresh name for a value between the nodes that this one becomes. */
  freshValue(what: string): string {
    return this.#scope.fresh(`${this.name}/${what}`);
  }

  /** Name of an optional input, or of the tensor that stands for it where it is absent. */
  inputOr(index: number, what: string, absent: () => OnnxTensor): string {
    return this.has(index) ? this.inputs[index] : this.#scope.enter(`${this.name}/${what}`, absent());
  }

  /** The elements of an input if they are known at import. */
  tensor(index: number): OnnxTensor | undefined {
    return this.has(index) ? this.#scope.tensor(this.inputs[index]) : undefined;
  }

  /** The numbers of an input that must be known at import. */
  numbers(index: number, what: string): number[] | undefined {
    const tensor = this.known(index, what);
    if (tensor === undefined) return undefined;
    // Any number of nodes may name the same tensor.
    this.spend(tensor.data.length);
    return Array.from(tensor.data);
  }

  /** The single number of an input that must be known at import. */
  scalar(index: number, what: string, absent: number): number {
    const numbers = this.numbers(index, what);
    if (!numbers) return absent;
    if (numbers.length !== 1) this.fail(`${what} must be one number but has ${numbers.length}`);
    return numbers[0];
  }

  /** An axis counted from the front. */
  axis(axis: number, rank: number): number {
    const front = axis < 0 ? axis + rank : axis;
    if (!Number.isInteger(front) || front < 0 || front >= rank) {
      this.fail(`axis ${axis} does not exist in rank ${rank}`);
    }
    return front;
  }

  /** Fails if an output beyond the first is used by anything. */
  onlyFirstOutput(what: string): void {
    const used = this.outputs.slice(1).find((name) => name && this.#scope.used(name));
    if (used) this.fail(`${what} "${used}" is used, which is not supported`);
  }
}
