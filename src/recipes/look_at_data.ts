/**
 * A data set looked at before it is used: its parts, what each class has, and pictures with their labels.
 *
 * @module
 */

import type { Dataset } from "../data/dataset.ts";
import { openDataset, type OpenOptions } from "../data/open.ts";
import { countLabels, type LabelStatistics } from "../eval/label_statistics.ts";
import { FeatherdetError } from "../graph/error.ts";
import { encodeFor } from "../image/codec/encode.ts";
import { drawSheet } from "../report/draw/sheet.ts";
import { drawLabels } from "../report/plot/mod.ts";
import type { TrainingStore } from "../train/loop/store.ts";
import { truthOf } from "./evaluation_pictures.ts";
import { prepareLabels } from "./label_font.ts";

/** A part and what its labels are like. */
export interface DataPart extends LabelStatistics {
  /** Name of the part; null for a data set without parts. */
  readonly split: string | null;
  /** What was put right or left out in it, a sentence each. */
  readonly warnings: readonly string[];
}

/** Parts, by what they are for. */
const PARTS = ["train", "val", "test"] as const;

const says = (error: unknown, text: string) => error instanceof FeatherdetError && error.detail.includes(text);

/** All parts of a data set, the first of them is trained on. Throws FeatherdetError as `openDataset` does. */
async function openParts(data: string, how: Pick<OpenOptions, "strict" | "maxPixels">): Promise<readonly Dataset[]> {
  const parts: Dataset[] = [];
  let failed: unknown;
  for (const split of PARTS) {
    try {
      parts.push(await openDataset(data, { split, ...how }));
    } catch (error) {
      if (says(error, "has no splits")) return [await openDataset(data, how)];
      if (!says(error, "no split")) throw error;
      failed ??= error;
    }
  }
  if (parts.length === 0) throw failed;
  return parts;
}

/** Pictures that are shown, and how many of them are in a row. */
const SHOWN = 12, COLUMNS = 4;

async function drawPictures({ images, classes }: Dataset, file: string): Promise<Uint8Array<ArrayBuffer>> {
  const sheet = await Promise.all(
    images.slice(0, SHOWN).map(async (image) => ({
      image: await image.load(),
      boxes: truthOf(image, classes),
      caption: image.name,
    })),
  );
  return await encodeFor(drawSheet(sheet, { columns: COLUMNS }), file);
}

/**
 * Reads all parts of a data set and counts their labels. With a store, it writes `labels-PART.svg` of each part and `pictures-PART.jpg`, its
 * first twelve pictures with their labels. `say` is told which characters of labels cannot be drawn.
 */
export async function lookAtData(
  data: string,
  { strict, maxPixels, store, say }: Pick<OpenOptions, "strict" | "maxPixels"> & {
    readonly store?: Pick<TrainingStore, "write">;
    readonly say: (line: string) => void;
  },
): Promise<readonly DataPart[]> {
  const parts = await openParts(data, { strict, maxPixels });
  return await Promise.all(parts.map(async (part): Promise<DataPart> => {
    const statistics = countLabels(part), { name, split, warnings, classes } = part;
    if (store) {
      const ending = split === undefined ? "" : `-${split}`, pictures = `pictures${ending}.jpg`;
      await prepareLabels(classes, say);
      await store.write(`labels${ending}.svg`, drawLabels(statistics, { title: `Labels of ${name}`, subtitle: split }));
      await store.write(pictures, await drawPictures(part, pictures));
    }
    return { split: split ?? null, ...statistics, warnings };
  }));
}
