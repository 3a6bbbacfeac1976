/**
 * Keeps what tuning found, one file per adapter and form of storage, in the checkout's `.cache/tuning/`.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { type EngineOptions, storageForm } from "../engine/setup.ts";
import type { Device } from "../gpu/device.ts";
import { isTuning, type Tuning } from "../plan/tuning.ts";

const FOLDER = new URL("../../.cache/tuning/", import.meta.url);

/** What a tuning record is kept by. */
export type TuningKey = Pick<Tuning, "adapter" | "storage" | "scalar">;

/** The file of a record. */
export function tuningFile({ adapter, storage, scalar }: TuningKey, folder: URL = FOLDER): string {
  const plain = adapter.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-|-$/g, "");
  return fileURLToPath(new URL(`${plain || "unnamed"}-${storage}-${scalar}.json`, folder));
}

/** The record for an adapter; undefined if there is none, or none that can be read, is of this version and of this adapter. */
export function readTuning(key: TuningKey, folder: URL = FOLDER): Tuning | undefined {
  try {
    const found: unknown = JSON.parse(Deno.readTextFileSync(tuningFile(key, folder)));
    if (!isTuning(found)) return undefined;
    const fits = found.adapter === key.adapter && found.storage === key.storage && found.scalar === key.scalar;
    return fits ? found : undefined;
  } catch {
    // A record is an optimisation: without a usable one estimates choose.
    return undefined;
  }
}

/** The record for a device and a precision; undefined if there is none. */
export function tuningFor(device: Device, options: Pick<EngineOptions, "precision" | "storage">): Tuning | undefined {
  return readTuning({ adapter: device.adapter.name, ...storageForm(device, options) });
}

/** Adds a record to what is known of its adapter, newer choices before older ones, and returns the file. */
export function writeTuning(tuning: Tuning, folder: URL = FOLDER): string {
  const file = tuningFile(tuning, folder);
  const before = readTuning(tuning, folder);
  const merged: Tuning = { ...tuning, choices: { ...before?.choices, ...tuning.choices } };
  Deno.mkdirSync(folder, { recursive: true });
  Deno.writeTextFileSync(file, `${JSON.stringify(merged, null, 1)}\n`);
  return file;
}
