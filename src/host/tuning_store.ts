/**
 * Keeps what tuning found, one file per adapter and form of storage, in the checkout's `.cache/tuning/`.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { FileLock } from "../data/file_lock.ts";
import { writeWholeSync } from "../data/whole_file.ts";
import type { SelfTuning } from "../engine/self_tuner.ts";
import { type EngineOptions, storageForm } from "../engine/setup.ts";
import type { Device } from "../gpu/device.ts";
import { printable } from "../graph/error.ts";
import { type Tuning, tuningFault } from "../plan/tuning.ts";
import { sentence } from "./file_error.ts";

const FOLDER = new URL("../../.cache/tuning/", import.meta.url);

/** What a tuning record is kept by. */
export type TuningKey = Pick<Tuning, "adapter" | "storage" | "scalar">;

/** The file of a record. */
export function tuningFile({ adapter, storage, scalar }: TuningKey, folder: URL = FOLDER): string {
  const plain = adapter.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-|-$/g, "");
  return fileURLToPath(new URL(`${plain || "unnamed"}-${storage}-${scalar}.json`, folder));
}

/** Files that were said to be of no use. */
const said = new Set<string>();

/**
 * The record for an adapter; undefined if there is none, or none that can be read, is of this version and of this adapter. Of a file that is
 * there and of no use it is said once on stderr, and estimates choose.
 */
export function readTuning(key: TuningKey, folder: URL = FOLDER): Tuning | undefined {
  const file = tuningFile(key, folder);
  let fault: string | undefined;
  try {
    const found: unknown = JSON.parse(Deno.readTextFileSync(file));
    fault = tuningFault(found);
    if (fault === undefined) {
      const record = found as Tuning;
      const fits = record.adapter === key.adapter && record.storage === key.storage && record.scalar === key.scalar;
      return fits ? record : undefined;
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) return undefined;
    fault = sentence(error);
  }
  if (!said.has(file)) {
    console.error(printable(`${file}: is no usable tuning record (${fault}), estimates choose kernels`));
  }
  said.add(file);
  return undefined;
}

/** The record for a device and a precision; undefined if there is none. */
export function tuningFor(
  device: Device,
  options: Pick<EngineOptions, "precision" | "storage">,
  folder: URL = FOLDER,
): Tuning | undefined {
  return readTuning({ adapter: device.adapter.name, ...storageForm(device, options) }, folder);
}

/** Adds a record to what is known of its adapter, newer choices before older ones, and returns the file. */
export function writeTuning(tuning: Tuning, folder: URL = FOLDER): string {
  const file = tuningFile(tuning, folder);
  Deno.mkdirSync(folder, { recursive: true });
  // Of two that tune at once none loses what the other found.
  using _ = FileLock.waitSync(`${file}.lock`);
  const before = readTuning(tuning, folder);
  const merged: Tuning = { ...tuning, choices: { ...before?.choices, ...tuning.choices } };
  writeWholeSync(file, `${JSON.stringify(merged, null, 1)}\n`);
  return file;
}

/**
 * How a model that runs tunes itself on a device: what is found is kept. Undefined on software adapters, whose usual kernels are measured
 * ones and where compiling takes the processor that frames run on. `warn` is told once why nothing can be kept, such as a full disk.
 */
export function selfTuningOn(
  { adapter }: Pick<Device, "adapter">,
  warn: (sentence: string) => void,
  folder: URL = FOLDER,
): SelfTuning | undefined {
  if (adapter.software) return undefined;
  let isTold = false;
  return {
    onTuned: (tuning) => {
      try {
        writeTuning(tuning, folder);
      } catch (error) {
        if (!isTold) warn(`kernels are measured but not kept: ${sentence(error)}`);
        isTold = true;
      }
    },
  };
}
