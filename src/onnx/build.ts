/**
 * Builds the graph node by node: folds known values, names nameless ones, and checks every node.
 *
 * @module
 */

import type { onnx } from "npm:onnx-proto@8.0.1";
import { FeatherdetError } from "../graph/error.ts";
import type { Constant, ElementType, Graph, GraphInput, TensorType } from "../graph/graph.ts";
import { inferNode } from "../graph/infer.ts";
import type { Node } from "../graph/operators.ts";
import { freeName, uniqueName, withNodes } from "../graph/rewrite.ts";
import { ALIAS, type Draft } from "./draft.ts";
import { elementsMade, evaluate } from "./fold/evaluate.ts";
import { FOLDS, needsTypesOnly } from "./fold/mod.ts";
import { ONNX_OPERATORS, QLINEAR_OPERATORS } from "./operators/mod.ts";
import { recognisePackedWeights } from "./packed_weights.ts";
import type { DecodedModel } from "./proto.ts";
import type { Initializers } from "./initializers.ts";
import { orderNodes } from "./order.ts";
import { NodeReader, type Scope } from "./reader.ts";
import { type OnnxTensor, type OnnxType, toConstant } from "./tensor.ts";

const ELEMENT: Record<OnnxType, ElementType> = {
  f32: "f32",
  f64: "f32",
  i64: "i32",
  u64: "i32",
  i32: "i32",
  u32: "i32",
  i16: "i32",
  u16: "i32",
  i8: "i8",
  u8: "u8",
  bool: "u8",
};

/** One import in progress. */
class Builder implements Scope {
  readonly #file: string;
  readonly #opset: number;
  readonly #known: Initializers;
  readonly #types = new Map<string, TensorType>();
  readonly #aliases = new Map<string, string>();
  readonly #uses: ReadonlySet<string>;
  /** Every name of a value in the file, and those that were added. */
  readonly #valueNames: Set<string>;
  /** Values that nodes of the graph make. */
  readonly #made = new Set<string>();
  readonly #nodes: Node[] = [];
  readonly #constants = new Map<string, Constant>();
  readonly #nodeNames = new Set<string>();

  constructor(
    model: DecodedModel,
    nodes: readonly onnx.INodeProto[],
    known: Initializers,
    inputs: readonly GraphInput[],
    file: string,
  ) {
    this.#file = file;
    this.#opset = model.opset;
    this.#known = known;
    for (const { name, dtype, shape } of inputs) this.#types.set(name, { dtype, shape });
    const outputs = (model.graph.output ?? []).map(({ name }) => name ?? "");
    this.#uses = new Set([...nodes.flatMap(({ input }) => input ?? []), ...outputs]);
    this.#valueNames = new Set([...this.#uses, ...nodes.flatMap(({ output }) => output ?? []), ...this.#types.keys()]);
  }

  /** Name under which a value is made. */
  resolve(name: string): string {
    return this.#aliases.get(name) ?? name;
  }

  tensor(name: string): OnnxTensor | undefined {
    return this.#known.get(this.resolve(name));
  }

  type(name: string): TensorType | undefined {
    const type = this.#types.get(this.resolve(name));
    if (type) return type;
    const tensor = this.tensor(name);
    return tensor && { dtype: ELEMENT[tensor.dtype], shape: tensor.shape };
  }

  used(name: string): boolean {
    return this.#uses.has(name);
  }

  enter(base: string, tensor: OnnxTensor): string {
    const name = this.fresh(base);
    this.#known.set(name, tensor);
    return name;
  }

  fresh(base: string): string {
    return uniqueName(this.#valueNames, base);
  }

  spend(elements: number): void {
    this.#known.budget.spend(elements);
  }

  /** Takes the nodes of the file, each behind those whose values it reads. */
  add(proto: onnx.INodeProto): void {
    const op = proto.opType ?? "";
    // What is folded away leaves its name to others.
    const name = freeName(this.#nodeNames, proto.name || op);
    try {
      this.#addNamed(proto, op, name);
    } catch (error) {
      throw error instanceof FeatherdetError ? error.at({ file: this.#file, node: name, operator: op }) : error;
    }
  }

  #addNamed(proto: onnx.INodeProto, op: string, name: string): void {
    const domain = proto.domain && proto.domain !== "ai.onnx" ? proto.domain : undefined;
    const operators = domain === undefined ? ONNX_OPERATORS : domain === "com.microsoft" ? QLINEAR_OPERATORS : {};
    if (domain !== undefined && !Object.hasOwn(operators, op)) {
      throw new FeatherdetError(`operator domain "${domain}" is not supported`);
    }
    const inputs = proto.input ?? [], outputs = proto.output ?? [];
    const attributes = new Map((proto.attribute ?? []).map((attribute) => [attribute.name ?? "", attribute]));
    // A value without a name cannot be asked for, but a node has to have an output.
    const named = outputs.length === 0 || !outputs[0] ? [`${name}/output`, ...outputs.slice(1)] : outputs;
    const node = new NodeReader({ name, op, opset: this.#opset, inputs, outputs: named }, attributes, this);
    const isKnown = inputs.every((input) => !input || this.tensor(input) !== undefined);
    const fold = domain === undefined && Object.hasOwn(FOLDS, op) ? FOLDS[op] : undefined;
    if (fold && (isKnown || needsTypesOnly(op))) {
      if (isKnown) { for (const input of inputs) this.spend(this.tensor(input)?.data.length ?? 0); }
      const made = fold(node);
      (Array.isArray(made) ? made : [made]).forEach((tensor, index) => {
        if (named[index]) this.#known.set(named[index], tensor);
      });
      return node.finish();
    }
    const operator = Object.hasOwn(operators, op) ? operators[op] : this.#refuse(node, fold !== undefined);
    const drafts = operator(node);
    node.finish();
    if (drafts === ALIAS) {
      this.#aliases.set(named[0], this.resolve(node.input(0)));
      return;
    }
    for (const draft of drafts) this.#place(node, draft, draft === drafts.at(-1));
  }

  #refuse(node: NodeReader, isFold: boolean): never {
    const shapes = node.inputs.map((name, index) => name ? `[${node.shape(index).join(",")}]` : "none").join(", ");
    return node.fail(
      isFold
        ? `is supported only for constants, but its inputs ${shapes} are computed`
        : `operator is not supported (inputs ${shapes || "none"})`,
    );
  }

  #place(node: NodeReader, draft: Draft, isLast: boolean): void {
    if (draft.inputs.every((input) => this.tensor(input) !== undefined)) {
      this.spend(elementsMade(draft.op, draft.inputs.map((input) => this.tensor(input)!)));
      const results = evaluate(draft, draft.inputs.map((input) => this.tensor(input)!));
      if (results) return draft.outputs.forEach((output, position) => this.#known.set(output, results[position]));
    }
    const name = uniqueName(this.#nodeNames, isLast ? node.name : `${node.name}/${draft.op}`);
    const inputs = draft.inputs.map((input) => this.#operand(input));
    const { op, attributes, outputs, sizeRule } = draft;
    // Operator, attributes and rule come from one member of the union, which a rest object does not show.
    const made = { op, name, inputs, outputs, attributes, ...sizeRule && { sizeRule } } as Node;
    inferNode(made, inputs.map((input) => this.type(input)!)).forEach((type, position) => {
      const output = outputs[position];
      this.#types.set(output, type);
      this.#made.add(output);
    });
    this.#nodes.push(made);
  }

  /** Name of a node's input, entered as a constant of the graph if it is one. */
  #operand(input: string): string {
    const name = this.resolve(input);
    if (this.#types.has(name) || this.#constants.has(name)) return name;
    const tensor = this.#known.get(name);
    if (!tensor) throw new FeatherdetError(`input "${name}" is made by no node`);
    this.#constants.set(name, toConstant(tensor, `constant "${name}"`));
    return name;
  }

  /** The nodes and constants, with the outputs named as the file names them. */
  finish(outputs: readonly string[]): Pick<Graph, "nodes" | "constants"> {
    const renames = new Map<string, string>();
    for (const output of outputs) {
      const source = this.resolve(output);
      if (source === output && this.#types.has(output)) continue;
      const isFree = this.#made.has(source) && !outputs.includes(source) && !renames.has(source);
      if (isFree) renames.set(source, output);
      else this.#copy(source, output);
    }
    return { nodes: this.#nodes.map((node) => renamed(node, renames)), constants: this.#constants };
  }

  /** Makes an output of a value that has to keep its own name: an input, a constant, another output. */
  #copy(source: string, output: string): void {
    const tensor = this.#types.has(source) ? undefined : this.#known.get(source);
    const input = tensor ? `${output}/constant` : source;
    if (tensor) this.#constants.set(input, toConstant(tensor, `output "${output}"`));
    const shape = tensor?.shape ?? this.#types.get(source)?.shape;
    if (!shape) throw new FeatherdetError(`output "${output}" is made by no node`, { file: this.#file });
    const name = uniqueName(this.#nodeNames, `${output}/copy`);
    this.#nodes.push({ op: "Reshape", name, inputs: [input], outputs: [output], attributes: { shape } });
  }
}

function renamed(node: Node, renames: ReadonlyMap<string, string>): Node {
  if (![...node.inputs, ...node.outputs].some((name) => renames.has(name))) return node;
  const rename = (name: string) => renames.get(name) ?? name;
  return { ...node, inputs: node.inputs.map(rename), outputs: node.outputs.map(rename) };
}

/**
 * Builds the graph of a decoded model for inputs of the given types; not yet verified.
 *
 * Throws FeatherdetError, with file, node, operator and shapes, for what is not supported or does not fit.
 */
export function buildGraph(
  model: DecodedModel,
  initializers: Initializers,
  inputs: readonly GraphInput[],
  file: string,
): Graph {
  const outputs = (model.graph.output ?? []).map(({ name }) => name ?? "");
  if (outputs.length === 0) throw new FeatherdetError("names no output", { file });
  const given = new Set(inputs.map(({ name }) => name));
  const nodes = orderNodes(model.graph.node ?? [], outputs, (name) => given.has(name) || initializers.has(name));
  const builder = new Builder(model, nodes, initializers, inputs, file);
  for (const node of recognisePackedWeights({ ...model.graph, node: nodes }, initializers)) builder.add(node);
  const { nodes: made, constants } = builder.finish(outputs);
  const graph = {
    name: model.graph.name || "model",
    inputs,
    outputs,
    nodes: made,
    constants,
    metadata: model.metadata,
  };
  // Nodes that were there only for their shapes are not needed any more.
  return withNodes(graph, made);
}
