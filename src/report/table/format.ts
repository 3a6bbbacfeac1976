/**
 * How figures are written: their headings, units and digits.
 *
 * @module
 */

import type { FigureName } from "./results.ts";
import { seriesColour } from "../plot/theme.ts";
import { VARIANT_ROLES, type VariantRole } from "./variant.ts";

/** How a kind of figure is written. */
export interface Format {
  /** What it is, with its unit. */
  readonly heading: string;
  /** What one of the unit is in the figure's own terms; figures are divided by it. */
  readonly unit: number;
  /** Digits behind the point. */
  readonly digits: number;
}

/** Figures by name. Milli- and percent signs are in the headings, so that columns hold numbers only. */
export const FORMATS: Readonly<Record<FigureName, Format>> = {
  parameters: { heading: "parameters M", unit: 1e6, digits: 3 },
  fileBytes: { heading: "size MB", unit: 1e6, digits: 2 },
  deviceWeightBytes: { heading: "weights on device MB", unit: 1e6, digits: 2 },
  flops: { heading: "GFLOPs, dense", unit: 1e9, digits: 2 },
  sparsity: { heading: "sparsity %", unit: 0.01, digits: 1 },
  nonzeroFlops: { heading: "GFLOPs on nonzero weights", unit: 1e9, digits: 2 },
  bitOperations: { heading: "bit operations T", unit: 1e12, digits: 3 },
  activationBytes: { heading: "activation peak MB", unit: 1e6, digits: 2 },
  dispatches: { heading: "dispatches", unit: 1, digits: 0 },
  map: { heading: "mAP50-95", unit: 1, digits: 3 },
  map50: { heading: "mAP50", unit: 1, digits: 3 },
  gpuMedian: { heading: "device ms", unit: 1, digits: 1 },
  gpuP90: { heading: "device p90 ms", unit: 1, digits: 1 },
  detectMedian: { heading: "picture to boxes ms", unit: 1, digits: 1 },
  detectP90: { heading: "picture to boxes p90 ms", unit: 1, digits: 1 },
  nanoMilliseconds: { heading: "Jetson Nano ms, predicted", unit: 1, digits: 1 },
  orinMilliseconds: { heading: "Orin Nano Super ms, predicted", unit: 1, digits: 1 },
  framesPerSecond: { heading: "frames/s in a stream", unit: 1, digits: 2 },
};

/** Ratios to the original, where 1 is no change. Headings name the original. */
export const RATIO: Omit<Format, "heading"> = { unit: 1, digits: 3 };

/** Names of the roles in tables and plots. */
export const ROLE_TITLES: Readonly<Record<VariantRole, string>> = {
  original: "original",
  pruning: "+ pruning",
  quantization: "+ quantization",
  distillation: "+ distillation",
  "pruning+quantization": "pruning + quantization",
  "distillation+quantization": "distillation + quantization",
  everything: "+ everything",
  control: "control",
  other: "other",
};

/** Colours of the roles by their names: the same in every plot, whichever roles it shows. */
export const ROLE_COLOURS: ReadonlyMap<string, string> = new Map(
  VARIANT_ROLES.map((role, index) => [ROLE_TITLES[role], seriesColour(index)]),
);

/** A value as it is written. */
export function written(value: number, { unit, digits }: Pick<Format, "unit" | "digits">): string {
  const text = (value / unit).toFixed(digits);
  // Rounding can leave a zero with a sign.
  return Number(text) === 0 ? text.replace("-", "") : text;
}
