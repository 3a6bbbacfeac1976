/**
 * Analog photonic arrays: inputs become light, weights let a part of it through, a detector sums what is left of many products, and
 * converters read the sum. Figures are data (`data/photonics.json`), each with its source, or with the reason why it is nominal.
 *
 * @module
 */

import file from "../../../data/photonics.json" with { type: "json" };
import type { AnalogNoise } from "../../compress/analog/mod.ts";
import { FeatherdetError } from "../../graph/error.ts";
import type { Source } from "../profile.ts";

/** A figure with the name of its source, or with what stands for one. */
export interface SourcedFigure {
  readonly value: number;
  /** Name of the source. */
  readonly source?: string;
  /** Why it is as it is, where nobody published it. */
  readonly nominal?: string;
  /** What of the source it is. */
  readonly note?: string;
}

/** Figures of an array. */
export const PHOTONIC_FIGURES = [
  /** Products that one detector sums at once. */
  "rows",
  /** Sums at once that have other weights. */
  "columns",
  /** Sums at once that have the same weights and other inputs. */
  "vectors",
  /** Inputs a nanosecond. */
  "gigahertz",
  /** Time in which other weights are set. */
  "reloadNanoseconds",
  /** Bits of converters and weights. */
  ...["inputBits", "weightBits", "outputBits"] as const,
  /** Light of one product at its detector, where input and weight are 1. */
  "detectedMicrowatts",
  /** Current that a detector makes of light. */
  "amperePerWatt",
  /** Current of the receiver's noise, a root of hertz. */
  "thermalPicoampere",
  /** What is on however many products there are. */
  "watts",
  /** Energy of a number that becomes light, of a weight that is set, and of a sum that is read. */
  ...["inputPicojoules", "weightPicojoules", "outputPicojoules"] as const,
] as const;

/** Name of a figure. */
export type PhotonicFigure = typeof PHOTONIC_FIGURES[number];

/** What is published of an array. */
export interface PhotonicProfile extends Readonly<Record<PhotonicFigure, SourcedFigure>> {
  /** What it is called on the command line. */
  readonly name: string;
  /** What people call it. */
  readonly title: string;
  /** Name of the source that describes it. */
  readonly source: string;
}

/** An array: plain numbers. */
export interface PhotonicArray extends Readonly<Record<PhotonicFigure, number>> {
  /** What it is called on the command line. */
  readonly name: string;
  /** What people call it. */
  readonly title: string;
}

/** Charge of an electron in coulomb. */
const ELECTRON = 1.602176634e-19;

/** Figures that may be 0. */
const MAY_BE_NONE: ReadonlySet<string> = new Set(
  ["reloadNanoseconds", "thermalPicoampere", "watts", "inputPicojoules", "weightPicojoules", "outputPicojoules"],
);

/** The array itself. Throws FeatherdetError for figures that no array has. */
export function checkArray(array: PhotonicArray): PhotonicArray {
  for (const figure of PHOTONIC_FIGURES) {
    const value = array[figure], least = MAY_BE_NONE.has(figure) ? 0 : Number.MIN_VALUE;
    if (!(value >= least && value < Infinity)) {
      throw new FeatherdetError(`photonic array "${array.name}": ${figure} is ${value}, expected a positive number`);
    }
  }
  return array;
}

/** The profile itself. Throws FeatherdetError where it or one of its figures has no source and is not said to be nominal. */
export function checkProfile(
  profile: PhotonicProfile,
  sources: Readonly<Record<string, Source>>,
): PhotonicProfile {
  const fail = (what: string): never => {
    throw new FeatherdetError(`photonic array "${profile.name}": ${what}`);
  };
  const isKnown = (source: string | undefined) => source !== undefined && Object.hasOwn(sources, source);
  if (!isKnown(profile.source)) fail("it has no source");
  for (const figure of PHOTONIC_FIGURES) {
    const { source, nominal } = profile[figure] ?? fail(`${figure} is missing`);
    if (source === undefined ? !nominal : !isKnown(source)) {
      fail(`${figure} has no source and is not said to be nominal`);
    }
  }
  checkArray(arrayOf(profile));
  return profile;
}

/** The numbers of a profile. */
function arrayOf(profile: PhotonicProfile): PhotonicArray {
  const figures = PHOTONIC_FIGURES.map((figure) => [figure, profile[figure].value]);
  return { name: profile.name, title: profile.title, ...Object.fromEntries(figures) };
}

/** Where figures come from, by name. */
export const PHOTONIC_SOURCES: Readonly<Record<string, Source>> = file.sources;

/** All profiles. */
export const PHOTONIC_PROFILES: readonly PhotonicProfile[] = file.arrays.map((one) =>
  checkProfile(one, PHOTONIC_SOURCES)
);

/** Names of all arrays. */
export function photonicNames(): string[] {
  return PHOTONIC_PROFILES.map(({ name }) => name);
}

/** An array by its name. Throws FeatherdetError for one that is not known. */
export function findPhotonic(name: string): PhotonicArray {
  const found = PHOTONIC_PROFILES.find((one) => one.name === name);
  if (found) return arrayOf(found);
  throw new FeatherdetError(`photonic array "${name}" is not known, those are ${photonicNames().join(", ")}`);
}

/** Figures of an array that nobody published, with the reason for each. */
export function nominalFigures(name: string): (readonly [PhotonicFigure, string])[] {
  const profile = PHOTONIC_PROFILES.find((one) => one.name === name);
  return PHOTONIC_FIGURES.flatMap((figure) => {
    const nominal = profile?.[figure].nominal;
    return nominal === undefined ? [] : [[figure, nominal] as const];
  });
}

/** Electrons of one product at full light: current over charge and rate. */
export function electronsOf({ detectedMicrowatts, amperePerWatt, gigahertz }: PhotonicArray): number {
  return detectedMicrowatts * 1e-6 * amperePerWatt / (ELECTRON * gigahertz * 1e9);
}

/**
 * Noise of an array, where a product is 1 at most. Its band is half of its rate. Shot noise of a current I has the variance 2 q I B, which
 * is one electron in the electrons of a product; thermal noise has the receiver's current times the root of the band.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { electronsOf, findPhotonic, photonicNoise } from "./array.ts";
 * const array = findPhotonic("albireo");
 * assert.ok(Math.abs(photonicNoise(array).shot - 1 / Math.sqrt(electronsOf(array))) < 1e-15);
 * ```
 */
export function photonicNoise(array: PhotonicArray): AnalogNoise {
  const { detectedMicrowatts, amperePerWatt, thermalPicoampere, gigahertz, rows } = array;
  const band = gigahertz * 1e9 / 2, ampere = detectedMicrowatts * 1e-6 * amperePerWatt;
  return {
    shot: Math.sqrt(2 * ELECTRON * ampere * band) / ampere,
    thermal: thermalPicoampere * 1e-12 * Math.sqrt(band) / ampere,
    rows,
  };
}
