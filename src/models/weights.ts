/**
 * Loads the weights of one graph into another of the same structure: of a folded export or a saved model into a built model.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import type { Constant, Graph, Shape } from "../graph/graph.ts";
import type { Node } from "../graph/operators.ts";
import { type ClassLayers, classLayers, type Layer, layersOf } from "./layers.ts";

/** What may differ between the two. */
export interface LoadWeightsOptions {
  /**
   * Whether the model is for other classes than the weights. The layers that make the class logits then keep their first values, as do
   * layers of the class branches whose width follows from the number of classes. False by default.
   */
  readonly newClasses?: boolean;
  /**
   * Whether the model may have layers for which there are no weights, by name, such as attention that was put into a trained model. They
   * keep their first values. False by default.
   */
  readonly newLayers?: boolean;
}

const show = (shape: Shape) => `[${shape.join(",")}]`;

/** Metadata that stay with weights wherever they go. */
const BELONGS_TO_WEIGHTS = ["author", "license", "docs", "dataset", "date", "version", "history"];

/** A constant of one element repeated. */
function filled(length: number, value: number): Constant {
  return { dtype: "f32", shape: [length], data: new Float32Array(length).fill(value) };
}

/** One transfer in progress. */
class Transfer {
  readonly #model: Graph;
  readonly #source: Graph;
  readonly constants: Map<string, Constant>;
  /** Epsilons that come with statistics. */
  readonly epsilons = new Map<Node, number>();

  constructor(model: Graph, source: Graph) {
    this.#model = model;
    this.#source = source;
    this.constants = new Map(model.constants);
  }

  fail(layer: Layer, detail: string): never {
    throw new FeatherdetError(`weights of "${this.#source.name}" do not fit "${this.#model.name}": ${detail}`, {
      node: layer.path,
      operator: layer.node.op,
    });
  }

  /** The source's constant for one of the model's; fails if it has another shape or type. */
  #take(layer: Layer, what: string, to: string, from: string): void {
    const wanted = this.#model.constants.get(to)!, found = this.#source.constants.get(from)!;
    if (show(wanted.shape) !== show(found.shape)) {
      this.fail(
        layer,
        `${what} is ${show(wanted.shape)} in the model and ${show(found.shape)} ("${from}") in the weights`,
      );
    }
    if (found.dtype !== "f32") this.fail(layer, `${what} "${from}" is ${found.dtype}, expected f32`);
    this.constants.set(to, found);
  }

  /** Whether all that the layers share has the same shape. */
  fits(layer: Layer, from: Layer): boolean {
    return show(this.#model.constants.get(layer.weight)!.shape) ===
      show(this.#source.constants.get(from.weight)!.shape);
  }

  take(layer: Layer, from: Layer): void {
    if (layer.node.op !== from.node.op) this.fail(layer, `"${from.path}" in the weights is a ${from.node.op}`);
    this.#take(layer, "weight", layer.weight, from.weight);
    if (from.norm) this.#takeNormalized(layer, from, from.norm);
    else if (layer.norm) this.#takeFolded(layer, from, layer.norm);
    else this.#takeBias(layer, from);
  }

  #takeBias(layer: Layer, from: Layer): void {
    if (layer.bias === undefined && from.bias !== undefined) {
      this.fail(layer, `the weights have a bias "${from.bias}" and the model has none`);
    }
    if (layer.bias === undefined) return;
    if (from.bias !== undefined) return this.#take(layer, "bias", layer.bias, from.bias);
    this.constants.set(layer.bias, filled(this.#model.constants.get(layer.bias)!.shape[0], 0));
  }

  #takeNormalized(layer: Layer, from: Layer, norm: Node<"BatchNormalization">): void {
    if (!layer.norm) this.fail(layer, "the weights have a BatchNormalization after it and the model has none");
    this.#takeBias(layer, from);
    ["scale", "shift", "mean", "variance"].forEach((what, index) =>
      this.#take(layer, what, layer.norm!.inputs[1 + index], norm.inputs[1 + index])
    );
    this.epsilons.set(layer.norm, norm.attributes.epsilon);
  }

  /** The folded bias becomes the shift of a BatchNormalization that changes nothing else. */
  #takeFolded(layer: Layer, from: Layer, norm: Node<"BatchNormalization">): void {
    const [scale, shift, mean, variance] = norm.inputs.slice(1);
    const channels = this.#model.constants.get(shift)!.shape[0];
    if (layer.bias !== undefined) this.constants.set(layer.bias, filled(channels, 0));
    if (from.bias === undefined) this.constants.set(shift, filled(channels, 0));
    else this.#take(layer, "bias", shift, from.bias);
    this.constants.set(scale, filled(channels, 1));
    this.constants.set(mean, filled(channels, 0));
    // In f32, 1 - epsilon is off by at most 2^-25, so that scale / sqrt(variance + epsilon) is off from 1 by at most 2^-26: less
    // than half a step of any f32 product with it. Folding gives back the very weights.
    this.constants.set(variance, filled(channels, 1 - norm.attributes.epsilon));
  }

  /** The model with what was taken. */
  graph(metadata: Graph["metadata"]): Graph {
    const nodes = this.#model.nodes.map((node): Node => {
      const epsilon = this.epsilons.get(node);
      if (node.op !== "BatchNormalization" || epsilon === undefined || epsilon === node.attributes.epsilon) return node;
      return { ...node, attributes: { epsilon } };
    });
    return { ...this.#model, nodes, constants: this.constants, metadata };
  }
}

/** Pairs each layer of the model with the source's of the same name or, if names tell nothing, of the same place. */
function paired(
  model: readonly Layer[],
  source: readonly Layer[],
  transfer: Transfer,
  newLayers: boolean,
): [Layer, Layer][] {
  const byPath = new Map(source.map((layer) => [layer.path, layer]));
  const named = model.filter(({ path }) => byPath.has(path));
  if (named.length === 0) {
    if (model.length !== source.length) {
      transfer.fail(model[0], `they have ${source.length} layers, none by a name of the model's ${model.length}`);
    }
    return model.map((layer, index) => [layer, source[index]]);
  }
  const lacking = model.find(({ path }) => !byPath.has(path));
  if (lacking && !newLayers) transfer.fail(lacking, "they have no such layer (for added layers, ask for newLayers)");
  const paths = new Set(model.map(({ path }) => path));
  const spare = source.find(({ path }) => !paths.has(path));
  if (spare) transfer.fail(spare, "the model has no such layer");
  return named.map((layer) => [layer, byPath.get(layer.path)!]);
}

function metadataOf(model: Graph, source: Graph, newClasses: boolean): Graph["metadata"] {
  const { description, names } = source.metadata;
  const own = BELONGS_TO_WEIGHTS.filter((key) => source.metadata[key] !== undefined);
  return {
    ...model.metadata,
    ...Object.fromEntries(own.map((key) => [key, source.metadata[key]])),
    ...(names !== undefined && !newClasses && { names }),
    weights: source.metadata.weights ?? description ?? source.name,
  };
}

/**
 * Puts the weights of another graph of the same structure into a model: of a (folded) YOLO11 export that `loadOnnx` read, or of a model
 * that Featherdet saved earlier. Layers are paired by the names of their weights (`model.2.cv1.conv.weight`) or, if an export has lost
 * the names, by their place in the network.
 *
 * If the source has BatchNormalization folded into its convolutions, the model's BatchNormalization gets mean 0, variance 1 - epsilon,
 * scale 1 and the bias as its shift; folding it again gives the source's weights bit for bit. Such statistics are not those of the data:
 * training that normalises by batches has to estimate them first.
 *
 * The metadata take over class names, author and license of the weights.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { loadWeights } from "./weights.ts";
 * import { yolo11 } from "./yolo11.ts";
 * const pretrained = yolo11({ scale: "n", classes: 80, seed: 1 }); // or await loadOnnx("yolo11n.onnx")
 * const blood = loadWeights(yolo11({ classes: ["red", "white", "platelet"], size: 256 }), pretrained, { newClasses: true });
 * assert.deepEqual(blood.outputs, ["output0"]);
 * ```
 *
 * Throws FeatherdetError for the first layer that does not fit, with both shapes.
 */
export function loadWeights(model: Graph, source: Graph, options: LoadWeightsOptions = {}): Graph {
  const { newClasses = false, newLayers = false } = options;
  const layers = layersOf(model), given = layersOf(source);
  const transfer = new Transfer(model, source);
  if (layers.length === 0) throw new FeatherdetError(`"${model.name}" has no layers with weights`);
  let fresh: ClassLayers | undefined;
  if (newClasses) {
    fresh = classLayers(model);
    if (!fresh) throw new FeatherdetError(`"${model.name}" has no class branches that could be for new classes`);
  }
  for (const [layer, from] of paired(layers, given, transfer, newLayers)) {
    const keeps = fresh?.logits.has(layer.node) || (fresh?.all.has(layer.node) && !transfer.fits(layer, from));
    if (keeps) continue;
    try {
      transfer.take(layer, from);
    } catch (error) {
      if (!(error instanceof FeatherdetError) || newClasses || !classLayers(model)?.all.has(layer.node)) throw error;
      throw new FeatherdetError(`${error.detail} (for other classes, ask for newClasses)`, error.place);
    }
  }
  return transfer.graph(metadataOf(model, source, newClasses));
}
