/**
 * The trainer of an elastic network: a step trains the whole network, the smallest and some of chance on the same pictures, and the
 * parameters move by the mean of their gradients (the sandwich rule, Yu and Huang 2019, https://arxiv.org/abs/1903.05134).
 *
 * @module
 */

import { type ElasticNet, masksOf } from "../../compress/elastic/mod.ts";
import { cheapestPoint, dearestPoint, type Point, randomPoint } from "../../compress/search/space.ts";
import { randomOf } from "../../compress/search/problem.ts";
import { FeatherdetError, type Graph, sizeOf } from "../../graph/mod.ts";
import { changeShapes } from "../../passes/mod.ts";
import { inPlaceValues, maskInputs } from "../../train/mod.ts";
import type { StepReport, Trainer, TrainerState, TrainingBatch, UpdateSettings } from "../../train/loop/trainer.ts";
import type { Losses } from "../../train/losses/named_loss.ts";
import { createTrainer, type DetectionTrainer, type TrainerOptions } from "../detection_trainer.ts";
import { shrunk } from "./shrunk.ts";

/** How sub-networks are drawn. */
export interface SandwichOptions {
  /** Sub-networks of chance in each step, besides the whole one and the smallest; 2 by default. */
  readonly subnets?: number;
  /** Of the draws; 0 by default. */
  readonly seed?: number;
}

/** Beginning of the names of losses that sub-networks learn by. */
const TAUGHT = "distil ";

/** Steps whose draws are apart, since an update may have several batches. */
const MOST_BATCHES = 1024;

/** Losses of the labels by the whole network, and the mean of what the others learn by. */
function told(whole: Losses, parts: readonly Losses[]): Losses {
  return Object.fromEntries(
    Object.entries(whole).map(([name, value]) => {
      if (!name.startsWith(TAUGHT)) return [name, value];
      return [name, parts.reduce((sum, losses) => sum + losses[name], 0) / parts.length];
    }),
  );
}

/** A trainer at one input size. */
export interface SizedTrainer {
  /** It; its losses by name say which ones teach sub-networks. */
  readonly trainer: Pick<DetectionTrainer, keyof Trainer | "losses">;
  /** What the whole network is fed in the place of what it says itself. */
  readonly silent: Readonly<Record<string, Float32Array>>;
}

/** Makes the trainer of an input size. */
export type MakeSized = (size: number) => Promise<SizedTrainer>;

/** The sub-networks of a step. */
interface Draw {
  readonly size: number;
  readonly whole: Point;
  readonly points: readonly Point[];
}

/** A Trainer of a net and all of its sub-networks; made by `elasticTrainer`. */
export class ElasticTrainer implements Trainer {
  readonly batch: number;
  readonly size: readonly [number, number];
  readonly boxes: number;
  readonly parameters: number;
  readonly #net: ElasticNet;
  readonly #make: MakeSized;
  readonly #options: Required<SandwichOptions>;
  /** Trainers of input sizes that were needed so far; all but the one at work have an older state. */
  readonly #made: Map<number, SizedTrainer>;
  #size: number;
  /** Updates that were asked for, and batches since the last. */
  #place: readonly [updates: number, batches: number] = [0, 0];
  /** Steps one after the other: what the whole network says is what the others are told. */
  #last: Promise<unknown> = Promise.resolve();

  /** Call `elasticTrainer` instead. */
  constructor(net: ElasticNet, whole: SizedTrainer, make: MakeSized, options: SandwichOptions) {
    const { batch, size, boxes, parameters } = whole.trainer, { subnets = 2, seed = 0 } = options;
    [this.batch, this.size, this.boxes, this.parameters] = [batch, size, boxes, parameters];
    [this.#net, this.#make, this.#size, this.#options] = [net, make, size[0], { subnets, seed }];
    this.#made = new Map([[size[0], whole]]);
  }

  get #now(): SizedTrainer {
    return this.#made.get(this.#size)!;
  }

  /** Lets something happen behind the steps that were asked for. */
  #behind<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#last.then(act);
    this.#last = done.catch(() => {});
    return done;
  }

  /** The trainer of a size, with the state of the one that was at work. */
  async #at(size: number): Promise<SizedTrainer> {
    if (size === this.#size) return this.#now;
    const state = await this.#now.trainer.state(), other = this.#made.get(size) ?? await this.#make(size);
    this.#made.set(size, other);
    other.trainer.restore(state);
    this.#size = size;
    return other;
  }

  /** What a step trains; all batches of an update have one size. */
  #draw([update, batch]: readonly [number, number]): Draw {
    const { space, options: { sizes } } = this.#net, { subnets, seed } = this.#options;
    const random = (number: number) => randomOf(seed, update * MOST_BATCHES + number);
    const at = space.dimensions.findIndex(({ name }) => name === "size");
    const place = random(0).integer(sizes!.length), drawn = random(1 + batch);
    const sized = (point: Point) => at < 0 ? point : point.with(at, place);
    const some = Array.from({ length: subnets }, () => randomPoint(space, drawn));
    return {
      size: sizes![place],
      whole: sized(dearestPoint(space)),
      points: [cheapestPoint(space), ...some].map(sized),
    };
  }

  /** Masks of a sub-network as a step is fed them. */
  #masks(point: Point): Record<string, Float32Array> {
    const inputs = maskInputs(this.#net);
    return Object.fromEntries([...masksOf(this.#net, point)].map(([constant, mask]) => [inputs.get(constant)!, mask]));
  }

  async step(batch: TrainingBatch, update?: UpdateSettings, epoch = 0): Promise<StepReport> {
    const place = this.#place, [updates, batches] = place;
    this.#place = update ? [updates + 1, 0] : [updates, batches + 1];
    return await this.#behind(() => this.#sandwich(batch, place, update, epoch));
  }

  async #sandwich(
    given: TrainingBatch,
    place: readonly [number, number],
    update: UpdateSettings | undefined,
    epoch: number,
  ): Promise<StepReport> {
    const { size, points, whole } = this.#draw(place), [largest] = this.size, batch = shrunk(given, largest, size);
    const { trainer, silent } = await this.#at(size);
    const without = (isLeftOut: (name: string) => boolean) =>
      Object.fromEntries(trainer.losses.filter(isLeftOut).map((name) => [name, 0]));
    const first = await trainer.step(
      {
        ...batch,
        fed: { ...batch.fed, ...silent, ...this.#masks(whole) },
        factors: without((name) => name.startsWith(TAUGHT)),
        keepsStatistics: size !== largest,
      },
      undefined,
      epoch,
    );
    const said = Object.fromEntries(inPlaceValues(this.#net).map(([value, input]) => [input, first.values![value]]));
    const parts: StepReport[] = [], factors = without((name) => !name.startsWith(TAUGHT));
    for (const [i, point] of points.entries()) {
      const fed = { ...batch.fed, ...said, ...this.#masks(point) };
      const isLast = i === points.length - 1;
      parts.push(
        await trainer.step({ ...batch, fed, factors, keepsStatistics: true }, isLast ? update : undefined, epoch),
      );
    }
    const { values: _, ...report } = first, { gradientNorm, skipped } = parts.at(-1)!;
    return { ...report, losses: told(first.losses, parts.map(({ losses }) => losses)), gradientNorm, skipped };
  }

  gradient(): Promise<{ readonly sum: Float32Array; readonly batches: number }> {
    return this.#behind(() => this.#now.trainer.gradient());
  }

  addGradient(sum: Float32Array, batches: number): void {
    this.#now.trainer.addGradient(sum, batches);
  }

  trained(which: "current" | "average"): Promise<ReadonlyMap<string, Float32Array>> {
    return this.#behind(() => this.#now.trainer.trained(which));
  }

  takeAverage(): Promise<void> {
    return this.#behind(() => this.#now.trainer.takeAverage());
  }

  state(): Promise<TrainerState> {
    return this.#behind(() => this.#now.trainer.state());
  }

  restore(state: TrainerState): void {
    this.#now.trainer.restore(state);
    this.#place = [state.updates, 0];
  }

  findNonFinite(): Promise<string | undefined> {
    return this.#behind(() => this.#now.trainer.findNonFinite());
  }

  destroy(): void {
    for (const { trainer } of this.#made.values()) trainer.destroy();
  }
}

/**
 * What makes the trainer of an elastic network, for `train`; the variant is `elastic(net)`. Trainers of smaller inputs are made when they
 * are first needed.
 *
 * Throws FeatherdetError as `createTrainer` does, and for a number of sub-networks that cannot be.
 */
export function elasticTrainer(
  net: ElasticNet,
  options: SandwichOptions = {},
): (model: Graph, how: TrainerOptions) => Promise<ElasticTrainer> {
  const { subnets = 2 } = options;
  if (!Number.isInteger(subnets) || subnets < 0) {
    throw new FeatherdetError(`${subnets} sub-networks of chance in a step, expected a whole number of at least 0`);
  }
  return async (model, how) => {
    const values = inPlaceValues(net), [{ name, shape }] = model.inputs;
    const make: MakeSized = async (size) => {
      const sized = shape[2] === size ? model : changeShapes(model, { [name]: [...shape.slice(0, 2), size, size] });
      const trainer = await createTrainer(sized, { ...how, report: values.map(([value]) => value) });
      const shapes = new Map(trainer.session.inputs.map((input) => [input.name, input.shape]));
      const silent = values.map(([, input]) => [input, new Float32Array(sizeOf(shapes.get(input)!))] as const);
      return { trainer, silent: Object.fromEntries(silent) };
    };
    return new ElasticTrainer(net, await make(shape[2]), make, options);
  };
}
