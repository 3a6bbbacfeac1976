/**
 * Recipes as command lines, for the root of the checkout.
 *
 * @module
 */

import { dirname } from "node:path/posix";
import {
  hasRun,
  isReference,
  outOf,
  parentSeed,
  type Recipe,
  type RecipeOptions,
  type RecipeStep,
  type RecipeValue,
  verbOf,
  withSeed,
} from "./recipe.ts";
import type { Variant } from "./variant.ts";

/** What the program gives to a step. */
export interface GivenToStep {
  /** File to write, for verbs that are told. */
  readonly file?: string;
  /** Folder of the run, for steps that have one. */
  readonly folder?: string;
  /** The seed, for verbs that have one. */
  readonly seed?: number;
  /** The file that a value refers to. */
  readonly fileOf: (value: Exclude<RecipeValue, string | number | boolean | readonly (string | number)[]>) => string;
}

const kebab = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** An option as command lines name it: `lastEpochs` is `--last-epochs`. */
export const flagOf = (name: string): string => `--${kebab(name)}`;

/** An option as a command line has it. */
function argumentsOf(name: string, value: RecipeValue, { fileOf, seed = 0 }: GivenToStep): string[] {
  if (value === true) return [flagOf(name)];
  if (value === false) return [`--no-${kebab(name)}`];
  if (isReference(value)) return [flagOf(name), fileOf(value)];
  return [flagOf(name), ...[value].flat().map((one) => withSeed(String(one), seed))];
}

/** A training of a model by its name, as recipes mean it: with random weights unless the recipe says otherwise, whatever lies here. */
function isFromRandom({ verb, options }: RecipeStep): boolean {
  const { model, pretrained, width, depth, psa } = options as RecipeOptions;
  return verb === "train" && typeof model === "string" &&
    [pretrained, width, depth, psa].every((one) => one === undefined);
}

/** The arguments of a step's verb, without the verb. */
export function stepArguments(step: RecipeStep, given: GivenToStep): string[] {
  const { argument, file, folder, seeded } = verbOf(step);
  const { [argument ?? ""]: first, ...options } = step.options as RecipeOptions;
  return [
    ...(first === undefined ? [] : [String(first)]),
    ...Object.entries(options).flatMap(([name, value]) => argumentsOf(name, value, given)),
    ...(isFromRandom(step) ? ["--no-pretrained"] : []),
    ...(seeded ? ["--seed", String(given.seed ?? 0)] : []),
    ...(folder !== undefined && hasRun(step) ? [`--${folder}`, given.folder!] : []),
    ...(file !== undefined ? [`--${file}`, given.file!] : []),
  ];
}

/** A word as shells read it. */
const quoted = (word: string) => /^[\w@%+=:,./{}-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** Where a recipe's steps put what they make: the last one the file, the others files beside it. */
export function stepFile(out: string, index: number, count: number): string {
  return index === count - 1 ? out : out.replace(/(\.\w+)?$/, `-step-${index + 1}$1`);
}

/**
 * The command line that makes the file of a seed, from the root of the checkout. `variants` are all of the manifest.
 *
 * The folder of the file is made where a fresh checkout has none, and a file that a verb leaves in the folder of its run is copied.
 */
export function commandOf(id: string, recipe: Recipe, variants: readonly Variant[], seed = recipe.seeds[0]): string {
  if (recipe.sameFileAs !== undefined) {
    const parent = variants.find((one) => one.id === recipe.sameFileAs)!;
    return commandOf(parent.id, parent.recipe!, variants, seed);
  }
  const out = outOf(recipe, seed), { steps, seeds } = recipe;
  const folder = `runs/${id}${seed === seeds[0] ? "" : `-seed-${seed}`}`;
  const runs = steps.filter(hasRun).length;
  const commands = steps.flatMap((step, index) => {
    const file = stepFile(out, index, steps.length), { file: option, leaves } = verbOf(step);
    const run = runs > 1 ? `${folder}-${index + 1}` : folder;
    const words = stepArguments(step, {
      ...{ file, folder: run, seed },
      fileOf: (value) => {
        if ("step" in value) return stepFile(out, value.step - 1, steps.length);
        const parent = variants.find((one) => one.id === value.variant)!;
        if (parent.recipe) return outOf(parent.recipe, parentSeed(parent, seed));
        return `data/${(parent.model as { file: string }).file}`;
      },
    });
    const command = ["deno", "task", step.verb, ...words].map(quoted).join(" ");
    return option === undefined && leaves !== undefined ? [command, `cp ${run}/${leaves} ${quoted(file)}`] : [command];
  });
  const isTold = steps.some((step) => verbOf(step).argument === undefined);
  const isNew = isTold && out.startsWith(".cache/");
  return [...(isNew ? [`mkdir -p ${quoted(dirname(out))}`] : []), ...commands].join(" && ");
}

/** Whether a text says a command line, and not in words how something was made. */
export function isCommand(made: string): boolean {
  return /^(deno|mkdir) /.test(made);
}
