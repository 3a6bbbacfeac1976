/**
 * The parts of a data set by what they are for: pictures to train on, and pictures to choose the best model by.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import type { Dataset } from "./dataset.ts";
import { openDataset } from "./open.ts";

/** Which pictures of a part. */
export interface PartOptions {
  /** Name of the part; the usual one by default. */
  readonly split?: string;
  /** Only the first so many pictures. */
  readonly limit?: number;
  /** False where pictures alone will do. */
  readonly labels?: boolean;
  /** As of `openDataset`. */
  readonly strict?: boolean;
  /** As of `openDataset`. */
  readonly firstPixel?: 0 | 1;
  /** As of `openDataset`. */
  readonly maxPixels?: number;
}

const says = (error: unknown, text: string) => error instanceof FeatherdetError && error.detail.includes(text);

/** The pictures to train on: `train`, or all pictures of a data set without parts. Throws FeatherdetError as `openDataset` does. */
export async function openTrainingPart(
  data: string,
  { split, limit, strict, labels, firstPixel, maxPixels }: PartOptions = {},
): Promise<Dataset> {
  try {
    return await openDataset(data, { split: split ?? "train", limit, strict, labels, firstPixel, maxPixels });
  } catch (error) {
    if (split !== undefined || !says(error, "has no splits")) throw error;
    return await openDataset(data, { limit, strict, labels, firstPixel, maxPixels });
  }
}

/** A sentence on pictures to validate on that are trained on too, by which figures would be too good; none if there are none. */
function sharedText(validation: Dataset, trained: Partial<Pick<Dataset, "images">>): string[] {
  const files = new Set(trained.images?.map(({ file }) => file));
  const shared = validation.images.filter(({ file }) => file !== undefined && files.has(file)).length;
  return shared === 0
    ? []
    : [`${shared} of the ${validation.images.length} pictures to validate on are trained on too`];
}

/**
 * The pictures to validate on: `val`; undefined if the data set has no such part. `trained` is the part that is trained on; a warning counts
 * pictures of both. Throws
 * FeatherdetError as `openDataset` does, also for a part that was asked for and does not exist.
 */
export async function openValidationPart(
  data: string,
  trained: Pick<Dataset, "split"> & Partial<Pick<Dataset, "images">>,
  { split, limit, strict, labels, firstPixel, maxPixels }: PartOptions = {},
): Promise<Dataset | undefined> {
  if (trained.split === undefined && split === undefined) return undefined;
  try {
    const validation = await openDataset(data, { split: split ?? "val", limit, strict, labels, firstPixel, maxPixels });
    return { ...validation, warnings: [...validation.warnings, ...sharedText(validation, trained)] };
  } catch (error) {
    if (split !== undefined || !says(error, "no split")) throw error;
    return undefined;
  }
}
