/**
 * From a graph to the graph that also computes gradients, by reverse accumulation: nodes are visited last to first, and each adds what
 * it knows to the gradients of its inputs.
 *
 * Forward and backward are one graph, so that one plan shares memory between them and one submission runs both. Nothing becomes an
 * input or stops being a constant here: a trainer, which changes weights between runs, first makes them inputs (`trainingGraph`);
 * other callers (importance of weights, sensitivity) leave them constants.
 *
 * @module
 */

import {
  consumers,
  FeatherdetError,
  type Graph,
  type GraphInput,
  namesOf,
  sizeOf,
  withNodes,
} from "../../graph/mod.ts";
import { GradientContext } from "./context.ts";
import { gradientsOf } from "./table.ts";

/** Where gradients start and what they are wanted for. */
export interface GradientOptions {
  /** The value to differentiate, of one element. Either this or `seeds`. */
  readonly loss?: string;
  /**
   * Where the gradients of some values are computed elsewhere: value -> name of its gradient, which is another value of the graph
   * (an output of a loss operator) or, where nothing has that name, becomes an input of the value's shape.
   */
  readonly seeds?: Readonly<Record<string, string>>;
  /** Inputs, constants or values in between that gradients are wanted for. */
  readonly wrt: readonly string[];
}

/** A graph that computes gradients. */
export interface GradientGraph {
  /**
   * The forward graph with its inputs, outputs and names, seeds as further inputs and gradients as further outputs. Nodes that
   * neither needs are gone.
   */
  readonly graph: Graph;
  /**
   * The value that holds the gradient, of the same shape, by the name of what it is the gradient of. One value may serve two names.
   * A name on which the loss does not depend has no entry.
   */
  readonly gradients: ReadonlyMap<string, string>;
}

/** Values that depend on one of the names, those themselves included. */
function dependents(graph: Graph, names: readonly string[]): Set<string> {
  const found = new Set(names);
  for (const { inputs, outputs } of graph.nodes) {
    if (inputs.some((name) => found.has(name))) outputs.forEach((name) => found.add(name));
  }
  return found;
}

/** Gradients as they gather: what the readers of a value contribute, summed once it is asked for. */
class Gradients {
  readonly #parts = new Map<string, string[]>();

  constructor(private readonly context: GradientContext) {}

  add(value: string, gradient: string): void {
    const parts = this.#parts.get(value);
    if (parts) parts.push(gradient);
    else this.#parts.set(value, [gradient]);
  }

  of(value: string): string | undefined {
    const parts = this.#parts.get(value);
    if (!parts) return undefined;
    const sum = parts.reduce((a, b) => this.context.one("Add", `gradient/${value}/sum`, [a, b], {}));
    this.#parts.set(value, [sum]);
    return sum;
  }
}

function start(
  graph: Graph,
  context: GradientContext,
  { loss, seeds }: GradientOptions,
): { readonly seeds: ReadonlyMap<string, string>; readonly inputs: readonly GraphInput[] } {
  if ((loss === undefined) === (seeds === undefined)) {
    throw new FeatherdetError(`gradients of graph "${graph.name}" start at either a loss or seeds: state one of them`);
  }
  if (loss !== undefined) {
    const { shape } = context.typeOf(loss);
    if (sizeOf(shape) !== 1) {
      throw new FeatherdetError(`loss "${loss}" is [${shape.join(",")}], a loss has one element: state seeds instead`);
    }
    return { seeds: new Map([[loss, context.full(shape, 1)]]), inputs: [] };
  }
  const existing = consumers(graph);
  const inputs = new Map<string, GraphInput>();
  for (const [value, name] of Object.entries(seeds!)) {
    const type = context.typeOf(value);
    if (!existing.has(name) && !inputs.has(name)) {
      inputs.set(name, { name, ...type });
      context.declare(name, type);
    }
    const { shape } = context.typeOf(name);
    if (shape.join() !== type.shape.join()) {
      throw new FeatherdetError(
        `gradient "${name}" is [${shape.join(",")}], but "${value}", which it is stated for, is [${
          type.shape.join(",")
        }]`,
      );
    }
  }
  return { seeds: new Map(Object.entries(seeds!)), inputs: [...inputs.values()] };
}

/**
 * The graph that computes, besides its outputs, the gradients of a loss. Only what the gradients need is computed; a value that
 * several nodes read has the sum of what they contribute.
 *
 * ```ts
 * import { ModelBuilder } from "../../models/builder.ts";
 * import { gradientGraph } from "./gradient_graph.ts";
 * const b = new ModelBuilder();
 * const y = b.conv("conv", b.input("x", [2, 3, 8, 8]), { out: 4, kernel: 3 });
 * const loss = b.node("ReduceMean", "loss", [y], { axes: [0, 1, 2, 3], keepDims: false });
 * const { graph, gradients } = gradientGraph(b.graph("net", [loss]), { loss, wrt: ["conv.weight", "conv.bias"] });
 * console.log(graph.outputs); // [ "loss", gradients.get("conv.weight"), gradients.get("conv.bias") ]
 * ```
 *
 * Throws FeatherdetError for names that do not exist, for a loss of several elements, and for an operator between `wrt` and the loss
 * through which no gradient goes (quantization, whole numbers, gradients themselves).
 */
export function gradientGraph(graph: Graph, options: GradientOptions): GradientGraph {
  const context = new GradientContext(graph, namesOf(graph));
  for (const name of options.wrt) {
    if (context.typeOf(name).dtype !== "f32") {
      throw new FeatherdetError(`value "${name}" is ${context.typeOf(name).dtype}, only f32 has a gradient`);
    }
  }
  const { seeds, inputs } = start(graph, context, options);
  const wanted = dependents(graph, options.wrt);
  const gathered = new Gradients(context);
  for (const [value, gradient] of seeds) {
    if (wanted.has(value)) gathered.add(value, gradient);
  }
  for (const node of graph.nodes.toReversed()) {
    const wants = node.inputs.map((name) => wanted.has(name));
    if (!wants.includes(true)) continue;
    const gradients = node.outputs.map((name) => gathered.of(name));
    if (gradients.every((gradient) => gradient === undefined)) continue;
    const made = gradientsOf(node, { context, gradients, wanted: wants, base: `gradient/${node.name}` });
    node.inputs.forEach((name, i) => {
      const gradient = made[i];
      if (gradient !== undefined && wants[i]) gathered.add(name, gradient);
    });
  }
  const gradients = new Map<string, string>();
  for (const name of options.wrt) {
    const gradient = gathered.of(name);
    if (gradient !== undefined) gradients.set(name, gradient);
  }
  const joint: Graph = {
    ...graph,
    inputs: [...graph.inputs, ...inputs],
    outputs: [...new Set([...graph.outputs, ...gradients.values()])],
  };
  const constants = new Map([...graph.constants, ...context.constants]);
  return { graph: withNodes(joint, [...graph.nodes, ...context.nodes], constants), gradients };
}
