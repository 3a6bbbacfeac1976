/**
 * What an evaluation keeps while it runs, so that an interrupted one continues where it stopped.
 *
 * @module
 */

import type { Detector } from "../detect/detector.ts";
import type { Graph } from "../graph/graph.ts";
import type { Dataset } from "../data/dataset.ts";
import type { CocoDetection } from "./coco.ts";

/** Everything that decides the outcome of an evaluation, apart from the choice of pictures. */
export interface EvaluationRun {
  /** Name of the model. */
  readonly model: string;
  /** SHA-256 of the model's nodes and weights. */
  readonly digest: string;
  /** Name of the data set. */
  readonly dataset: string;
  /** Split of the data set; null if it has none. */
  readonly split: string | null;
  /** Height and width of the network's input. */
  readonly inputSize: readonly [height: number, width: number];
  /** Element type of weights and activations. */
  readonly precision: string;
  /** Name of the adapter. */
  readonly adapter: string;
  /** Least score of a detection. */
  readonly confidence: number;
  /** Boxes of a class that overlap more are one object. */
  readonly iou: number;
  /** Most detections of a picture. */
  readonly maxDetections: number;
  /** Whether a box may have several classes. */
  readonly multiLabel: boolean;
  /** How pictures are cut into tiles; absent where they are looked at whole. */
  readonly tiles?: string;
}

/** What was found on one picture. */
export interface ImageRecord {
  /** Number of the picture in the data set. */
  readonly imageId: number;
  /** What was found on it; may be empty. */
  readonly detections: readonly CocoDetection[];
}

/** Keeps the records of one evaluation, so that an interrupted one can be continued. */
export interface EvaluationJournal {
  /** Begins or continues a run and returns the records that are kept of it. Throws a FeatherdetError if records of another run are kept. */
  open(run: EvaluationRun): Promise<readonly ImageRecord[]>;
  /** Keeps a record, completely or not at all. */
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
  const { network, inputSize, settings: { tiles, ...settings } } = detector;
  return {
    model: network.name,
    digest: await graphDigest(network),
    dataset: name,
    split: split ?? null,
    inputSize,
    precision: detector.engine === "cpu" ? "f32" : detector.plan.form.scalar,
    adapter: detector.adapter.name,
    ...settings,
    ...(tiles !== undefined && { tiles: JSON.stringify(tiles) }),
  };
}
