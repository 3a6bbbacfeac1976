/**
 * The folder of an evaluation: figures as JSON and CSV, detections, and pictures of both.
 *
 * @module
 */

import type { Dataset } from "../data/dataset.ts";
import { type ConfusionMatrix, countConfusions } from "../eval/coco.ts";
import type { Evaluation } from "../eval/evaluate.ts";
import { resultsText } from "../host/evaluation_file.ts";
import { classesCsv, confidenceCsv, confusionCsv, precisionRecallCsv } from "../report/evaluation_csv.ts";
import type { TrainingStore } from "../train/loop/store.ts";
import { CONFUSION_SETTINGS, writeEvaluationPictures } from "./evaluation_pictures.ts";

/** Name of the file of detections, in COCO's results form. */
export const DETECTIONS_FILE = "detections.json";

/** What is written. */
export interface EvaluationFolderOptions {
  /** Which model on which data, above the pictures. */
  readonly title: string;
  /** How it was measured. */
  readonly subtitle?: string;
  /** Figures and settings: `metrics.json` has them beside the confusion matrix. */
  readonly summary: object;
  /** False: no pictures. */
  readonly plots: boolean;
  /** Told which characters of labels cannot be drawn. */
  readonly say: (line: string) => void;
}

/**
 * Writes `detections.json`, `metrics.json`, `classes.csv`, `precision-recall.csv`, `confidence.csv`, `confusion.csv`, and the pictures of
 * `writeEvaluationPictures`. Returns the confusion matrix.
 */
export async function writeEvaluation(
  store: Pick<TrainingStore, "write">,
  dataset: Dataset,
  evaluation: Evaluation,
  { title, subtitle, summary, plots, say }: EvaluationFolderOptions,
): Promise<ConfusionMatrix> {
  const confusion = countConfusions(dataset, evaluation.detections, CONFUSION_SETTINGS);
  const texts = {
    [DETECTIONS_FILE]: resultsText(evaluation.detections),
    "metrics.json": `${JSON.stringify({ ...summary, confusion }, null, 1)}\n`,
    "classes.csv": classesCsv(evaluation),
    "precision-recall.csv": precisionRecallCsv(evaluation),
    "confidence.csv": confidenceCsv(evaluation.curves),
    "confusion.csv": confusionCsv(confusion),
  };
  for (const [name, text] of Object.entries(texts)) await store.write(name, text);
  if (plots) await writeEvaluationPictures(store, dataset, evaluation, { title, subtitle, say });
  return confusion;
}
