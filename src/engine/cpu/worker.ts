/**
 * The worker in which the native runtime computes: its runs hold up the thread that calls them.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { type CarriedTensors, LoadedModel } from "./loaded_model.ts";
import { firstLine, importRuntime, type OrtSessionOptions } from "./runtime.ts";

/** What is asked of the worker. */
export type WorkerOrder =
  | { readonly kind: "load"; readonly bytes: Uint8Array<ArrayBuffer>; readonly options: OrtSessionOptions }
  | { readonly kind: "run"; readonly inputs: CarriedTensors };

/** A numbered order. */
export interface WorkerMessage {
  /** Its number, which the reply repeats. */
  readonly id: number;
  /** What to do. */
  readonly order: WorkerOrder;
}

/** What comes back: results, or what went wrong. */
export interface WorkerReply {
  /** Number of the order. */
  readonly id: number;
  /** Results of a run. */
  readonly outputs?: CarriedTensors;
  /** What went wrong. */
  readonly error?: string;
  /** Whether that is a sentence of ours, not one of onnxruntime's. */
  readonly isOwn?: boolean;
}

let model: Promise<LoadedModel> | undefined;

async function obey(order: WorkerOrder): Promise<CarriedTensors> {
  if (order.kind === "load") {
    model = importRuntime().then((runtime) => LoadedModel.load(runtime, order.bytes, order.options));
    await model;
    return {};
  }
  return await (await model!).run(order.inputs);
}

globalThis.addEventListener("message", async ({ data: { id, order } }: MessageEvent<WorkerMessage>) => {
  let reply: WorkerReply;
  try {
    reply = { id, outputs: await obey(order) };
  } catch (error) {
    reply = { id, error: firstLine(error), isOwn: error instanceof FeatherdetError };
  }
  const transfer = Object.values(reply.outputs ?? {}).map(({ data }) => data.buffer);
  globalThis.postMessage(reply, { transfer: [...new Set(transfer)] });
});
