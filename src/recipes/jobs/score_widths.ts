/**
 * The job `score-widths`: how good a network is with so many channels left of each layer. A search for widths asks workers for many at the
 * same time.
 *
 * @module
 */

import * as v from "npm:valibot@1.5.0";
import { type WidthMeter, WidthModel, type Widths } from "../../compress/prune/mod.ts";
import { sha256Of } from "../../data/download/checksum.ts";
import type { Dataset } from "../../data/dataset.ts";
import { parseJson } from "../../data/json_fields.ts";
import { openDataset } from "../../data/open.ts";
import { FeatherdetError } from "../../graph/mod.ts";
import { createDiskMemo } from "../../host/meter_memo.ts";
import { COUNT, HASH } from "../../numbers/forms.ts";
import { loadOnnx, saveOnnx } from "../../onnx/mod.ts";
import type { JobQueue } from "../../queue/job.ts";
import {
  createWidthMeter,
  type CutProblem,
  PROXY_NAMES,
  scoredBy,
  type WidthMeterOptions,
} from "../prune/width_meter.ts";
import { type JobContext, type JobKind, jobKind } from "./kind.ts";

const FORM = v.strictObject({
  /** Hash of the ONNX file of the whole network. */
  model: HASH,
  /** Hash of a JSON file: for each bundle the numbers of its groups, those worth least first. */
  orders: HASH,
  /** Groups that are left of each bundle. */
  widths: v.array(COUNT),
  data: v.string("expected a data set"),
  split: v.optional(v.string()),
  limit: v.optional(COUNT),
  proxy: v.picklist(PROXY_NAMES, "expected a proxy"),
  pictures: COUNT,
  batch: COUNT,
  /** Hash of what the submitter says that the score is and on which pictures. */
  basis: HASH,
});

type Input = v.InferOutput<typeof FORM>;

const ORDERS = v.array(v.array(COUNT));

const RESULT = v.object({ score: v.number() });

const hashOfText = (text: string) => sha256Of(new TextEncoder().encode(text));

async function openMeter(input: Input, { files }: Pick<JobContext, "files">): Promise<WidthMeter> {
  const { data, split, limit, proxy, pictures, batch, basis } = input;
  const source = await loadOnnx(await files.get(input.model)), model = new WidthModel(source);
  const orders = v.parse(ORDERS, parseJson(new TextDecoder().decode(await files.get(input.orders)), "orders"));
  if (orders.length !== model.bundles.length) {
    throw new FeatherdetError(
      `the job orders ${orders.length} bundles of channels, its model has ${model.bundles.length}`,
    );
  }
  const dataset = await openDataset(data, { split, limit }), how = { proxy, pictures, batch };
  if (hashOfText(scoredBy(source, dataset, how).basis) !== basis) {
    throw new FeatherdetError(`the data set "${data}" has other pictures here than where the job was submitted`);
  }
  const ladders = orders.map((order) => ({ order, scores: [], steps: [] }));
  return createWidthMeter({ source, model, ladders }, dataset, { ...how, memo: createDiskMemo() });
}

/** The meter of the last job: those of one search differ in their widths alone. */
let last: { readonly key: string; readonly meter: Promise<WidthMeter> } | undefined;

/** The kind `score-widths`. */
export const SCORE_WIDTHS: JobKind = jobKind("scores a network with fewer channels", FORM, async (input, context) => {
  const { widths, ...rest } = input, key = JSON.stringify(rest);
  if (last?.key !== key) last = { key, meter: openMeter(input, context) };
  const { meter } = last;
  // A search whose model or pictures cannot be opened may be mended, and is tried anew.
  const opened = await meter.catch((error) => {
    if (last?.meter === meter) last = undefined;
    throw error;
  });
  return { score: await opened.score(widths) };
});

/** Where workers find the pictures. */
export interface QueueMeterOptions {
  /** The data set as workers open it. */
  readonly data: string;
  readonly split?: string;
  readonly limit?: number;
}

/** A meter of widths whose candidates workers of a queue score. Throws FeatherdetError if a job fails. */
export function queueWidthMeter(
  queue: JobQueue,
  { data, split, limit }: QueueMeterOptions,
): (problem: CutProblem, dataset: Dataset, options: WidthMeterOptions) => WidthMeter {
  return ({ source, ladders }, dataset, { proxy = "agreement", pictures = 64, batch = 8 }) => {
    const common = async () => {
      const orders = new TextEncoder().encode(JSON.stringify(ladders.map(({ order }) => order)));
      const how = { proxy, pictures, batch };
      return {
        ...{ model: await queue.files.put(saveOnnx(source)), orders: await queue.files.put(orders), data, ...how },
        ...(split !== undefined && { split }),
        ...(limit !== undefined && { limit }),
        basis: hashOfText(scoredBy(source, dataset, how).basis),
      };
    };
    let shared: ReturnType<typeof common> | undefined;
    return {
      async score(widths: Widths) {
        const input: Input = { ...await (shared ??= common()), widths: [...widths] };
        const title = `widths of ${source.name}, ${hashOfText(JSON.stringify(widths)).slice(0, 8)}`;
        const id = await queue.submit({ kind: "score-widths", input, title });
        return v.parse(RESULT, await queue.result(id)).score;
      },
    };
  };
}
