/**
 * Pictures in the folder of a training run: its labels, its first batches, and what the best epoch finds.
 *
 * @module
 */

import type { DatasetBatch } from "../data/augment/mod.ts";
import type { Dataset } from "../data/dataset.ts";
import { countLabels } from "../eval/label_statistics.ts";
import { encodeFor } from "../image/codec/encode.ts";
import type { RgbImage } from "../image/rgb_image.ts";
import type { DrawnDetection } from "../report/draw/draw.ts";
import { drawSheet } from "../report/draw/sheet.ts";
import { type CurveOptions, drawLabels } from "../report/plot/mod.ts";
import type { TrainingStore } from "../train/loop/store.ts";
import { EVALUATION_PICTURES, writeEvaluationPictures } from "./evaluation_pictures.ts";
import { prepareLabels } from "./label_font.ts";
import type { TrainOptions } from "./train_options.ts";

/** What is drawn. */
export interface RunPicturesOptions extends CurveOptions {
  /** Where the pictures go. */
  readonly store: Pick<TrainingStore, "write">;
  /** The pictures that are trained on, and those that are validated on. */
  readonly dataset: Dataset;
  readonly validation?: Dataset;
  /** Height and width of the input. */
  readonly size: readonly [number, number];
  /** Told which characters of labels cannot be drawn. */
  readonly say: (line: string) => void;
}

/** Names of the files that do not come from the validation. */
export const LABELS_FILE = "labels.svg", BATCH_FILES = ["batch-1.jpg", "batch-2.jpg", "batch-3.jpg"] as const;

/** Names of all files that may be there, for a run that goes on in another folder. */
export const RUN_PICTURES: readonly string[] = [LABELS_FILE, ...BATCH_FILES, ...Object.values(EVALUATION_PICTURES)];

/** Most pictures of a batch that are shown, and how many of them are in a row. */
const SHOWN = 16, COLUMNS = 4;

/** Picture number `at` of planes of red, green and blue in 0..1. */
function pictureOf(planes: Float32Array, at: number, [height, width]: readonly [number, number]): RgbImage {
  const pixels = height * width, data = new Uint8Array(3 * pixels);
  for (let channel = 0; channel < 3; channel++) {
    const from = (3 * at + channel) * pixels;
    for (let i = 0; i < pixels; i++) data[3 * i + channel] = Math.round(255 * planes[from + i]);
  }
  return { width, height, data };
}

/** The boxes of picture number `at`. */
function boxesOf({ boxes, pictures }: DatasetBatch, at: number, classes: readonly string[]): DrawnDetection[] {
  const length = boxes.length / pictures.length, rows = boxes.subarray(at * length, (at + 1) * length);
  return Array.from({ length: length / 5 }, (_, row) => rows.subarray(5 * row, 5 * row + 5))
    .filter(([classId]) => classId >= 0)
    .map(([classId, left, top, right, bottom]) => ({
      box: [left, top, right, bottom],
      classId,
      label: classes[classId],
    }));
}

/** Draws a batch as it is trained on: augmented, with its boxes. */
function drawBatch(batch: DatasetBatch, { images, classes }: Dataset, size: readonly [number, number]): RgbImage {
  const sheet = batch.pictures.slice(0, SHOWN).map((picture, at) => ({
    image: pictureOf(batch.images, at, size),
    boxes: boxesOf(batch, at, classes),
    caption: images[picture].name,
  }));
  return drawSheet(sheet, { columns: COLUMNS });
}

/**
 * Draws the labels now, and gives the functions that draw the rest while `train` runs: its first three batches, unless it goes on after
 * them, and whatever a best epoch finds. So the pictures always are those of `best.onnx`.
 */
export async function drawRun(
  { store, dataset, validation, size, title, subtitle, say }: RunPicturesOptions,
): Promise<Pick<TrainOptions, "onBatch" | "onBest">> {
  await store.write(
    LABELS_FILE,
    drawLabels(countLabels(dataset), { title: `Labels of ${dataset.name}`, subtitle: dataset.split }),
  );
  return {
    async onBatch(batch) {
      const file = batch.epoch === 0 ? BATCH_FILES[batch.step] : undefined;
      if (file === undefined) return;
      await prepareLabels(dataset.classes, say);
      await store.write(file, await encodeFor(drawBatch(batch, dataset, size), file));
    },
    async onBest(evaluation, { epoch }) {
      const note = [subtitle, `epoch ${epoch + 1}`].filter((part) => part !== undefined).join("; ");
      await writeEvaluationPictures(store, validation!, evaluation, { title, subtitle: note, say });
    },
  };
}
