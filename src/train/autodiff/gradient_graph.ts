/**
 * From a graph to the graph that also computes gradients, by reverse accumulation: nodes are visited last to first, and each adds what
 * it knows to the gradients of its inputs.
 *
 * Forward and backward are one graph, so that one plan shares memory between them and one submission runs both. Nothing becomes an
 * input or stops being a constant here: a trainer, which changes weights between runs, first makes them inputs (`buildTrainingGraph`);
 * other callers (importance of weights, sensitivity) leave them constants.
 *
 * @module
 */

import { FeatherdetError, type Graph, type Shape, sizeOf, type TensorType } from "../../graph/mod.ts";
import { GradientContext } from "./context.ts";
import { gradientsOf } from "./table.ts";

/** Where gradients of some values come from: value -> name of its gradient, or names of gradients that add up. */
export type GradientSeeds = Readonly<Record<string, string | readonly string[]>>;

/** A loss as a term of the sum that is differentiated. */
export interface WeightedLoss {
  /** The value to differentiate, of one element. */
  readonly value: string;
  /**
   * Factor of the loss in the sum: a number, or the name of a value of one element. Where the graph has no value of that name, it
   * becomes an input of the loss's shape, so that the factor can change from run to run.
   */
  readonly weight: number | string;
}

/** Where gradients start and what they are wanted for. Gradients of all losses and seeds add up. */
export interface GradientOptions {
  /** Values to differentiate, each of one element: by name for a weight of 1. */
  readonly losses?: readonly (string | WeightedLoss)[];
  /**
   * Where the gradients of some values are computed elsewhere. The name of a gradient is that of another value of the graph (an output
   * of a loss operator) or, where nothing has that name, becomes an input of the value's shape.
   */
  readonly seeds?: GradientSeeds;
  /** Inputs, constants or values in between whose gradients are computed. */
  readonly wrt: readonly string[];
}

/** A graph that computes gradients. */
export interface GradientGraph {
  /**
   * The forward graph with its inputs, outputs and names. Seeds are further inputs, gradients are further outputs. Nodes that no output
   * needs are removed.
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

const shapeText = (shape: Shape) => `[${shape.join(",")}]`;

/** Gradients as they start, of a value each. */
function start(
  graph: Graph,
  context: GradientContext,
  { losses = [], seeds = {} }: GradientOptions,
): (readonly [value: string, gradient: string])[] {
  /** Makes a name an input of the type, unless there is a value of that name. */
  const provide = (name: string, { shape, dtype }: TensorType) => {
    if (!context.has(name)) context.input(name, shape, dtype);
  };
  const seeded = Object.entries(seeds).flatMap(([value, names]) =>
    [names].flat().map((name) => {
      const type = context.typeOf(value);
      provide(name, type);
      const { shape } = context.typeOf(name);
      if (shape.join() !== type.shape.join()) {
        throw new FeatherdetError(
          `gradient "${name}" is ${shapeText(shape)}, but "${value}", which it is stated for, is ${
            shapeText(type.shape)
          }`,
        );
      }
      return [value, name] as const;
    })
  );
  const differentiated = losses.map((loss) => {
    const { value, weight } = typeof loss === "string" ? { value: loss, weight: 1 } : loss;
    const type = context.typeOf(value);
    if (sizeOf(type.shape) !== 1) {
      throw new FeatherdetError(
        `loss "${value}" is ${shapeText(type.shape)}, a loss has one element: state seeds instead`,
      );
    }
    if (typeof weight === "number") return [value, context.full(type.shape, weight)] as const;
    provide(weight, type);
    const { shape } = context.typeOf(weight);
    if (sizeOf(shape) !== 1) {
      throw new FeatherdetError(`weight "${weight}" of loss "${value}" is ${shapeText(shape)}, it has one element`);
    }
    return [value, context.reshape(`gradient/${value}`, weight, type.shape)] as const;
  });
  const gradients = [...seeded, ...differentiated];
  if (gradients.length === 0) {
    throw new FeatherdetError(`gradients of graph "${graph.name}" start at losses or seeds: state at least one`);
  }
  return gradients;
}

/**
 * The graph that computes, besides its outputs, the gradients of a sum: that of the weighted losses, and of whatever the seeds are
 * gradients of. Only what the gradients need is computed; a value that several nodes read has the sum of what they contribute, and a
 * seed of a value is one contribution more.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { ModelBuilder } from "../../models/builder.ts";
 * import { buildGradientGraph } from "./gradient_graph.ts";
 * const b = new ModelBuilder();
 * const y = b.conv("conv", b.input("x", [2, 3, 8, 8]), { out: 4, kernel: 3 });
 * const loss = b.node("ReduceMean", "loss", [y], { axes: [0, 1, 2, 3], keepDims: false });
 * const { graph, gradients } = buildGradientGraph(b.graph("net", [loss]), { losses: [loss], wrt: ["conv.weight", "conv.bias"] });
 * assert.deepEqual(graph.outputs, ["loss", gradients.get("conv.weight"), gradients.get("conv.bias")]);
 * ```
 *
 * Throws FeatherdetError for names that do not exist, for a loss or weight of several elements, if neither losses nor seeds are stated, and for an operator between `wrt` and the loss
 * through which no gradient goes (quantization, whole numbers, gradients themselves).
 */
export function buildGradientGraph(graph: Graph, options: GradientOptions): GradientGraph {
  const context = new GradientContext(graph);
  for (const name of options.wrt) {
    if (context.typeOf(name).dtype !== "f32") {
      throw new FeatherdetError(`value "${name}" is ${context.typeOf(name).dtype}, only f32 has a gradient`);
    }
  }
  const first = start(graph, context, options);
  const wanted = dependents(graph, options.wrt);
  const gathered = new Gradients(context);
  for (const [value, gradient] of first) {
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
  const outputs = [...new Set([...graph.outputs, ...gradients.values()])];
  return { graph: context.finish({ outputs }), gradients };
}
