/**
 * Opens a data set by name or folder.
 *
 * @module
 */

import { besideCheckout, cacheFolder } from "./cache.ts";
import type { Dataset } from "./dataset.ts";
import { FeatherdetError } from "../graph/error.ts";
import { kindOf } from "./files.ts";
import { DEFAULT_SPLIT, notVoc, readFolder } from "./forms.ts";
import { joinDatasets, splitNames } from "./join.ts";
import { SYNTHETIC_SPLITS, syntheticDataset } from "./synthetic_scenes.ts";

/** What to read of a data set. */
export interface OpenOptions {
  /** `train`, `val` or `test`, or several as one (`train+val`); `val` by default where there are splits. */
  readonly split?: string;
  /** Number of pictures to read, from the first one of the first split; all by default. */
  readonly limit?: number;
  /** Side of the pictures of `synthetic` in pixels, or width and height; 320 by default. */
  readonly size?: number | readonly [width: number, height: number];
  /** False where pictures alone will do: a folder of nothing else is a data set then, without classes. */
  readonly labels?: boolean;
  /** Refuse what is otherwise put right or left out with a warning, and damaged pictures when they are read. */
  readonly strict?: boolean;
  /** Pictures of more pixels are refused; 100,000,000 by default. */
  readonly maxPixels?: number;
  /** Number that files in Pascal VOC's form give to the first pixel; by default what their boxes show. */
  readonly firstPixel?: 0 | 1;
}

/** Data sets that have names, with what `deno task data` downloads of them. */
const NAMED: Readonly<Record<string, string>> = {
  bccd: `"deno task data bccd" downloads it`,
  coco: `"deno task data coco-val" downloads the split "val"`,
};

/** Names that `openDataset` knows. */
export const DATASET_NAMES: readonly string[] = ["synthetic", ...Object.keys(NAMED)];

/** The folder of a named set: beside the checkout, or in the cache. */
function folderOf(name: string): string {
  const beside = besideCheckout(name);
  if (beside !== undefined) return beside;
  const cached = cacheFolder("data", name);
  if (kindOf(cached) === undefined) throw new FeatherdetError(`the data set "${name}" is not here, ${NAMED[name]}`);
  return cached;
}

/**
 * Opens `synthetic` (which is painted when it is read), `bccd`, `coco`, or a folder in COCO's, Pascal VOC's or YOLO's form; also a
 * `data.yaml` or a JSON file in COCO's form. A name stands for the data set even if a folder has the same name: write `./coco` for the
 * folder.
 *
 * Throws a `FeatherdetError` that names the file: for a set that is not here (with the command that gets it), for an unknown split, and
 * for what `readFolder` refuses.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDataset } from "./open.ts";
 * const dataset = await openDataset("synthetic", { split: "val", limit: 2, size: 160 });
 * const [first] = dataset.images;
 * assert.deepEqual([dataset.classes.length, first.width], [10, 160]);
 * assert.ok(first.boxes.length > 0);
 * ```
 */
export async function openDataset(nameOrFolder: string, options: OpenOptions = {}): Promise<Dataset> {
  const { split, limit } = options;
  if (limit !== undefined && !(Number.isInteger(limit) && limit >= 1)) {
    throw new FeatherdetError(`the limit is ${limit} images, expected a whole number from 1`);
  }
  const [first, ...others] = split === undefined ? [undefined] : splitNames(split);
  const parts: [Dataset, ...Dataset[]] = [await openOne(nameOrFolder, { ...options, split: first })];
  if (others.length === 0) return parts[0];
  if (new Set([first, ...others]).size <= others.length) {
    throw new FeatherdetError(`"${split}" names a split of "${nameOrFolder}" twice`);
  }
  let read = parts[0].images.length;
  for (const other of others) {
    if (limit !== undefined && read >= limit) break;
    const rest = limit === undefined ? undefined : limit - read;
    const part = await openOne(nameOrFolder, { ...options, split: other, limit: rest });
    parts.push(part);
    read += part.images.length;
  }
  return joinDatasets(parts);
}

/** Opens one split. */
async function openOne(
  nameOrFolder: string,
  { split, limit, size, strict, labels, firstPixel, maxPixels }: OpenOptions,
): Promise<Dataset> {
  if (nameOrFolder === "synthetic") {
    if (firstPixel !== undefined) throw new FeatherdetError(notVoc("synthetic"));
    const wanted = split ?? DEFAULT_SPLIT;
    const known = SYNTHETIC_SPLITS.find((one) => one === wanted);
    if (known === undefined) {
      throw new FeatherdetError(`"synthetic" has no split "${wanted}", there are: ${SYNTHETIC_SPLITS.join(", ")}`);
    }
    return syntheticDataset({ split: known, count: limit, size });
  }
  if (size !== undefined) {
    throw new FeatherdetError(`only "synthetic" has a size to choose, "${nameOrFolder}" has its own`);
  }
  if (Object.hasOwn(NAMED, nameOrFolder)) {
    const folder = folderOf(nameOrFolder);
    return await readFolder(folder, { split, limit, strict, labels, firstPixel, maxPixels, name: nameOrFolder });
  }
  if (kindOf(nameOrFolder) === undefined && !/[\\/.]/.test(nameOrFolder)) {
    throw new FeatherdetError(
      `unknown data set "${nameOrFolder}": it is no folder and none of the names ${DATASET_NAMES.join(", ")}`,
    );
  }
  return await readFolder(nameOrFolder, { split, limit, strict, labels, firstPixel, maxPixels });
}
