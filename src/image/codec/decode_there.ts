/**
 * Decodes pictures in a worker, so that one whose decoding never ends can be given up.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { startIdleThread } from "../idle_thread.ts";
import type { RgbImage } from "../rgb_image.ts";
import { SideWorker } from "../side_worker.ts";

/** Milliseconds that decoding a picture may take where nothing else is said: a hundred times what the largest takes on two cores. */
export const DECODE_TIMEOUT = 120_000;

/** What a worker is asked for. */
export interface DecodeRequest {
  readonly bytes: Uint8Array;
  /** As of `decodeImage`. */
  readonly strict?: boolean;
  /** As of `decodeImage`. */
  readonly maxPixels?: number;
}

/** A picture's pixels, with what is wrong with its file all the same; or why it has none. The file has no name there. */
export type DecodeAnswer =
  | { readonly image: RgbImage; readonly damage?: string; readonly milliseconds: number }
  | { readonly refusal: string; readonly cause?: string };

/** A worker that decodes files. */
export type DecodeWorker = SideWorker<DecodeRequest, DecodeAnswer>;

/** Starts one. */
export function startDecodeWorker(): DecodeWorker {
  return new SideWorker(() => new Worker(new URL("./decode_worker.ts", import.meta.url), { type: "module" }));
}

let shared: DecodeWorker | undefined;

/**
 * The worker of this process. It is started when the first picture is wanted, or earlier by whoever knows that one will be, and nobody
 * has to end it: while it has nothing to do, the process may end.
 */
export function sharedDecodeWorker(): DecodeWorker {
  return shared ??= new SideWorker(() => {
    const thread = startIdleThread(new URL("./decode_worker.ts", import.meta.url));
    return thread ?? new Worker(new URL("./decode_worker.ts", import.meta.url), { type: "module" });
  });
}

/** How a picture is decoded there. */
export interface DecodeThereOptions extends Omit<DecodeRequest, "bytes"> {
  /** Milliseconds that it may take. */
  readonly timeout: number;
  readonly signal?: AbortSignal;
  /** Takes what is wrong with a picture that could be decoded. */
  readonly onWarning: (damage: FeatherdetError) => void;
}

/**
 * Decodes a file's bytes; undefined where no worker can, which is then done here. Throws FeatherdetError that names the file: as
 * `decodeImage` does, and where it takes too long.
 */
export async function decodeThere(
  bytes: Uint8Array,
  file: string | undefined,
  { strict, maxPixels, timeout, signal, onWarning }: DecodeThereOptions,
  worker: DecodeWorker = sharedDecodeWorker(),
): Promise<RgbImage | undefined> {
  const answer = await worker.ask({ bytes, strict, maxPixels }, { patience: timeout, signal }).catch((error) => {
    throw error instanceof FeatherdetError ? error.at({ file }) : error;
  });
  if (answer === undefined) return undefined;
  if ("refusal" in answer) {
    const { refusal, cause } = answer;
    throw new FeatherdetError(refusal, { file }, { cause: cause === undefined ? undefined : new Error(cause) });
  }
  if (answer.damage !== undefined) onWarning(new FeatherdetError(answer.damage, { file }));
  return answer.image;
}
