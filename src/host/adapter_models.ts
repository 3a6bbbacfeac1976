/**
 * Models of adapters as files: those that come with the toolkit (`data/adapters/`), and those that were fitted on this machine
 * (`.cache/adapters/`), which come first.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { findAdapter } from "../gpu/device.ts";
import { FeatherdetError } from "../graph/error.ts";
import { type AdapterModel, adapterModelFault } from "../hardware/adapter/model.ts";
import { deviceNames } from "../hardware/profile.ts";
import { writeWhole } from "./whole_file.ts";

/** What stands for the adapter of this machine in the place of a device's name. */
export const ADAPTER_HERE = "this";

const OWN = new URL("../../.cache/adapters/", import.meta.url);
const SHIPPED = new URL("../../data/adapters/", import.meta.url);

/** An adapter's name as part of a file's. */
export function adapterSlug(adapter: string): string {
  return adapter.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-|-$/g, "") || "unnamed";
}

/** The file of a model that is fitted on this machine. */
export function adapterModelFile(adapter: string, folder: URL = OWN): string {
  return fileURLToPath(new URL(`${adapterSlug(adapter)}.json`, folder));
}

/** A model as text: measured dispatches a line each, so that it can be read and compared. */
function modelText(model: AdapterModel): string {
  const lists = /\[\s*(?:-?[\d.e+-]+,\s*)*-?[\d.e+-]+\s*\]/g;
  return `${JSON.stringify(model, null, 1).replaceAll(lists, (list) => list.replaceAll(/\s+/g, ""))}\n`;
}

/** Writes a model whole. */
export async function writeAdapterModel(model: AdapterModel, file: string): Promise<void> {
  await Deno.mkdir(new URL(".", new URL(`file://${file}`)), { recursive: true });
  await writeWhole(file, modelText(model));
}

/** The names of adapters with a model. */
export function adapterModelNames(folders: readonly URL[] = [OWN, SHIPPED]): string[] {
  const names = folders.flatMap((folder) => {
    try {
      return [...Deno.readDirSync(folder)].flatMap(({ name }) => name.endsWith(".json") ? [name.slice(0, -5)] : []);
    } catch (error) {
      // What may not be read is not there.
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) return [];
      throw error;
    }
  });
  return [...new Set(names)].sort();
}

/**
 * The model of an adapter, by the driver's name for it or by that of its file. Throws FeatherdetError where there is none, and for a file
 * that is damaged or of another version, which names what makes a new one.
 */
export async function readAdapterModel(
  adapter: string,
  folders: readonly URL[] = [OWN, SHIPPED],
): Promise<AdapterModel> {
  const remedy = "measure this adapter and fit one with `deno run -A bench/adapter.ts`";
  for (const folder of folders) {
    const file = adapterModelFile(adapter, folder);
    let text: string;
    try {
      text = await Deno.readTextFile(file);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) continue;
      throw error;
    }
    let model: unknown;
    try {
      model = JSON.parse(text);
    } catch {
      throw new FeatherdetError(`is no JSON, so no model of the adapter "${adapter}": ${remedy}`, { file });
    }
    const fault = adapterModelFault(model);
    if (fault === undefined) return model as AdapterModel;
    throw new FeatherdetError(`is no model of the adapter "${adapter}" (${fault}): ${remedy}`, { file });
  }
  const known = adapterModelNames(folders);
  throw new FeatherdetError(
    `there is no model of the adapter "${adapter}"${known.length > 0 ? `, but of ${known.join(", ")}` : ""}: ${remedy}`,
  );
}

/**
 * The model of the adapter that a device's name stands for; undefined where it is the name of a device. Throws FeatherdetError for an adapter
 * that was not measured.
 */
export async function modelOfAdapter(name: string): Promise<AdapterModel | undefined> {
  if (deviceNames().includes(name)) return undefined;
  if (name === ADAPTER_HERE) return await readAdapterModel((await findAdapter()).name);
  return adapterModelNames().includes(adapterSlug(name)) ? await readAdapterModel(name) : undefined;
}
