/**
 * The start of Featherdet: stages in the form that `start.ts` times.
 *
 * @module
 */

import { Detector } from "../../detect/detector.ts";
import { loadModel } from "../../host/models.ts";
import { tuningFor } from "../../host/tuning_store.ts";
import { openSharedDevice } from "../../gpu/device.ts";
import type { StartRequest } from "./start.ts";

/** Everything that needs no model; the function returned loads it, the one after that detects and counts the boxes. */
export function prepare(
  { engine, model, picture, size, precision }: StartRequest,
): Promise<() => Promise<() => Promise<number>>> {
  return Promise.resolve(async () => {
    const graph = await loadModel(model, { size, untrained: true });
    const detector = engine === "featherdet/cpu"
      ? await Detector.load(graph, { engine: "cpu" })
      : await Detector.load(graph, { precision, tuning: tuningFor(await openSharedDevice(), { precision }) });
    return async () => (await detector.detect(await Deno.readFile(picture))).length;
  });
}
