/**
 * What an evaluation keeps while it runs, so that one that was interrupted goes on where it stopped.
 *
 * @module
 */

import type { Detector } from "../detect/detector.ts";
import type { Graph } from "../graph/graph.ts";
import type { Dataset } from "../data/dataset.ts";
import type { CocoDetection } from "./coco.ts";

/** What decides an evaluation's outcome, apart from which pictures are looked at. */
export interface EvaluationRun {
  /** Name of the model, and a digest of its nodes and weights. */
  readonly model: string;
  readonly digest: string;
  readonly dataset: string;
  readonly split: string | null;
  readonly inputSize: readonly [height: number, width: number];
  readonly precision: string;
  readonly adapter: string;
  readonly confidence: number;
  readonly iou: number;
  readonly maxDetections: number;
  readonly multiLabel: boolean;
}

/** What was found on one picture. */
export interface ImageRecord {
  readonly imageId: number;
  readonly detections: readonly CocoDetection[];
}

/** Keeps records of pictures, of one run at a time. */
export interface EvaluationJournal {
  /** Begins or goes on with a run; gives what is kept of it. Throws a FeatherdetError where records of another run are kept. */
  open(run: EvaluationRun): Promise<readonly ImageRecord[]>;
  /** Keeps a record, wholly or not at all. */
  append(record: ImageRecord): Promise<void>;
}

/** SHA-256 over the nodes and constants of a graph, in hexadecimal. */
export async function graphDigest({ nodes, constants, inputs, outputs }: Graph): Promise<string> {
  const text = JSON.stringify([
    inputs,
    outputs,
    nodes,
    [...constants].map(([name, { dtype, shape }]) => [
      name,
      dtype,
      shape,
    ]),
  ]);
  const parts = [new TextEncoder().encode(text), ...[...constants.values()].map(({ data }) => data)];
  const bytes = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const { buffer, byteOffset, byteLength } of parts) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** The run of a detector over a data set. */
export async function evaluationRun(detector: Detector, { name, split }: Dataset): Promise<EvaluationRun> {
  const { plan, inputSize, settings, device } = detector;
  return {
    model: plan.graph.name,
    digest: await graphDigest(plan.graph),
    dataset: name,
    split: split ?? null,
    inputSize,
    precision: plan.form.scalar,
    adapter: device.adapter.name,
    ...settings,
  };
}
