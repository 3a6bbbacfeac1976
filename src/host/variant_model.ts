/**
 * The models of variants: files looked for in the data folders, or graphs that are built.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { besideCheckout, cacheFolder } from "../data/cache.ts";
import { sha256OfFile } from "../data/download/checksum.ts";
import { kindOf } from "../data/files.ts";
import { FeatherdetError } from "../graph/error.ts";
import type { Graph } from "../graph/graph.ts";
import { recipeOf } from "../models/metadata.ts";
import { NAMED_MODELS } from "../models/named.ts";
import { buildFromRecipe } from "../models/recipe.ts";
import type { MissingFigure, Variant, VariantBuild, VariantModel } from "../report/table/mod.ts";
import { isCommand } from "../report/table/recipe_text.ts";
import { loadModel } from "./models.ts";

/**
 * Where a file of a manifest is: in the folder `first` if there is one, in the manifest's own folder, beside the checkout, in the cache;
 * undefined where in none.
 */
export function findVariantFile(file: string, manifest: string, first?: string): string | undefined {
  const places = [first && join(first, file), join(dirname(manifest), file), besideCheckout(file), cacheFolder(file)];
  return places.find((place) => place !== undefined && kindOf(place) === "file");
}

/** Builds a named model at an input size. Throws FeatherdetError for names and options that do not exist. */
function buildVariant({ name, options }: VariantBuild, size: number): Graph {
  if (!Object.hasOwn(NAMED_MODELS, name)) {
    const known = Object.keys(NAMED_MODELS).join(", ");
    throw new FeatherdetError(`no model called "${name}" can be built, expected one of ${known}`);
  }
  const plain = NAMED_MODELS[name]({ size, batch: 1 });
  if (options === undefined) return plain;
  const recipe = recipeOf(plain);
  if (recipe === undefined) throw new FeatherdetError(`the model "${name}" has no options`);
  // Weights are drawn when they are first read: those of the plain model never are.
  return buildFromRecipe({ ...recipe, ...options }, { size, batch: 1 });
}

/**
 * The model of a variant at its input size, or why there is none. `manifest` is the file that the variant is from; files are looked for in
 * the folder `first` before all others.
 *
 * Throws FeatherdetError, which names the manifest and the variant or the model file, for a model that cannot be loaded or built, and
 * for a file whose checksum is another than the manifest's.
 */
export async function loadVariant(
  variant: Variant,
  manifest: string,
  first?: string,
): Promise<VariantModel | MissingFigure> {
  const { id, model, size, made, sha256: expected } = variant;
  if ("name" in model) {
    try {
      return { graph: buildVariant(model, size) };
    } catch (error) {
      if (!(error instanceof FeatherdetError)) throw error;
      throw new FeatherdetError(`variant "${id}": model: ${error.message}`, { file: manifest }, { cause: error });
    }
  }
  const file = findVariantFile(model.file, manifest, first);
  if (file === undefined) {
    return { missing: `${model.file} is not there${isCommand(made) ? `, "${made}" makes it` : ` (${made})`}` };
  }
  const sha256 = await sha256OfFile(file);
  if (expected !== undefined && sha256 !== expected) {
    throw new FeatherdetError(`is another file than variant "${id}" of ${manifest}: its SHA-256 is ${sha256}`, {
      file,
    });
  }
  const { size: fileBytes } = await Deno.stat(file);
  return { graph: await loadModel(file, { size, batch: 1 }), fileBytes, sha256 };
}
