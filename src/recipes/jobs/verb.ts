/**
 * The job `verb`: a verb of recipes with its words, its models from the store, what it makes into the store.
 *
 * @module
 */

import { join } from "node:path";
import * as v from "npm:valibot@1.5.0";
import { kindOf, namesIn, readBytes } from "../../data/files.ts";
import { FeatherdetError } from "../../graph/error.ts";
import { makeFolder } from "../../host/table_files.ts";
import { RECIPE_VERBS, type RecipeVerbName } from "../../report/table/recipe.ts";
import { LAST_CHECKPOINT } from "../../train/loop/loop.ts";
import { HASH } from "../../numbers/forms.ts";
import { FILE_NAME, interrupted, type JobKind, jobKind, placeFile } from "./kind.ts";

const FORM = v.strictObject({
  verb: v.picklist(Object.keys(RECIPE_VERBS) as RecipeVerbName[], "expected a verb of recipes"),
  /** Its words. `{NAME}` stands for a file of `files`, `{out}` for the folder whose files are the result's. */
  words: v.array(v.string("expected words")),
  files: v.optional(v.record(FILE_NAME, HASH), {}),
});

/** Files of a result: models, figures and logs, not checkpoints, which are large and only of use to the run itself. */
const KEPT = /\.(onnx|json|jsonl|csv|svg|md)$/;

/** The kind `verb`. */
export const VERB: JobKind = jobKind("runs train, prune, quantize or data", FORM, async (input, context) => {
  const { files, folder, run } = context, { verb } = input, out = join(folder, "out");
  await makeFolder(out);
  const places = new Map([["out", out]]);
  for (const [name, hash] of Object.entries(input.files)) {
    places.set(name, await placeFile(context, hash, join(folder, "in"), name));
  }
  const words = input.words.map((word) =>
    word.replaceAll(/\{([\w.-]+)\}/g, (_, name: string) => {
      const place = places.get(name);
      if (place === undefined) throw new FeatherdetError(`the job's words name "${name}", which is no file of it`);
      return place;
    })
  );
  const { resume } = RECIPE_VERBS[verb];
  const isBegun = resume !== undefined && kindOf(join(out, LAST_CHECKPOINT)) === "file";
  const told = await run(verb, isBegun ? [`--${resume}`, out] : words);
  if (told.reason === "interrupted") throw interrupted();
  const kept: Record<string, string> = {};
  for (const name of namesIn(out, KEPT)) kept[name] = await files.put(await readBytes(join(out, name)));
  return { told, files: kept };
});
