/**
 * Makes the file of one variant by its recipe, in the folder of a run from which it goes on after it was stopped.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { sha256OfFile } from "../../data/download/checksum.ts";
import { kindOf, readBytes } from "../../data/files.ts";
import { FeatherdetError } from "../../graph/error.ts";
import { makeFolder } from "../../host/table_files.ts";
import { writeWhole } from "../../host/whole_file.ts";
import type { RecipeStep, RecipeVerbName, Variant } from "../../report/table/mod.ts";
import { hasRun, verbOf } from "../../report/table/recipe.ts";
import { stepArguments } from "../../report/table/recipe_text.ts";
import { LAST_CHECKPOINT } from "../../train/loop/loop.ts";
import { writeMark } from "./state.ts";
import { parentFile, placeOf, runFolder, targetOf, type Workshop } from "./workshop.ts";

/** Runs a verb with arguments as the command line does. `interrupted` says that it was stopped and can go on. */
export type RunVerb = (verb: RecipeVerbName, words: readonly string[]) => Promise<{ readonly reason?: string }>;

/** A file that was made. */
export interface MadeFile {
  readonly file: string;
  readonly sha256: string;
  /** Of this call: a run that was stopped before has taken longer. */
  readonly seconds: number;
}

/** Where the steps of a recipe put what they make. */
const stepFileIn = (folder: string, index: number) => join(folder, `step-${index + 1}.onnx`);

/** Runs one step into the folder. Returns false if it was interrupted. */
async function runStep(
  step: RecipeStep,
  index: number,
  { folder, seed, shop, run }: { folder: string; seed: number; shop: Workshop; run: RunVerb },
): Promise<boolean> {
  const file = stepFileIn(folder, index), { leaves, resume } = verbOf(step);
  if (kindOf(file) === "file") return true;
  const runs = join(folder, `run-${index + 1}`);
  const isBegun = resume !== undefined && kindOf(join(runs, LAST_CHECKPOINT)) === "file";
  const words = isBegun ? [`--${resume}`, runs] : stepArguments(step, {
    ...{ file, folder: runs, seed },
    fileOf: (value) => "step" in value ? stepFileIn(folder, value.step - 1) : parentFile(shop, value.variant, seed),
  });
  const { reason } = await run(step.verb, words);
  if (reason === "interrupted") return false;
  if (leaves === undefined || !hasRun(step)) return true;
  const left = join(runs, leaves);
  if (kindOf(left) !== "file") throw new FeatherdetError(`the step ${step.verb} has left no ${leaves}`, { file: runs });
  await writeWhole(file, await readBytes(left));
  return true;
}

/**
 * Makes the file of a variant and a seed. What its steps make lies in the folder of the run; the file comes to its place when all of it is
 * done. Undefined if a step was interrupted: the same call then goes on.
 *
 * Throws what the verbs throw, and FeatherdetError for a parent that is not there and for a step that leaves no file.
 */
export async function makeFile(
  shop: Workshop,
  variant: Variant,
  seed: number,
  run: RunVerb,
): Promise<MadeFile | undefined> {
  const started = performance.now(), { steps } = variant.recipe!;
  const target = targetOf(shop, variant, seed);
  const made = async (file: string) => {
    return { file, sha256: await sha256OfFile(file), seconds: (performance.now() - started) / 1000 };
  };
  const [{ options }] = steps, { argument } = verbOf(steps[0]);
  if (argument !== undefined) {
    // It puts its file where the cache has it.
    await run(steps[0].verb, [String(options[argument])]);
    return await made(placeOf(variant.recipe!.out, shop));
  }
  const folder = await runFolder(shop, variant, seed);
  if (folder === undefined) throw new FeatherdetError(`what "${variant.id}" is made from is not there`);
  await makeFolder(folder);
  await makeFolder(dirname(target));
  for (const [index, step] of steps.entries()) {
    if (!await runStep(step, index, { folder, seed, shop, run })) return undefined;
  }
  const last = stepFileIn(folder, steps.length - 1);
  const { sha256, seconds } = await made(last);
  // Before the file itself: a file without a mark would not be known as ours.
  await writeMark(folder, { sha256, seconds });
  await writeWhole(target, await readBytes(last));
  return { file: target, sha256, seconds };
}
