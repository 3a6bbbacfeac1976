/**
 * The jobs `evaluate` and `measure`: a model on a data set, and its latency on the worker's adapter.
 *
 * @module
 */

import { join } from "node:path";
import * as v from "npm:valibot@1.5.0";
import { openDataset } from "../../data/open.ts";
import { syntheticPicture } from "../../data/synthetic.ts";
import { Detector } from "../../detect/detector.ts";
import { BOXES_OPTIONS, HEAD_FORMS, type HeadFormName } from "../../detect/heads/form.ts";
import { INPUT_CHANNELS, INPUT_RANGES } from "../../detect/picture_input.ts";
import { COCO_SETTINGS, evaluate } from "../../eval/evaluate.ts";
import { measureLatency } from "../../eval/measure_latency.ts";
import { PRECISIONS } from "../../engine/setup.ts";
import { openSharedDevice } from "../../gpu/device.ts";
import { JournalFile } from "../../host/evaluation_file.ts";
import { loadModel } from "../../host/models.ts";
import { tuningFor } from "../../host/tuning_store.ts";
import { COUNT, HASH } from "../../numbers/forms.ts";
import { type JobContext, type JobKind, jobKind, placeFile } from "./kind.ts";

const MODEL = {
  /** Hash of the ONNX file. */
  model: HASH,
  /** Side of the input; the model's own by default. */
  size: v.optional(COUNT),
  precision: v.optional(v.picklist(PRECISIONS, `expected ${PRECISIONS.join(", ")}`)),
};

const EVALUATE_FORM = v.strictObject({
  ...MODEL,
  data: v.string("expected a data set"),
  split: v.optional(v.string()),
  limit: v.optional(COUNT),
  /** What the model's input and outputs mean, where its file does not say it. */
  reading: v.optional(v.strictObject({
    head: v.optional(v.picklist(Object.keys(HEAD_FORMS) as HeadFormName[], "expected a form of heads")),
    boxes: v.optional(v.picklist(BOXES_OPTIONS, "expected a form of boxes")),
    inputRange: v.optional(v.picklist(INPUT_RANGES, "expected a range of inputs")),
    inputChannels: v.optional(v.picklist(INPUT_CHANNELS, "expected an order of channels")),
  })),
});

/** What the job `evaluate` is told. */
export type EvaluateInput = v.InferOutput<typeof EVALUATE_FORM>;

const MEASURE_FORM = v.strictObject({ ...MODEL, runs: v.optional(COUNT) });

async function loadDetector(
  { model, size, precision, reading }: Pick<EvaluateInput, "model" | "size" | "precision" | "reading">,
  context: JobContext,
): Promise<Detector> {
  const file = await placeFile(context, model, context.folder, "model.onnx");
  const device = await openSharedDevice(), tuning = tuningFor(device, { precision });
  const graph = await loadModel(file, { size, batch: 1 });
  return await Detector.load(graph, { ...reading, ...COCO_SETTINGS, precision, tuning, file });
}

/** The kind `evaluate`. A further try on the same machine goes on where the one before has stopped. */
export const EVALUATE: JobKind = jobKind("measures a model on a data set", EVALUATE_FORM, async (input, context) => {
  const { folder, signal, say } = context, { data, split, limit } = input;
  const dataset = await openDataset(data, { split, limit });
  const detector = await loadDetector(input, context), journal = new JournalFile(join(folder, "journal.jsonl"));
  try {
    const { map, map50, images, figures, speed, detections, warnings } = await evaluate(detector, dataset, {
      ...{ journal, signal },
      onProgress: (done, total) => {
        if (done % 100 === 0) say(`${done} of ${total} pictures`);
      },
    });
    const { adapter } = detector.device;
    return { map, map50, images, figures, speed, detections: detections.length, adapter, warnings };
  } finally {
    journal.close();
    detector.destroy();
  }
});

/** The kind `measure`. */
export const MEASURE: JobKind = jobKind(
  "measures a model's latency on its adapter",
  MEASURE_FORM,
  async (input, context) => {
    const detector = await loadDetector(input, context);
    try {
      const [height, width] = detector.inputSize;
      const { image } = syntheticPicture({ seed: 7, width, height });
      return await measureLatency(detector, image, { runs: input.runs });
    } finally {
      detector.destroy();
    }
  },
);
