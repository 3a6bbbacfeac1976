/**
 * Rounds of a cut and of training that recovers from it, whatever is cut.
 *
 * Everything that a round makes is in a store of its own, so that a run that was stopped anywhere goes on where it was: `start.onnx` is
 * the model after the cut, what `train` writes follows, and `rounds.json` says which rounds are done.
 *
 * @module
 */

import * as v from "npm:valibot@1.5.0";
import { hashOfGraph } from "../../compress/graph_hash.ts";
import { costsOf, type PruneCosts } from "../../compress/prune/mod.ts";
import type { Dataset } from "../../data/dataset.ts";
import { FeatherdetError, type Graph } from "../../graph/mod.ts";
import { COUNT, faultOf, NUMBER, PLAIN_OBJECT } from "../../numbers/forms.ts";
import { importOnnx, saveOnnx } from "../../onnx/mod.ts";
import { readCheckpoint } from "../../train/loop/checkpoint.ts";
import { LAST_CHECKPOINT } from "../../train/loop/loop.ts";
import type { Score } from "../../train/loop/record.ts";
import { SCORE_FORM } from "../../train/loop/record_form.ts";
import { createMemoryStore, type TrainingStore } from "../../train/loop/store.ts";
import { combineVariants, type TrainingVariant } from "../../train/mod.ts";
import { readCheckpointModel, train } from "../train_detector.ts";
import type { TrainOptions } from "../train_options.ts";
import { withNormalisation } from "./normalisation.ts";
import { validate } from "./validate.ts";

/** How rounds are trained. */
export interface RoundOptions
  extends Omit<TrainOptions, "epochs" | "store" | "resume" | "precision" | "onValidated" | "batch" | "seed"> {
  /** How many cuts. */
  readonly rounds?: number;
  /** Epochs of every round but the last; 10 by default. With 0, a cut follows the one before, and only the last round trains. */
  readonly epochs?: number;
  /** Epochs of the last round; three times those of the others by default, 30 if they have none. */
  readonly lastEpochs?: number;
  /** Pictures of a step; 8 by default. */
  readonly trainBatch?: number;
  /** Equal seeds give equal runs on one adapter; 0 by default. */
  readonly seed?: number;
  /** Pictures that are not trained on. */
  readonly validation: Dataset;
  /** The store of a round (`round-1` ...), and of the run (`""`); in memory by default. */
  readonly storeOf?: (name: string) => Promise<TrainingStore>;
  /** Asked before each training who is told of its batches and best epochs: by the round's store, its number from 1 and the model after the cut. */
  readonly watch?: (
    store: TrainingStore,
    round: number,
    start: Graph,
  ) => Promise<Pick<TrainOptions, "onBatch" | "onBest">>;
}

/** Figures of a round. */
export interface RoundFigures {
  /** Counted from 1. */
  readonly round: number;
  /** Figures after the cut, before training. */
  readonly afterCut: Score;
  /** Figures of the best epoch of its training; absent until it is done. */
  readonly score?: Score;
  /** Epochs of its training. */
  readonly epochs?: number;
  /** Seconds of its training. */
  readonly seconds?: number;
}

/** What is cut, and what the cuts are told as. */
export interface Cuts<Told> {
  /** How many. */
  readonly count: number;
  /** Costs of the model that the run begins with; those that `costsOf` counts by default. */
  costs?(model: Graph): Promise<PruneCosts>;
  /** Makes the cut of a round, counted from 0; costs are those of the model that the run began with. */
  cut(model: Graph, round: number, before: PruneCosts): Promise<{ readonly graph: Graph; readonly told: Told }>;
  /** Training variants of the model after a cut, first of all. */
  variants?(start: Graph): readonly TrainingVariant[];
  /** Told when a cut was made and when a round is done. */
  onRound?(round: Told & RoundFigures): void;
}

/** What rounds made. */
export interface RoundsResult<Told> {
  /** The model after the last round, trained. */
  readonly model: Graph;
  /** Costs of the model that the run began with. */
  readonly before: PruneCosts;
  /** Figures of that model. */
  readonly scoreBefore: Score;
  /** All rounds. */
  readonly rounds: readonly (Told & RoundFigures)[];
  /** Why it ended. */
  readonly reason: "finished" | "interrupted";
}

/** Names of files in stores. */
const STATE = "rounds.json", START = "start.onnx";

interface State<Told> {
  readonly settings: unknown;
  readonly before: PruneCosts;
  readonly scoreBefore: Score;
  readonly rounds: (Told & RoundFigures)[];
}

const OBJECT = "expected an object";

/** What is told of a cut is the cut's own, as long as its numbers are finite. */
const STATE_FORM: v.GenericSchema = v.object({
  settings: PLAIN_OBJECT,
  before: v.object({ parameters: COUNT, bytes: COUNT, gflops: NUMBER, latency: v.optional(NUMBER) }, OBJECT),
  scoreBefore: SCORE_FORM,
  rounds: v.array(
    v.intersect([
      PLAIN_OBJECT,
      v.object({
        round: COUNT,
        afterCut: SCORE_FORM,
        score: v.optional(SCORE_FORM),
        epochs: v.optional(COUNT),
        seconds: v.optional(NUMBER),
      }, OBJECT),
    ]),
    "expected a list",
  ),
}, OBJECT);

const decoder = new TextDecoder(), encoder = new TextEncoder();

/** Options that decide on no result, or that JSON cannot hold. */
const NOT_KEPT = [
  ...[
    "validation",
    "storeOf",
    "onRound",
    "signal",
    "onStep",
    "onEpoch",
    "workers",
    "tuning",
    "variants",
    "latency",
    "watch",
  ],
  ...["createTrainer", "memo", "layerMeter", "onChoosing", "times"],
  // Places: a folder may move. What model, pictures and teacher are is kept besides.
  ...["model", "data", "out", "training", "teacher"],
];

/** What makes a run what it is: a run that goes on must have the same. */
function settingsOf(model: Graph, dataset: Dataset, options: RoundOptions): unknown {
  const kept = Object.fromEntries(Object.entries(options).filter(([name]) => !NOT_KEPT.includes(name)));
  const data = { name: dataset.name, split: dataset.split, pictures: dataset.images.length };
  const validation = options.validation.images.length, { variants = [] } = options;
  // A teacher or another loss of its own makes it another run.
  const ways = variants.length > 0 && { variants: combineVariants(variants).settings };
  const begun = { name: model.name, hash: hashOfGraph(model) };
  return JSON.parse(JSON.stringify({ model: begun, data, validation, ...kept, ...ways }));
}

async function readState<Told>(store: TrainingStore, settings: unknown): Promise<State<Told> | undefined> {
  const bytes = await store.read(STATE);
  if (!bytes) return undefined;
  let state: State<Told>;
  try {
    state = JSON.parse(decoder.decode(bytes));
  } catch {
    throw new FeatherdetError(`"${STATE}" is damaged: delete it to start over`);
  }
  const fault = faultOf(STATE_FORM, state);
  if (fault !== undefined) {
    throw new FeatherdetError(`"${STATE}" is no record of rounds (${fault}): delete it to start over`);
  }
  if (JSON.stringify(state.settings) === JSON.stringify(settings)) return state;
  throw new FeatherdetError(`"${STATE}" is of a run with other settings: ${JSON.stringify(state.settings)}`);
}

/** Stores in memory, by name. */
function memoryStores(): NonNullable<RoundOptions["storeOf"]> {
  const stores = new Map<string, TrainingStore>();
  return (name) => {
    const store = stores.get(name) ?? createMemoryStore();
    stores.set(name, store);
    return Promise.resolve(store);
  };
}

/**
 * Cuts and trains a model in rounds. `options` are all that the caller was given: a run that goes on has to have the same.
 *
 * Throws FeatherdetError as the cuts and `train` do, and for a store that holds a run with other settings.
 */
export async function trainInRounds<Told extends object>(
  source: Graph,
  dataset: Dataset,
  cuts: Cuts<Told>,
  options: RoundOptions,
): Promise<RoundsResult<Told>> {
  const { epochs = 10, lastEpochs = epochs === 0 ? 30 : 3 * epochs, validation, signal } = options;
  const storeOf = options.storeOf ?? memoryStores();
  const root = await storeOf("");
  const settings = settingsOf(source, dataset, options);
  const known = await readState<Told>(root, settings);
  let model = await withNormalisation(source, dataset);
  const before = known?.before ?? await (cuts.costs?.(model) ?? costsOf(model));
  const state: State<Told> = known ??
    { settings, before, scoreBefore: await validate(source, validation, options), rounds: [] };
  const save = () => root.write(STATE, encoder.encode(`${JSON.stringify(state, null, 1)}\n`));
  await save();
  const result = (reason: RoundsResult<Told>["reason"]): RoundsResult<Told> => {
    return { model, before, scoreBefore: state.scoreBefore, rounds: state.rounds, reason };
  };
  for (let index = 0; index < cuts.count; index++) {
    if (signal?.aborted) return result("interrupted");
    const store = await storeOf(`round-${index + 1}`);
    const begun = await store.read(START);
    let start: Graph;
    if (begun && state.rounds[index]) start = await importOnnx(begun);
    else {
      let made: Awaited<ReturnType<typeof cuts.cut>>;
      try {
        made = await cuts.cut(model, index, before);
      } catch (error) {
        // A search that was asked to stop.
        if (signal?.aborted) return result("interrupted");
        throw error;
      }
      const { graph, told } = made;
      start = graph;
      state.rounds[index] = { round: index + 1, ...told, afterCut: await validate(start, validation, options) };
      await store.write(START, saveOnnx(start));
      await save();
      cuts.onRound?.(state.rounds[index]);
    }
    const rest = index === cuts.count - 1 ? lastEpochs : epochs;
    if (rest === 0) {
      model = start;
      continue;
    }
    const last = await store.read(LAST_CHECKPOINT), file = `round-${index + 1}/${LAST_CHECKPOINT}`;
    const resume = last && await readCheckpoint(last, file);
    // The history of the checkpoint's model tells what training began with.
    const trained = await train(resume ? await readCheckpointModel(resume, file) : start, dataset, {
      ...options,
      ...await options.watch?.(store, index + 1, start),
      variants: [...cuts.variants?.(start) ?? [], ...options.variants ?? []],
      batch: options.trainBatch,
      epochs: rest,
      store,
      validation,
      resume,
    });
    if (trained.reason === "interrupted") return result("interrupted");
    model = trained.model;
    const isNew = state.rounds[index].score === undefined;
    state.rounds[index] = {
      ...state.rounds[index],
      score: trained.score,
      epochs: trained.epochs,
      seconds: trained.seconds,
    };
    await save();
    if (isNew) cuts.onRound?.(state.rounds[index]);
  }
  return result("finished");
}
