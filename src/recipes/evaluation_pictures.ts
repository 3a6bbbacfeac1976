/**
 * Pictures of an evaluation: curves, what is taken for what, and pictures with their labels beside what was found.
 *
 * @module
 */

import type { Dataset, DatasetImage } from "../data/dataset.ts";
import { type CocoDetection, countConfusions } from "../eval/coco.ts";
import type { Evaluation } from "../eval/evaluate.ts";
import { encodeFor } from "../image/codec/encode.ts";
import type { DrawnDetection } from "../report/draw/draw.ts";
import { drawSheet, type SheetPicture } from "../report/draw/sheet.ts";
import { type CurveOptions, drawConfidence, drawConfusion, drawPrecisionRecall } from "../report/plot/mod.ts";
import type { TrainingStore } from "../train/loop/store.ts";
import { prepareLabels } from "./label_font.ts";

/** With what the confusion matrix is counted, as is usual for YOLO detectors: least overlap and least score. */
export const CONFUSION_SETTINGS = { iou: 0.45, confidence: 0.25 } as const;

/** Names of the files. */
export const EVALUATION_PICTURES = {
  precisionRecall: "precision-recall.svg",
  confidence: "confidence.svg",
  confusion: "confusion.svg",
  found: "validation.jpg",
} as const;

/** Pictures that are shown, each twice, and pairs of a row. */
const SHOWN = 8, PAIRS = 2;

/** True boxes of a picture, ready to draw. */
export function truthOf({ boxes }: DatasetImage, classes: readonly string[]): DrawnDetection[] {
  return boxes.map(({ box, classId, crowd }) => ({
    box,
    classId,
    label: crowd ? `${classes[classId]} (not counted)` : classes[classId],
  }));
}

/** What was found on a picture surely enough, ready to draw. */
function foundOn({ id }: DatasetImage, detections: readonly CocoDetection[], dataset: Dataset): DrawnDetection[] {
  return detections.filter(({ image_id, score }) => image_id === id && score >= CONFUSION_SETTINGS.confidence)
    .map(({ bbox: [x, y, width, height], category_id, score }) => {
      const classId = dataset.categoryIds.indexOf(category_id);
      return { box: [x, y, x + width, y + height], score, classId, label: dataset.classes[classId] };
    });
}

/** The first pictures of a data set, each with its labels and beside that with what was found. */
async function drawFound(dataset: Dataset, detections: readonly CocoDetection[]): Promise<Uint8Array<ArrayBuffer>> {
  const cells = await Promise.all(
    dataset.images.slice(0, SHOWN).map(async (image): Promise<readonly SheetPicture[]> => {
      const pixels = await image.load(), found = foundOn(image, detections, dataset);
      return [
        { image: pixels, boxes: truthOf(image, dataset.classes), caption: `labels of ${image.name}` },
        { image: pixels, boxes: found, caption: `found: ${found.length}` },
      ];
    }),
  );
  return await encodeFor(drawSheet(cells.flat(), { columns: 2 * PAIRS }), EVALUATION_PICTURES.found);
}

/**
 * Draws an evaluation into a store: `precision-recall.svg`, `confidence.svg`, `confusion.svg`, `validation.jpg`. `say` is told which characters of labels cannot be drawn.
 */
export async function writeEvaluationPictures(
  store: Pick<TrainingStore, "write">,
  dataset: Dataset,
  evaluation: Pick<Evaluation, "detections" | "curves" | "bestF1">,
  { title, subtitle, say }: CurveOptions & { readonly say: (line: string) => void },
): Promise<void> {
  const { detections, curves } = evaluation, { classes } = dataset;
  const matrix = countConfusions(dataset, detections, CONFUSION_SETTINGS);
  const { precisionRecall, confidence, confusion, found } = EVALUATION_PICTURES;
  await store.write(
    precisionRecall,
    drawPrecisionRecall(curves, { title: `${title}: precision over recall`, subtitle, classes }),
  );
  await store.write(confidence, drawConfidence(evaluation, { title: `${title}: choosing a confidence`, subtitle }));
  await store.write(confusion, drawConfusion(matrix, { title: `${title}: what is taken for what`, subtitle }));
  await prepareLabels(classes, say);
  if (dataset.images.length > 0) await store.write(found, await drawFound(dataset, detections));
}
