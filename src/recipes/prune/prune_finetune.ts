/**
 * Progressive pruning: rounds of a cut and of training that recovers from it.
 *
 * Everything that a round makes is in a store of its own, so that a run that was stopped anywhere goes on where it was: `start.onnx` is
 * the model after the cut, what `train` writes follows, and `rounds.json` says which rounds are done.
 *
 * @module
 */

import { budgetOf, costsOf, type PruneBudget, type PruneReport } from "../../compress/prune/mod.ts";
import type { Dataset } from "../../data/dataset.ts";
import { FeatherdetError, type Graph } from "../../graph/mod.ts";
import { importOnnx, saveOnnx } from "../../onnx/mod.ts";
import { readCheckpoint } from "../../train/loop/checkpoint.ts";
import { LAST_CHECKPOINT } from "../../train/loop/loop.ts";
import type { Score } from "../../train/loop/record.ts";
import { createMemoryStore, type TrainingStore } from "../../train/loop/store.ts";
import { train, type TrainOptions } from "../train_detector.ts";
import { cut, type CutOptions, withNormalisation } from "./one_shot.ts";
import { type PruneSchedule, roundBudgets } from "./schedule.ts";
import { validate } from "./validate.ts";

/** How a model is pruned and trained in rounds. */
export interface PruneFinetuneOptions
  extends
    Omit<CutOptions, "keep">,
    Omit<TrainOptions, "epochs" | "store" | "resume" | "precision" | "onValidated" | "batch" | "seed"> {
  /** Node names whose channels stay. */
  readonly keep?: readonly string[];
  /** How many cuts; 4 by default. */
  readonly rounds?: number;
  /** Default `equal`. */
  readonly schedule?: PruneSchedule;
  /** Epochs of every round but the last; 10 by default. With 0, channels are scored anew after each cut, and only the last round trains. */
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
  /** Told when a cut was made and when a round is done. */
  readonly onRound?: (round: PruneRound) => void;
}

/** What a round brought. */
export interface PruneRound {
  /** Counted from 1. */
  readonly round: number;
  /** What may be left of the whole model. */
  readonly budget: PruneBudget;
  /** What is left of it. */
  readonly left: { readonly gflops: number; readonly parameters: number; readonly bytes: number };
  /** What channels were scored by, and how many coupling groups went in this round. */
  readonly removed: number;
  /** Figures after the cut, before training. */
  readonly afterCut: Score;
  /** Figures of the best epoch of its training; absent until it is done. */
  readonly score?: Score;
  /** Epochs and seconds of its training. */
  readonly epochs?: number;
  readonly seconds?: number;
}

/** What a run of progressive pruning made. */
export interface PruneFinetuneResult {
  /** The smallest model, trained. */
  readonly model: Graph;
  /** Costs of the model that the run began with. */
  readonly before: PruneReport["before"];
  /** Figures of that model. */
  readonly scoreBefore: Score;
  /** All rounds. */
  readonly rounds: readonly PruneRound[];
  /** Why it ended. */
  readonly reason: "finished" | "interrupted";
}

/** Names of files in stores. */
const STATE = "rounds.json", START = "start.onnx";

interface State {
  readonly settings: unknown;
  readonly before: PruneReport["before"];
  readonly scoreBefore: Score;
  readonly rounds: PruneRound[];
}

const decoder = new TextDecoder(), encoder = new TextEncoder();

/** What makes a run what it is: a run that goes on must have the same. */
function settingsOf(model: Graph, dataset: Dataset, options: PruneFinetuneOptions): unknown {
  const { validation, storeOf: _, onRound: __, signal: ___, onStep: ____, onEpoch: _____, workers: ______, ...rest } =
    options;
  const { tuning: _______, variants: ________, latency: _________, createTrainer: __________, ...kept } = rest;
  const data = { name: dataset.name, split: dataset.split, pictures: dataset.images.length };
  return JSON.parse(JSON.stringify({ model: model.name, data, validation: validation.images.length, ...kept }));
}

async function readState(store: TrainingStore, settings: unknown): Promise<State | undefined> {
  const bytes = await store.read(STATE);
  if (!bytes) return undefined;
  const state: State = JSON.parse(decoder.decode(bytes));
  if (JSON.stringify(state.settings) === JSON.stringify(settings)) return state;
  throw new FeatherdetError(`"${STATE}" is of a run with other settings: ${JSON.stringify(state.settings)}`);
}

/** Shares of the budget that are left of a model which is smaller already. */
function relative(budget: PruneBudget, before: PruneReport["before"], now: PruneReport["before"]): PruneBudget {
  return Object.fromEntries(
    budgetOf(budget).map(([kind, share]) => {
      if (kind === "latency") return [kind, share];
      return [kind, Math.min(1, share * before[kind] / now[kind])];
    }),
  );
}

/**
 * Prunes a detector in rounds, each followed by training, until the budget is met. Budgets are shares of the model that the run began
 * with; statistics are measured anew after every cut. Each model's history tells all cuts and trainings.
 *
 * Throws FeatherdetError as `cut` and `train` do, for a budget of latency, and for a store that holds a run with other settings.
 */
export async function pruneAndTrain(
  source: Graph,
  dataset: Dataset,
  options: PruneFinetuneOptions,
): Promise<PruneFinetuneResult> {
  const {
    rounds = 4,
    schedule = "equal",
    epochs = 10,
    lastEpochs = epochs === 0 ? 30 : 3 * epochs,
    validation,
    onRound,
    signal,
  } = options;
  const stores = new Map<string, TrainingStore>();
  const storeOf = options.storeOf ?? ((name: string) => {
    const store = stores.get(name) ?? createMemoryStore();
    stores.set(name, store);
    return Promise.resolve(store);
  });
  const root = await storeOf("");
  const settings = settingsOf(source, dataset, options);
  const known = await readState(root, settings);
  let model = await withNormalisation(source, dataset);
  const before = known?.before ?? costsOf(model);
  const state: State = known ??
    { settings, before, scoreBefore: await validate(source, validation, options), rounds: [] };
  const save = () => root.write(STATE, encoder.encode(`${JSON.stringify(state, null, 1)}\n`));
  await save();
  const result = (reason: PruneFinetuneResult["reason"]): PruneFinetuneResult => {
    return { model, before, scoreBefore: state.scoreBefore, rounds: state.rounds, reason };
  };
  for (const [index, budget] of roundBudgets(options.budget, rounds, schedule).entries()) {
    if (signal?.aborted) return result("interrupted");
    const store = await storeOf(`round-${index + 1}`);
    const begun = await store.read(START);
    let start: Graph;
    if (begun && state.rounds[index]) start = await importOnnx(begun);
    else {
      const made = await cut(model, dataset, { ...options, budget: relative(budget, before, costsOf(model)) });
      start = made.graph;
      const { after, groups: { removed } } = made.report;
      const left = { gflops: after.gflops, parameters: after.parameters, bytes: after.bytes };
      state.rounds[index] = {
        round: index + 1,
        budget,
        left,
        removed,
        afterCut: await validate(start, validation, options),
      };
      await store.write(START, saveOnnx(start));
      await save();
      onRound?.(state.rounds[index]);
    }
    const rest = index === rounds - 1 ? lastEpochs : epochs;
    if (rest === 0) {
      model = start;
      continue;
    }
    const last = await store.read(LAST_CHECKPOINT);
    const trained = await train(start, dataset, {
      ...options,
      batch: options.trainBatch,
      epochs: rest,
      store,
      validation,
      resume: last && await readCheckpoint(last, `round-${index + 1}/${LAST_CHECKPOINT}`),
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
    if (isNew) onRound?.(state.rounds[index]);
  }
  return result("finished");
}
