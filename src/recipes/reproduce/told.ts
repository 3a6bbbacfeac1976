/**
 * What the history of a model tells of the recipe that made it: its parents' hashes, and the options of its last step.
 *
 * @module
 */

import { hashOfGraph } from "../../compress/graph_hash.ts";
import { type HistoryEntry, historyOf } from "../../compress/history.ts";
import type { Graph } from "../../graph/mod.ts";
import { loadModel } from "../../host/models.ts";
import type { DistilledSettings } from "../../train/variants/distilled.ts";
import { unfoldBatchNormalization } from "../../passes/mod.ts";
import { isReference, type RecipeStep, type RecipeVerbName, verbOf } from "../../report/table/recipe.ts";
import { flagOf } from "../../report/table/recipe_text.ts";
import type { Variant } from "../../report/table/mod.ts";

/** Finds the last entry of a name. */
type Last = (name: string) => HistoryEntry | undefined;

/** Where histories tell an option. */
type Teller = (last: Last, options: RecipeStep["options"]) => unknown;

const augment = (name: string): Teller => (last) => (last("train")?.options.augment as Record<string, unknown>)?.[name];

const option = (entry: string, name: string): Teller => (last) => last(entry)?.options[name];

/** Of training, by itself or after a cut. */
const OF_TRAINING: Readonly<Record<string, Teller>> = {
  batch: option("train", "batch"),
  lr: option("train", "learningRate"),
  decayBy: option("train", "decayBy"),
  fixedNorm: option("train", "fixedNorm"),
  flipVertical: augment("flipVertical"),
  valEvery: option("train", "validateEvery"),
  metric: option("train", "metric"),
  teacherAssigns: (last) => {
    const distil = last("train")?.options.distil as Partial<DistilledSettings> | undefined;
    return distil && (distil.assigns ?? false);
  },
};

/** Of one cut, or several: budgets of several are shares of what the cut before has left, or layers that went before. */
const budget = (name: string): Teller => (last, { rounds = 1, layers }) =>
  rounds === 1 && layers === undefined ? (last("prune")?.options.budget as Record<string, unknown>)?.[name] : undefined;

/** What histories tell of the options of each verb, by the options' names. */
const TOLD: Readonly<Record<RecipeVerbName, Readonly<Record<string, Teller>>>> = {
  data: {},
  train: {
    ...OF_TRAINING,
    epochs: option("train", "epochs"),
    accumulate: option("train", "accumulate"),
    lrf: option("train", "finalFactor"),
    momentum: option("train", "momentum"),
    weightDecay: option("train", "weightDecay"),
    warmup: option("train", "warmupEpochs"),
    closeMosaic: option("train", "closeMosaic"),
    teacherViews: option("train", "views"),
    size: (last) => (last("train")?.options.size as readonly number[])?.[0],
    mosaic: augment("mosaic"),
    scale: augment("scale"),
    flipHorizontal: augment("flipHorizontal"),
  },
  prune: {
    ...OF_TRAINING,
    lastEpochs: option("train", "epochs"),
    gflops: budget("gflops"),
    parameters: budget("parameters"),
    bytes: budget("bytes"),
    layers: (last, { rounds = 1 }) => rounds === 1 ? last("shorten")?.options.layers : undefined,
    criterion: option("prune", "criterion"),
    method: option("prune", "method"),
    refit: option("prune", "refit"),
    pattern: option("prune", "pattern"),
  },
  quantize: {
    observer: option("quantize", "observer"),
    scheme: option("quantize", "activations"),
    weights: (last) => (last("packWeights") ?? last("quantize"))?.options.weights,
    joins: option("quantize", "joins"),
  },
};

/** Says in which option a history differs from a step; undefined where it differs in none that it tells. */
function optionFault(step: RecipeStep, seed: number, entries: readonly HistoryEntry[]): string | undefined {
  const last: Last = (name) => entries.findLast((entry) => entry.name === name);
  for (const [name, teller] of Object.entries(TOLD[step.verb])) {
    const asked = step.options[name], told = teller(last, step.options);
    if (asked === undefined || told === undefined || JSON.stringify(told) === JSON.stringify(asked)) continue;
    return `its history says ${flagOf(name)} ${JSON.stringify(told)}, the recipe ${JSON.stringify(asked)}`;
  }
  const trained = entries.findLast((entry) => entry.seed !== undefined)?.seed;
  if (!verbOf(step).seeded || trained === undefined || trained === seed) return undefined;
  return `its history says --seed ${trained}, the recipe ${seed}`;
}

/** Hash of a parent as a step's verb has it in its entry; undefined where the verb changes it before. */
async function parentHash(step: RecipeStep, file: string): Promise<string | undefined> {
  const size = typeof step.options.size === "number" ? step.options.size : undefined;
  const graph = await loadModel(file, step.verb === "train" ? {} : { size, batch: 1 });
  // A folded parent gets statistics of its own before the first cut.
  return step.verb === "prune" && unfoldBatchNormalization(graph) !== graph ? undefined : hashOfGraph(graph);
}

/** Whether a file is the teacher that a history names; also true where it names none. */
async function isTeacher(file: string, entries: readonly HistoryEntry[]): Promise<boolean> {
  const told = entries.findLast(({ options }) => options.distil !== undefined)?.options.distil;
  const teacher = (told as Partial<DistilledSettings> | undefined)?.teacher;
  if (teacher === undefined) return true;
  return hashOfGraph(await loadModel(file, { size: teacher.size[1], batch: 1 })) === teacher.hash;
}

/**
 * Compares the history of a model with a recipe: why the model is stale, that it was made by the recipe as far as histories tell
 * (`agrees`), or that its history tells nothing. `parents` are the files of the variants that the recipe begins with.
 */
export async function historyTells(
  graph: Graph,
  { recipe }: Variant,
  seed: number,
  parents: ReadonlyMap<string, string | undefined>,
): Promise<{ readonly stale: string } | "agrees" | "nothing"> {
  const entries = historyOf(graph);
  const hashes = new Set(entries.flatMap(({ parent }) => parent?.hash === undefined ? [] : [parent.hash]));
  if (hashes.size === 0) return "nothing";
  const { steps } = recipe!, read = new Set<string>();
  for (const step of steps) {
    for (const [name, value] of Object.entries(step.options)) {
      if (!isReference(value) || !("variant" in value)) continue;
      const file = parents.get(value.variant);
      if (name === "teacher") {
        if (file === undefined || await isTeacher(file, entries)) continue;
        return { stale: `it was taught by another ${value.variant}` };
      }
      if (read.has(value.variant)) continue;
      read.add(value.variant);
      const hash = file === undefined ? undefined : await parentHash(step, file);
      if (hash !== undefined && !hashes.has(hash)) return { stale: `it was made from another ${value.variant}` };
    }
  }
  const wrong = optionFault(steps.at(-1)!, seed, entries);
  return wrong === undefined ? "agrees" : { stale: wrong };
}
