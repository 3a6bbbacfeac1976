/**
 * Measured dispatches of an adapter as they are kept: networks, and of each the time of every dispatch with what it had to do.
 *
 * @module
 */

import * as v from "npm:valibot@1.5.0";
import type { EngineSetup } from "../../engine/setup.ts";
import { FeatherdetError } from "../../graph/error.ts";
import { COUNT, faultOf, NUMBER, WORDS } from "../../numbers/forms.ts";
import { WORK_NAMES } from "./describe.ts";

/** Version of the form of records and of fitted models; others are refused. */
export const ADAPTER_FORMAT = 1;

/** What plans for an adapter depend on: with it a graph is planned as there, without the adapter. */
export interface AdapterPlanning {
  /** Kind of memory of activations. */
  readonly storage: "texture" | "buffer";
  /** Kind of adapter that estimates assume. */
  readonly target: "software" | "hardware";
  /** Whether packed dot products of bytes passed the device's check. */
  readonly packedDot: boolean;
  /** Most array layers of a texture; absent where activations are in buffers. */
  readonly maxPages?: number;
  /** Most storage textures of a dispatch. */
  readonly maxStorageTextures: number;
  /** Most bytes of one buffer. */
  readonly maxBufferBytes: number;
}

/** One measured dispatch. */
export interface MeasuredDispatch {
  /** Index of its kind in the record's list. */
  readonly kind: number;
  /** By `WORK_NAMES`. */
  readonly work: readonly number[];
  /** Device time at its fastest. */
  readonly milliseconds: number;
}

/** A network that was measured. */
export interface MeasuredNetwork {
  /** What it is, in words that say how to make it again. */
  readonly name: string;
  /** How its float part was stored. */
  readonly scalar: "f32" | "f16";
  /** Whether every node had a dispatch of its own. */
  readonly separate: boolean;
  /** Milliseconds from picture to boxes. */
  readonly frame: { readonly median: number; readonly min: number };
  /** Letterbox to suppression. */
  readonly dispatches: readonly MeasuredDispatch[];
}

/** What was measured on an adapter. */
export interface AdapterMeasurements {
  /** `ADAPTER_FORMAT`. */
  readonly format: 1;
  /** The driver's name for it. */
  readonly adapter: string;
  /** When, as ISO 8601. */
  readonly date: string;
  /** Threads that a software adapter had, and what else was arranged, for people. */
  readonly setting: string;
  /** Timed frames of each network. */
  readonly rounds: number;
  /** Extents of the picture that frames began with. */
  readonly picture: { readonly width: number; readonly height: number };
  /** What graphs were planned for. */
  readonly planning: AdapterPlanning;
  /** Hashes of the shaders that ran. */
  readonly shaders: Readonly<Record<string, string>>;
  /** Kinds of dispatches. */
  readonly kinds: readonly string[];
  /** What was measured of each. */
  readonly networks: readonly MeasuredNetwork[];
}

const POSITIVE = v.pipe(NUMBER, v.minValue(0, "expected a number from 0"));

/** The form of `AdapterPlanning`. */
export const PLANNING_FORM = v.object({
  storage: v.picklist(["texture", "buffer"], "expected texture or buffer"),
  target: v.picklist(["software", "hardware"], "expected software or hardware"),
  packedDot: v.boolean("expected true or false"),
  maxPages: v.optional(COUNT),
  maxStorageTextures: COUNT,
  maxBufferBytes: COUNT,
}, "expected an object");

/** Numbers of a dispatch, one each of `WORK_NAMES`. */
export const WORK_FORM = v.pipe(
  v.array(POSITIVE, "expected a list"),
  v.length(WORK_NAMES.length, `expected ${WORK_NAMES.length} numbers`),
);

const MEASUREMENTS_FORM = v.object({
  format: v.literal(ADAPTER_FORMAT, `expected ${ADAPTER_FORMAT}`),
  adapter: WORDS,
  date: WORDS,
  setting: WORDS,
  rounds: COUNT,
  picture: v.object({ width: COUNT, height: COUNT }, "expected an object"),
  planning: PLANNING_FORM,
  shaders: v.record(v.string(), WORDS, "expected an object"),
  kinds: v.array(WORDS, "expected a list"),
  networks: v.array(
    v.object({
      name: WORDS,
      scalar: v.picklist(["f32", "f16"], "expected f32 or f16"),
      separate: v.boolean("expected true or false"),
      frame: v.object({ median: POSITIVE, min: POSITIVE }, "expected an object"),
      dispatches: v.array(
        v.object({ kind: COUNT, work: WORK_FORM, milliseconds: POSITIVE }, "expected an object"),
        "expected a list",
      ),
    }, "expected an object"),
    "expected a list",
  ),
}, "expected an object");

/** What is wrong with a value that should be `AdapterMeasurements`; undefined if nothing is. */
export function measurementsFault(value: unknown): string | undefined {
  const fault = faultOf(MEASUREMENTS_FORM, value);
  if (fault !== undefined) return fault;
  const { kinds, networks } = value as AdapterMeasurements;
  const strange = networks.find(({ dispatches }) => dispatches.some(({ kind }) => kinds[kind] === undefined));
  return strange && `networks: "${strange.name}" has a dispatch of a kind that the record does not list`;
}

/** What plans for a device depend on, of what an engine was set up with. */
export function planningOf({ form, ...limits }: EngineSetup["planning"]): AdapterPlanning {
  const { target = "software", packedDot = false, maxPages, maxStorageTextures = 4, maxBufferBytes = 0 } = limits;
  return {
    ...{ storage: form.storage, target, packedDot, maxStorageTextures, maxBufferBytes },
    ...(Number.isFinite(maxPages) && { maxPages }),
  };
}

/** What plans like those of an adapter are made with. */
export function enginePlanning(
  { storage, maxPages = Infinity, ...limits }: AdapterPlanning,
  { scalar, separate }: Pick<MeasuredNetwork, "scalar" | "separate">,
): EngineSetup["planning"] {
  return { ...limits, maxPages, form: { storage, scalar }, separate };
}

/**
 * Two records of one adapter as one: networks of the second take the place of those of the same name. Throws FeatherdetError for records of
 * different adapters, limits or pictures.
 */
export function mergeMeasurements(first: AdapterMeasurements, second: AdapterMeasurements): AdapterMeasurements {
  const setUp = ({ adapter, planning, picture, rounds }: AdapterMeasurements) =>
    JSON.stringify([adapter, Object.entries(planning).sort(), picture, rounds]);
  if (setUp(first) !== setUp(second)) {
    throw new FeatherdetError(
      `records of "${first.adapter}" and "${second.adapter}" were not measured alike: write them into files of their own`,
    );
  }
  const kinds = [...new Set([...first.kinds, ...second.kinds])];
  const renumbered = ({ kinds: own, networks }: AdapterMeasurements) =>
    networks.map((network): MeasuredNetwork => ({
      ...network,
      dispatches: network.dispatches.map((one) => ({ ...one, kind: kinds.indexOf(own[one.kind]) })),
    }));
  const newer = new Set(second.networks.map(({ name }) => name));
  const kept = renumbered(first).filter(({ name }) => !newer.has(name));
  return {
    ...second,
    shaders: { ...first.shaders, ...second.shaders },
    kinds,
    networks: [...kept, ...renumbered(second)],
  };
}
