/**
 * `eval`: measures a model on a data set by COCO's protocol.
 *
 * @module
 */

import { basename, join } from "node:path";
import { openDataset } from "../data/open.ts";
import { COCO_SETTINGS, evaluate, type Evaluation } from "../eval/evaluate.ts";
import { inputSize, integerIn, numberIn } from "./arguments.ts";
import {
  boxesOption,
  chosenPrecisionOption,
  engineOption,
  firstPixelOption,
  headOption,
  inputChannelsOption,
  inputRangeOption,
  loadDetector,
  maxPixelsOption,
  memoryLimitOption,
  noPlotsOption,
  strictOption,
  tilesOption,
} from "./detection_options.ts";
import { JournalFile, journalFile, writeResults } from "../host/evaluation_file.ts";
import { EvaluationProgress } from "./evaluation_progress.ts";
import { evaluationText, speedText } from "./evaluation_text.ts";
import { deviceAction, deviceVerb } from "./verb.ts";
import { folderStore, refuseRunFolder } from "../host/run_folder.ts";
import { checkTarget } from "../host/whole_file.ts";
import { DETECTIONS_FILE, writeEvaluation } from "../recipes/evaluation_folder.ts";
import { CONFUSION_SETTINGS } from "../recipes/evaluation_pictures.ts";

/** What `--json` prints: everything but the single detections and the curves. */
function summaryOf({ detections: _, curves: __, ...rest }: Evaluation) {
  return rest;
}

const EXAMPLES = `deno task eval --model yolo11n.onnx --data coco --size 640 --out runs/coco-val
  deno task eval --model yolo11n.onnx --data coco --size 640 --out found.json`;

/** Says what the options do not. */
const MORE = `
Files in the folder: metrics.json, classes.csv, precision-recall.csv, confidence.csv (precision, recall and F1 over the least
confidence), confusion.csv, detections.json (COCO's results form), and, without --no-plots, precision-recall.svg,
confidence.svg, confusion.svg, validation.jpg (labels beside what was found). The confusion matrix counts detections with a
score of at least ${CONFUSION_SETTINGS.confidence}, whose box overlaps an object's by at least ${CONFUSION_SETTINGS.iou}.`;

/** Where results go: the file of detections, and the folder around it where everything is asked for. */
function targetOf(out: string): { file: string; folder?: string } {
  if (/\.json$/i.test(out)) return { file: out };
  refuseRunFolder(out);
  return { file: join(out, DETECTIONS_FILE), folder: out };
}

/** The verb `eval`. */
export const evalVerb = deviceVerb(
  "eval",
  "Measure a model on a data set by COCO's protocol: mAP, recall, each class, speed.",
  EXAMPLES,
)
  .alias("val")
  .requiredOption("--model <model>", "ONNX file, URL, or name")
  .requiredOption("--data <set>", "data set: synthetic, bccd, coco, a folder, or its data.yaml")
  .option("--split <name>", "part of the data set: train, val or test; val by default where there are parts")
  .option("--limit <number>", "only the first so many pictures", integerIn(1, 2 ** 31 - 1))
  .addOption(strictOption())
  .addOption(firstPixelOption())
  .addOption(maxPixelsOption())
  .option("--size <pixels>", "side of the network's input; the model's own by default", inputSize)
  .addOption(chosenPrecisionOption())
  .addOption(engineOption())
  .addOption(memoryLimitOption())
  .addOption(tilesOption())
  .option("--confidence <score>", "least score of a detection", numberIn(0, 1), COCO_SETTINGS.confidence)
  .option("--iou <overlap>", "boxes of a class that overlap more are one object", numberIn(0, 1), COCO_SETTINGS.iou)
  .addOption(headOption())
  .addOption(boxesOption())
  .addOption(inputRangeOption())
  .addOption(inputChannelsOption())
  .option(
    "--out <place>",
    "folder for figures, curves, confusion matrix and pictures; a name that ends in .json: only the detections, in COCO's " +
      "results form. A run that is interrupted goes on where it stopped",
  )
  .addOption(noPlotsOption())
  .addHelpText("after", MORE)
  .action(async (options) => {
    await deviceAction<typeof options>(async (settings, output) => {
      const { model, data, split, limit, strict, firstPixel, maxPixels, plots, tiles } = settings;
      const target = settings.out === undefined ? undefined : targetOf(settings.out);
      if (target) checkTarget(target.file);
      const dataset = await openDataset(data, { split, limit, strict, firstPixel, maxPixels });
      for (const warning of dataset.warnings) output.note(warning);
      const { multiLabel } = COCO_SETTINGS;
      const { detector, load } = await loadDetector(model, { ...settings, multiLabel }, output);
      const kept = target && journalFile(target.file);
      const journal = kept === undefined ? undefined : new JournalFile(kept);
      const progress = new EvaluationProgress(output, kept);
      try {
        const evaluation = await evaluate(detector, dataset, {
          journal,
          onProgress: (done, total, image) => progress.step(done, total, image.name),
        });
        progress.stop();
        for (const warning of evaluation.warnings) output.note(warning);
        for (const line of evaluationText(evaluation)) output.line(line);
        for (const line of speedText(evaluation.speed)) output.note(line);
        const { map, map50, images, ...rest } = summaryOf(evaluation);
        const warnings = [...dataset.warnings, ...evaluation.warnings];
        const [height, width] = detector.inputSize;
        const { engine } = detector;
        const precision = settings.precision ?? (engine === "cpu" ? "f32" : detector.plan.form.scalar);
        const input = { inputSize: [height, width], precision, engine, ...(tiles !== undefined && { tiles }) };
        const of = { model, data, split: dataset.split ?? null };
        const result = { map, map50, images, ...of, ...input, ...rest, warnings, load };
        if (target?.folder !== undefined) {
          const [title, part] = [`${basename(model)} on ${dataset.name}`, dataset.split ?? "all pictures"];
          const cut = tiles === undefined ? "" : `, tiles ${tiles}`;
          const subtitle =
            `${part}, ${images} pictures, ${width} x ${height} px, ${precision}${cut}; ${detector.adapter.name}`;
          const say = (line: string) => output.note(line);
          const store = await folderStore(target.folder);
          await writeEvaluation(store, dataset, evaluation, { title, subtitle, summary: result, plots, say });
          output.note(`written to ${target.folder}`);
        } else if (target) {
          await writeResults(target.file, evaluation.detections);
          output.note(`${evaluation.detections.length} detections written to ${target.file}`);
        }
        await journal?.remove();
        return result;
      } finally {
        progress.stop();
        journal?.close();
        detector.destroy();
      }
    })(options);
  });
