/**
 * `eval`: measures a model on a data set by COCO's protocol.
 *
 * @module
 */

import { openDataset } from "../data/open.ts";
import { COCO_SETTINGS, evaluate, type Evaluation } from "../eval/evaluate.ts";
import { inputSize, integerIn, numberIn } from "./arguments.ts";
import {
  boxesOption,
  detectorPrecisionOption,
  firstPixelOption,
  headOption,
  inputChannelsOption,
  inputRangeOption,
  loadDetector,
  strictOption,
} from "./detection_options.ts";
import { JournalFile, journalFile, writeResults } from "../host/evaluation_file.ts";
import { EvaluationProgress } from "./evaluation_progress.ts";
import { evaluationText, speedText } from "./evaluation_text.ts";
import { deviceAction, deviceVerb } from "./verb.ts";
import { checkTarget } from "../host/whole_file.ts";

/** What `--json` prints: everything but the single detections and the curves. */
function summaryOf({ detections: _, curves: __, ...rest }: Evaluation) {
  return rest;
}

/** The verb `eval`. */
export const evalVerb = deviceVerb(
  "eval",
  "Measure a model on a data set by COCO's protocol: mAP, recall, each class, speed.",
  "deno task eval --model yolo11n.onnx --data coco --size 640 --out found.json",
)
  .alias("val")
  .requiredOption("--model <model>", "ONNX file, URL, or name")
  .requiredOption("--data <set>", "data set: synthetic, bccd, coco, a folder, or its data.yaml")
  .option("--split <name>", "part of the data set: train, val or test; val by default where there are parts")
  .option("--limit <number>", "only the first so many pictures", integerIn(1, 2 ** 31 - 1))
  .addOption(strictOption())
  .addOption(firstPixelOption())
  .option("--size <pixels>", "side of the network's input; the model's own by default", inputSize)
  .addOption(detectorPrecisionOption())
  .option("--confidence <score>", "least score of a detection", numberIn(0, 1), COCO_SETTINGS.confidence)
  .option("--iou <overlap>", "boxes of a class that overlap more are one object", numberIn(0, 1), COCO_SETTINGS.iou)
  .addOption(headOption())
  .addOption(boxesOption())
  .addOption(inputRangeOption())
  .addOption(inputChannelsOption())
  .option(
    "--out <file>",
    "write the detections in COCO's results form; a run that is interrupted goes on where it stopped",
  )
  .action(async (options) => {
    await deviceAction<typeof options>(async (settings, output) => {
      const { model, data, split, limit, strict, firstPixel, precision, out } = settings;
      if (out !== undefined) checkTarget(out);
      const dataset = await openDataset(data, { split, limit, strict, firstPixel });
      for (const warning of dataset.warnings) output.note(warning);
      const { multiLabel } = COCO_SETTINGS;
      const { detector, load } = await loadDetector(model, { ...settings, multiLabel }, output);
      const journal = out === undefined ? undefined : new JournalFile(journalFile(out));
      const progress = new EvaluationProgress(output, out === undefined ? undefined : journalFile(out));
      try {
        const evaluation = await evaluate(detector, dataset, {
          journal,
          onProgress: (done, total, image) => progress.step(done, total, image.name),
        });
        progress.stop();
        if (out !== undefined) {
          await writeResults(out, evaluation.detections);
          await journal!.remove();
          output.note(`${evaluation.detections.length} detections written to ${out}`);
        }
        for (const warning of evaluation.warnings) output.note(warning);
        for (const line of evaluationText(evaluation)) output.line(line);
        for (const line of speedText(evaluation.speed)) output.note(line);
        const { map, map50, images, ...rest } = summaryOf(evaluation);
        const warnings = [...dataset.warnings, ...evaluation.warnings];
        const [height, width] = detector.inputSize;
        const input = { inputSize: [height, width], precision };
        return { map, map50, images, model, data, split: dataset.split ?? null, ...input, ...rest, warnings, load };
      } finally {
        progress.stop();
        journal?.close();
        detector.destroy();
      }
    })(options);
  });
