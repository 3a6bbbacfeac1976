/**
 * The job `make`: the file of a variant by its recipe, from the files of its parents.
 *
 * @module
 */

import { dirname, join } from "node:path";
import * as v from "npm:valibot@1.5.0";
import { kindOf, readBytes, readText } from "../../data/files.ts";
import { parseJson } from "../../data/json_fields.ts";
import { FeatherdetError } from "../../graph/error.ts";
import { makeFolder } from "../../host/table_files.ts";
import { writeWhole } from "../../host/whole_file.ts";
import { COUNT, HASH, PLAIN_OBJECT } from "../../numbers/forms.ts";
import type { JobQueue } from "../../queue/job.ts";
import type { Variant } from "../../report/table/mod.ts";
import { parentSeed, parentsOf, seedVariants, verbOf } from "../../report/table/recipe.ts";
import { type MadeFile, makeFile } from "../reproduce/make.ts";
import type { Waiting } from "../reproduce/reproduce.ts";
import { writeMark } from "../reproduce/state.ts";
import { openWorkshop, parentFile, runFolder, targetOf, variantOf, type Workshop } from "../reproduce/workshop.ts";
import { interrupted, type JobKind, jobKind } from "./kind.ts";

const FORM = v.strictObject({
  /** The variant and all that it is made from, as the manifest has them. */
  variants: v.array(PLAIN_OBJECT),
  variant: v.string("expected the id of a variant"),
  seed: COUNT,
  /** Hashes of the parents' files by the ids of their variants. */
  parents: v.record(v.string(), HASH),
});

/** What the job gives. */
const RESULT = v.object({ sha256: HASH, seconds: v.number() });

/** The path of a variant's file in a folder of models. */
function pathOf(variant: Variant, seed: number): string {
  const { model } = seedVariants(variant).find((one) => one.seed === seed)?.variant ?? variant;
  if ("file" in model) return model.file;
  throw new FeatherdetError(`the variant "${variant.id}" has no file`);
}

/** The kind `make`. */
export const MAKE: JobKind = jobKind("makes the file of a variant by its recipe", FORM, async (input, context) => {
  const { files, folder, run } = context, manifest = join(folder, "data", "variants.json");
  await makeFolder(dirname(manifest));
  await writeWhole(manifest, JSON.stringify({ variants: input.variants }));
  const shop = await openWorkshop({ manifest, out: folder });
  const variant = shop.variants.find(({ id }) => id === input.variant);
  if (variant?.recipe === undefined) throw new FeatherdetError(`the job's variant "${input.variant}" has no recipe`);
  for (const [id, hash] of Object.entries(input.parents)) {
    const parent = shop.variants.find((one) => one.id === id);
    if (parent === undefined) throw new FeatherdetError(`the job's parent "${id}" is no variant of it`);
    const place = join(folder, pathOf(parent, parentSeed(parent, input.seed)));
    if (kindOf(place) === "file") continue;
    await makeFolder(dirname(place));
    await writeWhole(place, await files.get(hash));
  }
  const made = await makeFile(shop, variant, input.seed, run);
  if (made === undefined) throw interrupted();
  return { sha256: await files.put(await readBytes(made.file)), seconds: made.seconds };
});

/** The ids of a variant and of all that it is made from. */
function ancestors(shop: Workshop, id: string, found = new Set<string>()): ReadonlySet<string> {
  if (found.has(id)) return found;
  found.add(id);
  for (const parent of parentsOf(variantOf(shop, id))) ancestors(shop, parent, found);
  return found;
}

/**
 * As `makeFile`, by a worker of a queue. What is only downloaded is downloaded here, by `local`. Undefined where the waiting was ended; a
 * job that nobody wants any more is taken out of the queue.
 *
 * Throws FeatherdetError if the job fails.
 */
export async function makeByQueue(
  queue: JobQueue,
  shop: Workshop,
  variant: Variant,
  seed: number,
  local: () => Promise<MadeFile | undefined>,
  { signal, unwanted }: Waiting = {},
): Promise<MadeFile | undefined> {
  if (variant.recipe!.steps.every((step) => verbOf(step).argument !== undefined)) return await local();
  const manifest = parseJson(await readText(shop.manifest), shop.manifest) as { variants: { id: string }[] };
  const parents: Record<string, string> = {};
  for (const id of parentsOf(variant)) {
    parents[id] = await queue.files.put(await readBytes(parentFile(shop, id, seed)));
  }
  const kin = ancestors(shop, variant.id);
  const input: v.InferOutput<typeof FORM> = {
    variants: manifest.variants.filter(({ id }) => kin.has(id)),
    ...{ variant: variant.id, seed, parents },
  };
  const id = await queue.submit({ kind: "make", input, title: `${variant.id}, seed ${seed}` });
  const ended = AbortSignal.any([signal, unwanted].filter((one) => one !== undefined));
  const result = await queue.result(id, { signal: ended }).catch(async (error) => {
    if (!ended.aborted) throw error;
    if (unwanted?.aborted) await queue.cancel(id);
  });
  if (result === undefined) return undefined;
  const { sha256, seconds } = v.parse(RESULT, result);
  const bytes = await queue.files.get(sha256), folder = await runFolder(shop, variant, seed);
  if (folder === undefined) throw new FeatherdetError(`what "${variant.id}" is made from is not there any more`);
  const file = targetOf(shop, variant, seed);
  await makeFolder(folder);
  await makeFolder(dirname(file));
  await writeMark(folder, { sha256, seconds });
  await writeWhole(file, bytes);
  return { file, sha256, seconds };
}
