/**
 * The model that `train` begins with: built with random weights by its name, or with those of a file.
 *
 * @module
 */

import type { Dataset } from "../data/dataset.ts";
import { FeatherdetError } from "../graph/error.ts";
import type { Graph } from "../graph/graph.ts";
import { recipeOf } from "../models/metadata.ts";
import { TRAINABLE } from "../models/named.ts";
import { buildFromRecipe } from "../models/recipe.ts";
import { hashOfGraph } from "../compress/graph_hash.ts";
import { historyEntry, withHistory } from "../compress/history.ts";
import { builtWithWeights, type Prepared, withClasses } from "../models/with_classes.ts";
import { bitsOfPackedWeights, LOW_BIT_NAMES, withUnpackedWeights } from "../compress/quantize/mod.ts";
import { historyDataset } from "./history_dataset.ts";
import { adaptStatistics } from "./adapt_statistics.ts";
import { refuseOtherHead, withUsualInput } from "./trainable.ts";
import { findModel, loadModel } from "../host/models.ts";
import type { PsaKind } from "../models/yolo11.ts";

/** Which model. */
export interface TrainModelOptions {
  /** A name, a file or a URL. */
  readonly model: string;
  /** A name stands for the file of trained weights of this name. */
  readonly pretrained?: boolean;
  /** Side of the input. */
  readonly size: number;
  /** Of random weights. */
  readonly seed: number;
  /** Factors of a model that is built by its name. */
  readonly width?: number;
  readonly depth?: number;
  /** What stands in the place of C2PSA in a YOLO11 that is built by its name. */
  readonly psa?: PsaKind;
  /** Whether BatchNormalization is folded in training, so that nothing has to be known of the statistics of a file where it is. */
  readonly fixedNorm?: boolean;
  /** What weights are rounded to in training: a file that holds such weights is trained on from the floats that they stand for. */
  readonly quantize?: string;
}

/** Builds a named detector for the classes of a data set. */
function build({ model, size, seed, width, depth, psa }: TrainModelOptions, classes: readonly string[]): Graph {
  // Weights are drawn when they are first read: those of the plain model never are.
  const recipe = recipeOf(TRAINABLE[model]({ size, batch: 1 }))!;
  const stated = Object.entries({ width, depth, psa }).filter(([, value]) => value !== undefined);
  return buildFromRecipe({ ...recipe, ...Object.fromEntries(stated) }, { classes, size, batch: 1, seed });
}

/** The model with what was done to a file before it is trained; as it is where nothing was. */
function noted(made: Graph, source: Graph, options: Readonly<Record<string, unknown>>, dataset: Dataset, seed: number) {
  if (hashOfGraph(made) === hashOfGraph(source)) return made;
  const origin = { seed, dataset: historyDataset(dataset) };
  return withHistory(made, historyEntry("prepareTraining", options, source, origin));
}

/** Whether training begins with the weights of a file: for a name, if it is told to, or if its file is there and fits what is asked for. */
export function takesTrained(
  { model, pretrained, width, depth, psa }: Pick<TrainModelOptions, "model" | "pretrained" | "width" | "depth" | "psa">,
): boolean {
  if (!Object.hasOwn(TRAINABLE, model)) return true;
  if (pretrained !== undefined) return pretrained;
  return width === undefined && depth === undefined && psa === undefined && "source" in findModel(model);
}

/**
 * The model with floats for the packed weights that training rounds to as many bits again. Throws FeatherdetError for a file with other
 * rounded weights.
 */
function unrounded(source: Graph, { model, quantize }: TrainModelOptions, say: (line: string) => void): Graph {
  const packed = bitsOfPackedWeights(source);
  const again = packed.every((bits) => quantize === LOW_BIT_NAMES[bits]);
  if (again && !source.nodes.some(({ op }) => op === "DequantizeLinear")) {
    if (packed.length === 0) return source;
    say(`${model} holds ${quantize} weights: training goes on from the floats that they stand for`);
    return withUnpackedWeights(source);
  }
  const same = packed.length === 1 ? `, --quantize ${LOW_BIT_NAMES[packed[0]]} to go on with its weights` : "";
  throw new FeatherdetError(
    "holds rounded weights, and training moves floats: take the float model (with --quantize to round it in training), " +
      `or a checkpoint of the run that made it${same}`,
    { file: model },
  );
}

/**
 * The model at batch 1, for the classes of the data set. One that is asked for by its name is built, with the weights of its file where they
 * are there or wanted; a file is trained as the graph that it is. `say` is told what became of the weights.
 *
 * Throws FeatherdetError for a name or file that is not there, and for a model that is not known how to build.
 */
export async function trainModel(
  options: TrainModelOptions,
  dataset: Dataset,
  say: (line: string) => void,
): Promise<Graph> {
  const { model, pretrained, size, seed, width, depth, psa } = options;
  const isNamed = Object.hasOwn(TRAINABLE, model);
  if (isNamed && !takesTrained(options)) {
    say(`${model} begins with random weights`);
    return build(options, dataset.classes);
  }
  if (width !== undefined || depth !== undefined || psa !== undefined) {
    throw new FeatherdetError(
      "--width, --depth and --psa are for models that are built by their name, with random weights",
    );
  }
  if ("build" in findModel(model)) {
    throw new FeatherdetError(
      isNamed
        ? `there is no file ${model}.onnx to take trained weights from` +
          (model === "yolo11n" ? ": `deno task data yolo11n` downloads it" : "")
        : `"${model}" is no detector that can be trained, those are a file or ${Object.keys(TRAINABLE).join(", ")}`,
    );
  }
  if (isNamed && pretrained === undefined) {
    const { source } = findModel(model) as { readonly source: string };
    say(`${model} begins with the trained weights of ${source}: --no-pretrained begins with random ones`);
  }
  const loaded = await loadModel(model, { size, batch: 1, whereOpen: true });
  if (loaded.inputs[0].shape.length !== 4) throw new FeatherdetError("is no detector of pictures", { file: model });
  const source = unrounded(withUsualInput(loaded, say), options, say);
  // Errors call the model by its file.
  if (!isNamed) refuseOtherHead({ ...source, name: model }, "cannot be trained");
  const { graph, newHead, folded }: Prepared = isNamed
    ? builtWithWeights(build(options, dataset.classes), source)
    : withClasses(source, dataset.classes, { size, seed });
  say(
    newHead
      ? `${model} knows other classes than ${dataset.name}: its class layers begin anew, the rest keeps its weights`
      : `${model} knows the classes of ${dataset.name}: all of its weights are kept`,
  );
  const how = { size, newClassLayers: newHead, unfolded: folded, ...(isNamed && { built: model }) };
  if (!folded || options.fixedNorm) return noted(graph, source, how, dataset, seed);
  say(
    `BatchNormalization is folded in ${model}: its statistics are estimated on pictures of ${dataset.name} ` +
      "(--fixed-norm keeps it folded, which suits small batches)",
  );
  return noted(await adaptStatistics(graph, dataset), source, how, dataset, seed);
}
