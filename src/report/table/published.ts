/**
 * Figures that others published, to compare ours with. None of them was measured by this project.
 *
 * @module
 */

import type { VariantRole } from "./variant.ts";

/** Where the figures of `PUBLISHED_MODELS` and `PUBLISHED_COMBINATIONS` come from, as far as it is known. */
export const PUBLISHED_SOURCE = "the source publishes them, on a Jetson Nano, without naming its data set";

/** A row of the published table. */
export interface PublishedModel {
  /** Size in MB. */
  readonly megabytes: number;
  /** Floating-point operations of a frame, in units of 10^9. */
  readonly gflops: number;
  /** mAP at an overlap of 0.5, in percent. */
  readonly map50: number;
  /** Milliseconds of a frame. */
  readonly milliseconds: number;
}

/** The published table: the original, and what each step makes of it. */
export const PUBLISHED_MODELS: Readonly<Partial<Record<VariantRole, PublishedModel>>> = {
  original: { megabytes: 128, gflops: 28.5, map50: 68.2, milliseconds: 82 },
  pruning: { megabytes: 86, gflops: 19.2, map50: 66.8, milliseconds: 58 },
  quantization: { megabytes: 32, gflops: 7.1, map50: 65.1, milliseconds: 24 },
  distillation: { megabytes: 42, gflops: 10.5, map50: 67.3, milliseconds: 31 },
  everything: { megabytes: 24, gflops: 5.8, map50: 64.5, milliseconds: 18 },
};

/** What the source says of a combination; what it does not say is absent. */
export interface PublishedCombination {
  /** mAP in percent of the original's. */
  readonly kept?: number;
  /** Percent of the original's size that are gone. */
  readonly size?: number;
  /** Percent of the original's operations that are gone. */
  readonly computation?: number;
  /** How many times as fast as the original. */
  readonly speed?: number;
}

/**
 * The published combinations. "Loses 1.3 %" is taken as 1.3 percent of the original's mAP. The source gives no mAP for everything
 * together here; its table does, and 64.5 of 68.2 is what is kept.
 */
export const PUBLISHED_COMBINATIONS: Readonly<Partial<Record<VariantRole, PublishedCombination>>> = {
  "pruning+quantization": { kept: 94.6, size: 81 },
  "distillation+quantization": { kept: 98.7, size: 68 },
  everything: { kept: 100 * 64.5 / 68.2, size: 81, computation: 80, speed: 4.5 },
};

/** A published ratio to the original; undefined if the source has no such row. */
export function publishedRatio(role: VariantRole, figure: keyof PublishedModel): number | undefined {
  const model = PUBLISHED_MODELS[role];
  return model && model[figure] / PUBLISHED_MODELS.original![figure];
}

/** Where the figures of `PUBLISHED_FAMILY` come from. */
export const PUBLISHED_FAMILY_SOURCE =
  "Ultralytics' mAP50-95 of YOLO11 on the 5,000 pictures of COCO val2017 at 640x640";

/** Side of the input, in pixels, that `PUBLISHED_FAMILY` holds for. */
export const PUBLISHED_FAMILY_SIZE = 640;

/** Published mAP50-95 of the YOLO11 family, in percent, by the models' names. */
export const PUBLISHED_FAMILY: Readonly<Record<string, number>> = {
  yolo11n: 39.5,
  yolo11s: 47.0,
  yolo11m: 51.5,
  yolo11l: 53.4,
  yolo11x: 54.7,
};
