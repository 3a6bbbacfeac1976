/**
 * The fit as it is kept: parameters of every device, and what the model said of every published row without having seen its network.
 *
 * `deno task predict-latency --refit` writes `data/devices/fitted.json` anew. It is kept because a prediction needs its band, and the
 * band needs one fit for every network that is left out.
 *
 * @module
 */

import kept from "../../data/devices/fitted.json" with { type: "json" };
import { FeatherdetError } from "../graph/error.ts";
import { fitFamily, leaveOneModelOut } from "./fit.ts";
import type { LatencyParameters } from "./latency_model.ts";
import { DEVICE_FAMILIES, type DeviceFamily, type DevicePrecision } from "./profile.ts";

/** What the model said of a published row whose network it had not seen. */
export interface UnseenRow {
  /** Name of the device. */
  readonly device: string;
  /** What it computed in. */
  readonly precision: DevicePrecision;
  /** Name of the network. */
  readonly model: string;
  /** Published milliseconds. */
  readonly published: number;
  /** Milliseconds that the model says. */
  readonly predicted: number;
}

/** The fit of a family. */
export interface FamilyFit {
  readonly family: string;
  /** By the name of the device. */
  readonly parameters: Readonly<Record<string, LatencyParameters>>;
  readonly unseen: readonly UnseenRow[];
}

const digits = (value: number) => Number(value.toPrecision(6));

/** Fits families and leaves one network out at a time: seconds for each. */
export function refit(families: readonly DeviceFamily[] = DEVICE_FAMILIES): FamilyFit[] {
  return families.map((family): FamilyFit => {
    const parameters = [...fitFamily(family)].map(([device, values]) => {
      return [device.name, Object.fromEntries(Object.entries(values).map(([name, value]) => [name, digits(value)]))];
    });
    const unseen = leaveOneModelOut(family).map(({ device, precision, model, milliseconds, predicted }): UnseenRow => {
      return { device: device.name, precision, model, published: digits(milliseconds), predicted: digits(predicted) };
    });
    return { family: family.name, parameters: Object.fromEntries(parameters), unseen };
  });
}

/** The fits that are kept. JSON has no literal types. */
export const FITS: readonly FamilyFit[] = kept as unknown as FamilyFit[];

/** The kept fit of a family. Throws FeatherdetError where there is none. */
export function fitOf(family: DeviceFamily): FamilyFit {
  const found = FITS.find((one) => one.family === family.name);
  if (found) return found;
  throw new FeatherdetError(`device family "${family.name}" has not been fitted: run predict-latency --refit`);
}

/** How far the model is off on networks that it has not seen. */
export interface UnseenErrors {
  /** Rows that were compared. */
  readonly rows: number;
  /** Median of |predicted / published - 1|. */
  readonly median: number;
  /** Share of the rows within 10 %. */
  readonly within10: number;
  /** Share of the rows within 25 %. */
  readonly within25: number;
  /** The row that is furthest off, and its predicted / published - 1. */
  readonly worst: UnseenRow & { readonly error: number };
}

const errorOf = ({ predicted, published }: UnseenRow) => predicted / published - 1;

/** The q-quantile of numbers, between neighbours where it falls between them. */
export function quantile(numbers: readonly number[], q: number): number {
  const sorted = [...numbers].sort((a, b) => a - b), at = q * (sorted.length - 1), low = Math.floor(at);
  return sorted[low] + (at - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
}

/** Sums up some rows, at least one. */
export function unseenErrors(rows: readonly UnseenRow[]): UnseenErrors {
  const off = rows.map((row) => Math.abs(errorOf(row)));
  const within = (bound: number) => off.filter((one) => one <= bound).length / off.length;
  const worst = rows[off.indexOf(Math.max(...off))];
  return {
    rows: rows.length,
    median: quantile(off, 0.5),
    within10: within(0.1),
    within25: within(0.25),
    worst: { ...worst, error: errorOf(worst) },
  };
}

/** Rows of its own that a device needs for a band of its own. */
const OWN_ROWS = 8;

/** Share of the rows that a band holds. */
export const BAND_SHARE = 0.9;

/**
 * Half the width of a device's band, as a factor above 1: nine of ten rows of networks that the model had not seen lie within it. It is
 * that of the family, and never narrower than the device's own rows ask for.
 */
export function bandFactor(fit: FamilyFit, device: string): number {
  const distance = ({ predicted, published }: UnseenRow) => Math.abs(Math.log(predicted / published));
  const own = fit.unseen.filter((row) => row.device === device).map(distance);
  const family = quantile(fit.unseen.map(distance), BAND_SHARE);
  // Of few rows the furthest one is no more than a hint of how far others can be.
  const mine = own.length === 0 ? 0 : quantile(own, own.length < OWN_ROWS ? 1 : BAND_SHARE);
  return Math.exp(Math.max(family, mine));
}
