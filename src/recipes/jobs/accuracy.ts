/**
 * The accuracy of a table's variants, measured by workers of a queue, all at the same time.
 *
 * @module
 */

import * as v from "npm:valibot@1.5.0";
import { saveOnnx } from "../../onnx/mod.ts";
import type { JobQueue } from "../../queue/job.ts";
import type { MeasureOptions, ModelAccuracy, Variant, VariantModel } from "../../report/table/mod.ts";
import { readingOf } from "../../report/table/count_variant.ts";
import type { EvaluateInput } from "./measure.ts";

/** On which pictures, and what is said of all models. */
export interface AccuracyOptions extends Pick<MeasureOptions, "limit" | "reading" | "say"> {
  /** The data set as the workers open it. */
  readonly data: string;
  readonly split?: string;
  /** Name of the adapter that the table is measured on. */
  readonly adapter: string;
}

/** What is read of the job's result. */
const RESULT = v.object({ map: v.number(), map50: v.number(), adapter: v.object({ name: v.string() }) });

/** Puts a model's evaluation into a queue and waits for it. */
export class QueueAccuracy {
  constructor(private readonly queue: JobQueue, private readonly options: AccuracyOptions) {}

  /** Puts it in; returns the job's id. A model that is there already is not evaluated twice. */
  async submit(variant: Variant, { graph }: VariantModel): Promise<string> {
    const { data, split, limit } = this.options, reading = readingOf(variant, this.options);
    const input: EvaluateInput = {
      ...{ model: await this.queue.files.put(saveOnnx(graph)), precision: variant.precision, data },
      ...(split !== undefined && { split }),
      ...(limit !== undefined && { limit }),
      ...(reading && Object.keys(reading).length > 0 && { reading }),
    };
    return await this.queue.submit({ kind: "evaluate", input, title: `mAP of ${variant.title}` });
  }

  /** The accuracy of a variant. Throws FeatherdetError if the job fails. */
  async measure(variant: Variant, model: VariantModel): Promise<ModelAccuracy> {
    const { map, map50, adapter } = v.parse(RESULT, await this.queue.result(await this.submit(variant, model)));
    if (adapter.name !== this.options.adapter) {
      this.options.say?.(`${variant.title}: its mAP was measured on another adapter, ${adapter.name}`);
    }
    return { map, map50 };
  }
}
