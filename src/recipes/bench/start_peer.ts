/**
 * The start of the peer: stages in the form that `start.ts` times. Letterbox and suppression, which the peer lacks, are computed
 * here on the CPU by plain loops that take a few milliseconds.
 *
 * @module
 */

import { decodeImage } from "../../image/codec/decode.ts";
import { letterboxTensor } from "../../detect/host_letterbox.ts";
import { outputBoxes } from "./host_detect.ts";
import { importPeer, loadPeer, type PeerEngine } from "./peers.ts";
import type { StartRequest } from "./start.ts";

/** Imports the runtime; the function returned loads the model, the one after that detects and counts the boxes. */
export async function prepare(
  { engine, model, picture, size }: StartRequest,
): Promise<() => Promise<() => Promise<number>>> {
  await importPeer(engine as PeerEngine);
  return async () => {
    const session = await loadPeer(await Deno.readFile(model), engine as PeerEngine);
    return async () => {
      const image = await decodeImage(await Deno.readFile(picture));
      return outputBoxes(await session.run(letterboxTensor(image, size, size))).length;
    };
  };
}
