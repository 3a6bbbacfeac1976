/**
 * The model of an adapter: dispatches that were measured, costs for all others, and how far predictions of unseen networks are off.
 *
 * @module
 */

import * as v from "npm:valibot@1.5.0";
import { FeatherdetError } from "../../graph/error.ts";
import { faultOf, NUMBER, WORDS } from "../../numbers/forms.ts";
import { quantile } from "../fitted.ts";
import { type DispatchWork, WORK_NAMES } from "./describe.ts";
import {
  costOf,
  fitCosts,
  fitFrame,
  type FittedCosts,
  type FrameCosts,
  frameTime,
  type TimedFrame,
  type TimedWork,
} from "./fit.ts";
import {
  ADAPTER_FORMAT,
  type AdapterMeasurements,
  type AdapterPlanning,
  type MeasuredNetwork,
  PLANNING_FORM,
  WORK_FORM,
} from "./record.ts";
import type { UnseenNetwork } from "./unseen.ts";

/** Where the time of a dispatch comes from: it was measured, or costs of its kind, of its shader or of any dispatch say it. */
export type TimeSource = "measured" | "kind" | "shader" | "any";

/** A model of an adapter's times. */
export interface AdapterModel {
  /** `ADAPTER_FORMAT`. */
  readonly format: 1;
  /** The driver's name for it. */
  readonly adapter: string;
  /** When it was measured, as ISO 8601. */
  readonly date: string;
  /** Under which conditions, for people. */
  readonly setting: string;
  /** Names of the numbers that say what a dispatch has to do. */
  readonly work: readonly string[];
  /** What graphs are planned for. */
  readonly planning: AdapterPlanning;
  /** Hashes of the shaders that were measured. */
  readonly shaders: Readonly<Record<string, string>>;
  /** Networks that were measured. */
  readonly networks: readonly string[];
  /** By kind: what measured dispatches had to do, and their milliseconds last. */
  readonly measured: Readonly<Record<string, readonly (readonly number[])[]>>;
  /** What says the times of other dispatches. */
  readonly costs: FittedCosts;
  /** What a frame takes besides its dispatches. */
  readonly frame: FrameCosts;
  /** Each network left out in turn. */
  readonly unseen: readonly UnseenNetwork[];
}

const COSTS = WORK_FORM, COSTS_BY_NAME = v.record(v.string(), COSTS, "expected an object");

const MODEL_FORM = v.object({
  format: v.literal(ADAPTER_FORMAT, `expected ${ADAPTER_FORMAT}`),
  adapter: WORDS,
  date: WORDS,
  setting: WORDS,
  work: v.pipe(
    v.array(WORDS, "expected a list"),
    v.check((names) => names.join() === WORK_NAMES.join(), `expected ${WORK_NAMES.join(", ")}`),
  ),
  planning: PLANNING_FORM,
  shaders: v.record(v.string(), WORDS, "expected an object"),
  networks: v.array(WORDS, "expected a list"),
  measured: v.record(
    v.string(),
    v.array(v.pipe(v.array(NUMBER), v.length(WORK_NAMES.length + 1)), "expected a list"),
    "expected an object",
  ),
  costs: v.object({ all: COSTS, shaders: COSTS_BY_NAME, kinds: COSTS_BY_NAME }, "expected an object"),
  frame: v.pipe(v.array(NUMBER, "expected a list"), v.length(3, "expected 3 numbers")),
  unseen: v.array(
    v.object(
      { name: WORDS, device: NUMBER, predictedDevice: NUMBER, frame: NUMBER, predictedFrame: NUMBER },
      "expected an object",
    ),
    "expected a list",
  ),
}, "expected an object");

/** What is wrong with a value that should be an `AdapterModel`; undefined if nothing is. */
export function adapterModelFault(value: unknown): string | undefined {
  return faultOf(MODEL_FORM, value);
}

/** The shader of a kind of dispatches. */
const shaderOf = (kind: string) => kind.slice(0, kind.indexOf(" "));

/** Equal for dispatches that have the same to do. */
const workKey = (work: readonly number[]) => work.join(" ");

const middle = (numbers: readonly number[]) => quantile(numbers, 0.5);

function timedWork({ kinds }: AdapterMeasurements, networks: readonly MeasuredNetwork[]): TimedWork[] {
  return networks.flatMap(({ dispatches }) =>
    dispatches.map(({ kind, ...timed }) => ({ ...timed, kind: kinds[kind], shader: shaderOf(kinds[kind]) }))
  );
}

/** Each measured dispatch once: of those that are the same work the median. */
function measuredOnce(timed: readonly TimedWork[]): Record<string, number[][]> {
  const byKind: Record<string, number[][]> = {};
  for (const [kind, some] of Map.groupBy(timed, ({ kind }) => kind)) {
    byKind[kind] = [...Map.groupBy(some, ({ work }) => workKey(work)).values()].map((
      same,
    ) => [...same[0].work, middle(same.map(({ milliseconds }) => milliseconds))]);
  }
  return byKind;
}

/** A time and where it comes from. */
export interface WorkTime {
  readonly milliseconds: number;
  readonly from: TimeSource;
}

/** Tells times of dispatches. */
export type WorkTimer = (dispatch: DispatchWork) => WorkTime;

/** Makes what tells the times of dispatches by a model. */
export function workTimer({ measured, costs }: Pick<AdapterModel, "measured" | "costs">): WorkTimer {
  const known = new Map(
    Object.entries(measured).flatMap(([kind, rows]) =>
      rows.map((row) => [`${kind}|${workKey(row.slice(0, -1))}`, row[row.length - 1]] as const)
    ),
  );
  return ({ kind, shader, work }) => {
    const found = known.get(`${kind}|${workKey(work)}`);
    if (found !== undefined) return { milliseconds: found, from: "measured" };
    const of = (table: Readonly<Record<string, readonly number[]>>, name: string) =>
      Object.hasOwn(table, name) ? table[name] : undefined;
    const own = of(costs.kinds, kind);
    if (own) return { milliseconds: costOf(own, work), from: "kind" };
    const shared = of(costs.shaders, shader);
    if (shared) return { milliseconds: costOf(shared, work), from: "shader" };
    return { milliseconds: costOf(costs.all, work), from: "any" };
  };
}

function framesOf(networks: readonly MeasuredNetwork[]): TimedFrame[] {
  return networks.map(({ frame, dispatches }) => ({
    device: dispatches.reduce((sum, { milliseconds }) => sum + milliseconds, 0),
    dispatches: dispatches.length,
    frame: frame.min,
  }));
}

function fitNetworks(record: AdapterMeasurements, networks: readonly MeasuredNetwork[]) {
  const timed = timedWork(record, networks);
  return { measured: measuredOnce(timed), costs: fitCosts(timed), frame: fitFrame(framesOf(networks)) };
}

const digits = (value: number) => Number(value.toPrecision(6));

/**
 * What a model of some networks says of others, each beside what was measured. The networks' kinds are those of the record.
 */
export function unseenNetworks(
  model: Pick<AdapterModel, "measured" | "costs" | "frame">,
  record: AdapterMeasurements,
  networks: readonly MeasuredNetwork[] = record.networks,
): UnseenNetwork[] {
  const timer = workTimer(model), frames = framesOf(networks);
  return networks.map((network, i): UnseenNetwork => {
    const predicted = timedWork(record, [network]).reduce((sum, work) => sum + timer(work).milliseconds, 0);
    return {
      name: network.name,
      device: digits(frames[i].device),
      predictedDevice: digits(predicted),
      frame: digits(frames[i].frame),
      predictedFrame: digits(frameTime(model.frame, predicted, network.dispatches.length)),
    };
  });
}

/**
 * Fits a model to measurements, and once for each network without it. Throws FeatherdetError for fewer than three networks, of which no
 * prediction of another can be judged.
 */
export function fitAdapter(record: AdapterMeasurements): AdapterModel {
  const { adapter, date, setting, planning, shaders, networks } = record;
  if (networks.length < 3) {
    throw new FeatherdetError(
      `${networks.length} networks were measured on "${adapter}", a model of it takes at least three`,
    );
  }
  const rounded = (table: Readonly<Record<string, readonly number[]>>) =>
    Object.fromEntries(Object.entries(table).map(([name, costs]) => [name, costs.map(digits)]));
  const { measured, costs, frame } = fitNetworks(record, networks);
  const unseen = networks.flatMap((left) =>
    unseenNetworks(fitNetworks(record, networks.filter((one) => one !== left)), record, [left])
  );
  return {
    ...{ format: ADAPTER_FORMAT, adapter, date, setting, work: WORK_NAMES, planning, shaders },
    networks: networks.map(({ name }) => name),
    measured: Object.fromEntries(
      Object.entries(measured).map((
        [kind, rows],
      ) => [kind, rows.map((row) => [...row.slice(0, -1), digits(row.at(-1)!)])]),
    ),
    costs: { all: costs.all.map(digits), shaders: rounded(costs.shaders), kinds: rounded(costs.kinds) },
    frame: frame.map(digits) as unknown as FrameCosts,
    unseen,
  };
}
