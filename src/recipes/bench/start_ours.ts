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
    const onCpu = engine === "featherdet/cpu";
    const [graph, device] = await Promise.all([
      loadModel(model, { size, untrained: true }),
      onCpu ? undefined : openSharedDevice(),
    ]);
    const detector = await Detector.load(
      graph,
      device === undefined ? { engine: "cpu" } : { precision, tuning: tuningFor(device, { precision }) },
    );
    return async () => (await detector.detect(await Deno.readFile(picture))).length;
  });
}
