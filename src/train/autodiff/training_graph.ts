/**
 * From a model to the graph that is trained: weights as inputs, BatchNormalization by the batch's own statistics.
 *
 * @module
 */

import {
  type Constant,
  FeatherdetError,
  type Graph,
  GraphEditor,
  GraphIndex,
  type Node,
  sizeOf,
  weightsOf,
  withNodes,
} from "../../graph/mod.ts";
import { foldShapeCounts, recogniseActivations } from "../../passes/mod.ts";

/**
 * Group of a parameter, on which its treatment by optimizers depends. `weight` holds the factors of convolutions and matrix products, and
 * only these decay, as is usual. `bias` holds everything that is added, also by BatchNormalization. `norm` holds BatchNormalization's
 * scales.
 */
export type ParameterGroup = "weight" | "bias" | "norm";

/** A tensor that training changes. */
export interface Parameter {
  /** Name of the graph's input, which is that of the model's constant. */
  readonly name: string;
  /** How optimizers treat it. */
  readonly group: ParameterGroup;
  /** What the model had. */
  readonly initial: Constant;
}

/** A running average that a step hands to the next one. */
export interface RunningStatistic {
  /** Name of the graph's input, which is that of the model's constant. */
  readonly name: string;
  /** The output that holds the input of the next run. */
  readonly updated: string;
  /** What the model had. */
  readonly initial: Constant;
}

/** How a model is trained. */
export interface TrainingOptions {
  /**
   * Values from which the loss is made, such as the logits of a head; the graph's outputs by default. Nodes that only other values need
   * are removed.
   */
  readonly outputs?: readonly string[];
  /** Share of the batch in the running averages, 0..1; 0.03 by default, as YOLO11 is trained. */
  readonly momentum?: number;
  /**
   * Constants that stay as they are. By default the distances of the distribution focal loss (`...dfl.conv.weight`), which are 0, 1,
   * 2 ... by definition. A BatchNormalization keeps its running statistics where its scale and bias are frozen.
   */
  readonly frozen?: (name: string) => boolean;
  /**
   * Constants that are trained although they are no weight of an operator by its place (see `WEIGHT_INPUTS`), with how optimizers treat
   * them: the floats behind a mask, a learned scale.
   */
  readonly trained?: ReadonlyMap<string, ParameterGroup>;
}

/** A model made ready for training. */
export interface TrainingGraph {
  /** Inputs: the model's, parameters, statistics. Outputs: those of the options, updated statistics. */
  readonly graph: Graph;
  /** In the order of the nodes that read them, each once. */
  readonly parameters: readonly Parameter[];
  /** Mean and variance of each BatchNormalization, in the order of the nodes. */
  readonly statistics: readonly RunningStatistic[];
}

/** True for the distances of the distribution focal loss, which are numbers by definition and never trained. */
export const isTableOfDistances = (name: string): boolean => /(^|[./])dfl\.conv\.weight$/.test(name);

/** Groups of the inputs of an operator that hold parameters. */
function groupOf({ op }: Node, position: number): ParameterGroup {
  if (op === "BatchNormalization") return position === 1 ? "norm" : "bias";
  return position === 2 ? "bias" : "weight";
}

/** The parameters of a graph, `trained` among them, without those that are frozen. */
function parametersOf(
  graph: Graph,
  frozen: (name: string) => boolean,
  trained: ReadonlyMap<string, ParameterGroup>,
): Parameter[] {
  const found = new Map<string, Parameter>();
  for (const node of graph.nodes) {
    const named = node.inputs.filter((name) => trained.has(name) && graph.constants.has(name));
    for (const name of [...weightsOf(graph, node).trained, ...named]) {
      const initial = graph.constants.get(name)!;
      if (frozen(name) || found.has(name)) continue;
      if (initial.dtype !== "f32") {
        throw new FeatherdetError(`weight "${name}" is ${initial.dtype}, only f32 can be trained`, {
          node: node.name,
          operator: node.op,
        });
      }
      found.set(name, { name, group: trained.get(name) ?? groupOf(node, node.inputs.indexOf(name)), initial });
    }
  }
  return [...found.values()];
}

/**
 * The graph that a trainer runs: every weight is an input under its constant's name, so that it can change between runs, and every
 * BatchNormalization is BatchNormTraining, whose updated statistics are further outputs. Activations that several nodes spell become one
 * node, so that their derivative is one operator too. `buildGradientGraph` makes the step's graph from it.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { yolo11 } from "../../models/yolo11.ts";
 * import { buildGradientGraph } from "./gradient_graph.ts";
 * import { buildTrainingGraph } from "./training_graph.ts";
 * const model = yolo11({ width: 0.0625, size: 64, batch: 2 });
 * const { graph, parameters, statistics } = buildTrainingGraph(model);
 * const wrt = parameters.map(({ name }) => name);
 * const step = buildGradientGraph(graph, { seeds: { output0: "gradient of output0" }, wrt });
 * assert.equal(step.gradients.size, parameters.length);
 * assert.ok(statistics.length > 0);
 * ```
 *
 * Throws FeatherdetError for a momentum outside 0..1, for weights of whole numbers, for outputs that do not exist and for a
 * BatchNormalization whose statistics are no constants.
 */
export function buildTrainingGraph(model: Graph, options: TrainingOptions = {}): TrainingGraph {
  const { momentum = 0.03, frozen = isTableOfDistances, outputs = model.outputs, trained: named = new Map() } = options;
  if (!(momentum >= 0 && momentum <= 1)) {
    throw new FeatherdetError(`momentum is ${momentum}, expected a share of 0 to 1`);
  }
  const missing = outputs.find((name) => !GraphIndex.of(model).has(name));
  if (missing !== undefined) throw new FeatherdetError(`graph "${model.name}" has no value "${missing}"`);
  // Counts have no gradient, and their operators would be differentiated all the same.
  const source = foldShapeCounts(recogniseActivations(withNodes({ ...model, outputs }, model.nodes)));
  const parameters = parametersOf(source, frozen, named);
  const trained = new Set(parameters.map(({ name }) => name));
  const statistics: RunningStatistic[] = [];
  const seen = new Map<string, Node>();
  const editor = new GraphEditor(source);
  const index = GraphIndex.of(source);
  // Scales and biases behind masks are made of what is trained.
  const isTrained = (name: string) =>
    trained.has(name) || index.producerOf(name)?.inputs.some((one) => trained.has(one));
  for (const node of source.nodes) {
    if (node.op !== "BatchNormalization" || !node.inputs.slice(1, 3).some(isTrained)) continue;
    const made = ["mean", "inverse_deviation", "running_mean", "running_var"].map((suffix) =>
      editor.uniqueName(`${node.name}/${suffix}`)
    );
    node.inputs.slice(3).forEach((name, i) => {
      const initial = source.constants.get(name);
      const at = { node: node.name, operator: node.op };
      if (!initial) throw new FeatherdetError(`its running statistic "${name}" is no constant of the model`, at);
      // Two updates of one average would contradict each other.
      if (seen.has(name)) {
        throw new FeatherdetError(`shares its running statistic "${name}" with "${seen.get(name)!.name}"`, at);
      }
      seen.set(name, node);
      statistics.push({ name, updated: made[2 + i], initial });
    });
    const { op: _, attributes: { epsilon }, ...rest } = node;
    const attributes = { epsilon, momentum };
    editor.replace(node, [{ op: "BatchNormTraining", ...rest, outputs: [node.outputs[0], ...made], attributes }]);
  }
  for (const { name } of [...parameters, ...statistics]) editor.feed(name);
  const updates = statistics.map(({ updated }) => updated);
  return { graph: editor.finish({ outputs: [...outputs, ...updates] }), parameters, statistics };
}

/**
 * Replaces constants of a model by trained numbers: parameters and statistics by name. Other constants stay. Throws FeatherdetError for a
 * name that is no constant of the model and for a wrong number of elements.
 */
export function withWeights(model: Graph, values: ReadonlyMap<string, Float32Array>): Graph {
  const constants = new Map(model.constants);
  for (const [name, data] of values) {
    const constant = model.constants.get(name);
    if (!constant) throw new FeatherdetError(`graph "${model.name}" has no constant "${name}"`);
    if (data.length !== sizeOf(constant.shape)) {
      throw new FeatherdetError(
        `constant "${name}" is [${constant.shape.join(",")}], but ${data.length} elements were given`,
      );
    }
    constants.set(name, { dtype: "f32", shape: constant.shape, data });
  }
  return { ...model, constants };
}
