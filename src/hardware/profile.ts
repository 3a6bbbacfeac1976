/**
 * Device profiles: what is published of devices and of networks on them, family by family, as data files with their sources.
 *
 * A family is devices of one kind under one tool, whose layers behave alike: the latency model shares its shape parameters within one.
 * A profile without a source is refused. So is a row of another scope than its family's: times of the network alone and times of whole
 * frames (with decoding, suppression, camera) are never fitted together.
 *
 * @module
 */

import armCpu from "../../data/devices/arm-cpu.json" with { type: "json" };
import rknpu1 from "../../data/devices/rknpu1.json" with { type: "json" };
import rknpu2 from "../../data/devices/rknpu2.json" with { type: "json" };
import tensorrt from "../../data/devices/tensorrt.json" with { type: "json" };
import { FeatherdetError } from "../graph/error.ts";

/** What devices compute in. `fp32` is whatever the tool makes of f32 models. */
export type DevicePrecision = "fp32" | "fp16" | "int8";

/** Bytes of an element. */
export const PRECISION_BYTES: Readonly<Record<DevicePrecision, number>> = { fp32: 4, fp16: 2, int8: 1 };

/** What was timed: the network alone, or whole frames. */
export type Scope = "network" | "frame";

/** Where figures come from. */
export interface Source {
  /** Address of the page. */
  readonly url: string;
  /** What was read there. */
  readonly says: string;
}

/** Published times of networks at 640 x 640 pixels, by the name of the model; one of both units. */
export interface PublishedRow {
  readonly precision: DevicePrecision;
  /** Name of the source. */
  readonly source: string;
  /** Milliseconds of a run. */
  readonly milliseconds?: Readonly<Record<string, number>>;
  /** Runs a second. */
  readonly framesPerSecond?: Readonly<Record<string, number>>;
  /** The family's by default. */
  readonly scope?: Scope;
}

/** A device under a tool. */
export interface DeviceProfile {
  /** What it is called on the command line. */
  readonly name: string;
  /** What people call it. */
  readonly title: string;
  /** GFLOP/s (2 x multiply-accumulates) by precision. Nominal where there is no `spec`. */
  readonly peaks: Readonly<Partial<Record<DevicePrecision, number>>>;
  /** GFLOP/s in f32 of vector units beside matrix units, for devices that have both. */
  readonly vector?: number;
  /** GB/s of its memory. Nominal where there is no `spec`. */
  readonly bandwidth: number;
  /** Name of the source of peaks and bandwidth. */
  readonly spec?: string;
  /** Precisions that gain nothing here, and what they run as. */
  readonly runsAs?: Readonly<Partial<Record<DevicePrecision, DevicePrecision>>>;
  /** Watts while it runs a detector, where somebody measured them. */
  readonly power?: { readonly watts: number; readonly source: string };
  readonly rows: readonly PublishedRow[];
}

/** Devices that share the shape of the latency model. */
export interface DeviceFamily {
  readonly name: string;
  readonly title: string;
  readonly scope: Scope;
  /** Whether the timed networks decode boxes themselves. */
  readonly tail: boolean;
  /** How peaks were counted, what was left out. */
  readonly notes: readonly string[];
  readonly sources: Readonly<Record<string, Source>>;
  readonly devices: readonly DeviceProfile[];
  /** Priors of the fit that differ from `LATENCY_PRIORS`: value and spread. */
  readonly priors?: Readonly<Record<string, readonly number[]>>;
}

/** One published time. */
export interface PublishedTime {
  readonly device: DeviceProfile;
  readonly precision: DevicePrecision;
  /** Name of the model, as `yardstick` builds it. */
  readonly model: string;
  readonly milliseconds: number;
}

/** The family as it is given, checked. Throws FeatherdetError for a row or figure without source, unit or of another scope. */
export function checkFamily(family: DeviceFamily): DeviceFamily {
  const { name, sources, scope } = family;
  const fail = (what: string): never => {
    throw new FeatherdetError(`device family "${name}": ${what}`);
  };
  const known = (device: string, what: string, source: string | undefined) => {
    if (source === undefined || !Object.hasOwn(sources, source)) fail(`${what} of "${device}" has no source`);
  };
  for (const device of family.devices) {
    if (device.rows.length === 0) fail(`"${device.name}" has no published row`);
    if (device.spec !== undefined) known(device.name, "the specification", device.spec);
    if (device.power) known(device.name, "the power", device.power.source);
    for (const row of device.rows) {
      known(device.name, `a row in ${row.precision}`, row.source);
      if ((row.scope ?? scope) !== scope) fail(`"${device.name}" has a row of scope ${row.scope} among ${scope} times`);
      const { milliseconds, framesPerSecond } = row;
      if ((milliseconds === undefined) === (framesPerSecond === undefined)) {
        fail(`a row of "${device.name}" has no unit`);
      }
      if (device.peaks[row.precision] === undefined) fail(`"${device.name}" has rows but no peak in ${row.precision}`);
    }
  }
  return family;
}

// JSON has no literal types.
const FILES = [tensorrt, rknpu2, rknpu1, armCpu] as unknown as DeviceFamily[];

/** All families. */
export const DEVICE_FAMILIES: readonly DeviceFamily[] = FILES.map(checkFamily);

/** Names of all devices. */
export function deviceNames(): string[] {
  return DEVICE_FAMILIES.flatMap(({ devices }) => devices.map(({ name }) => name));
}

/** A device and its family. Throws FeatherdetError for a name that is not known. */
export function findDevice(name: string): { family: DeviceFamily; device: DeviceProfile } {
  for (const family of DEVICE_FAMILIES) {
    const device = family.devices.find((one) => one.name === name);
    if (device) return { family, device };
  }
  throw new FeatherdetError(`device "${name}" is not known, those are ${deviceNames().join(", ")}`);
}

/** All published times of a family. */
export function publishedTimes(family: DeviceFamily): PublishedTime[] {
  return family.devices.flatMap((device) =>
    device.rows.flatMap(({ precision, milliseconds, framesPerSecond }) =>
      Object.entries(milliseconds ?? framesPerSecond!).map(([model, figure]): PublishedTime => {
        return { device, precision, model, milliseconds: milliseconds ? figure : 1e3 / figure };
      })
    )
  );
}
