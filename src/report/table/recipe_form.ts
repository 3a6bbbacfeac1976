/**
 * The field `made` of a manifest: text, a recipe, or the variant whose file it is; and the checks that look at several variants.
 *
 * @module
 */

import * as v from "npm:valibot@1.5.0";
import type { FeatherdetError } from "../../graph/error.ts";
import { object, oneOf, TEXT } from "./fields.ts";
import {
  dataPath,
  isReference,
  parentsOf,
  type Recipe,
  RECIPE_PLACES,
  RECIPE_VERBS,
  type RecipeStep,
  type RecipeVerbName,
  verbOf,
} from "./recipe.ts";
import { commandOf, stepArguments } from "./recipe_text.ts";
import type { Variant } from "./variant.ts";

/** Says what is wrong with the arguments of a verb, in one sentence; undefined if nothing is. */
export type OptionCheck = (verb: RecipeVerbName, words: readonly string[]) => string | undefined;

const VERBS = Object.keys(RECIPE_VERBS) as RecipeVerbName[];

const whole = (least: number) => {
  const says = `expected a whole number from ${least}`;
  return v.pipe(v.number(says), v.integer(says), v.minValue(least, says));
};

const WORD = v.union([v.string(), v.number()]);

const VALUE = v.union([
  WORD,
  v.boolean(),
  v.pipe(v.array(WORD), v.nonEmpty()),
  v.strictObject({ variant: v.string() }),
  v.strictObject({ step: whole(1) }),
], `expected text, a number, true, false, a list of those, { "variant" } or { "step" }`);

const TIME_SAYS = `expected seconds, or { "record", "run" }`;
const TIME = v.union([
  v.pipe(v.number(TIME_SAYS), v.minValue(0, TIME_SAYS)),
  v.strictObject({ record: TEXT, run: TEXT }),
], TIME_SAYS);

const STEP = v.strictObject({
  verb: v.picklist(VERBS, oneOf(VERBS)),
  options: v.record(v.string(), VALUE, "expected an object of options"),
  seconds: v.optional(TIME),
}, object(`expected a step { "verb", "options" }`));

const OUT_SAYS = `expected a path that begins with ${RECIPE_PLACES.join(" or ")}`;
const OUT = v.pipe(
  v.string(OUT_SAYS),
  v.check((out) => RECIPE_PLACES.some((place) => out.startsWith(place)) && !out.includes(".."), OUT_SAYS),
);

const SEEDS_SAYS = "expected a list of seeds, each once";
const SEEDS = v.pipe(
  v.array(whole(0), SEEDS_SAYS),
  v.check((seeds) => seeds.length > 0 && new Set(seeds).size === seeds.length, SEEDS_SAYS),
);

const RECIPE_SAYS = `expected text, { "steps", "out", "seeds" } or { "variant" }`;
const RECIPE = v.strictObject({
  steps: v.pipe(v.array(STEP, "expected a list of steps"), v.nonEmpty("expected at least one step")),
  out: OUT,
  seeds: v.optional(SEEDS, [0]),
  seedOut: v.optional(v.pipe(OUT, v.includes("{seed}", "expected {seed} in the path"))),
}, object(RECIPE_SAYS));

/** The form of the field `made`. */
export const MADE: v.GenericSchema<string | Recipe | { readonly variant: string }> = v.lazy((value) => {
  if (typeof value === "string") return TEXT;
  if (typeof value === "object" && value !== null && "variant" in value) {
    return v.strictObject({ variant: TEXT }, object(RECIPE_SAYS));
  }
  return RECIPE;
}) as v.GenericSchema<string | Recipe | { readonly variant: string }>;

/** A variant whose recipe has not been looked at. */
type Raw = Omit<Variant, "made" | "recipe"> & { readonly made: string | Recipe | { readonly variant: string } };

/** Makes an error that names the manifest. */
type Fault = (detail: string) => FeatherdetError;

/** Options that the program gives itself. */
function givenOptions(step: RecipeStep): string[] {
  const { file, folder, seeded } = verbOf(step);
  return [file, folder, seeded && "seed"].filter((name) => typeof name === "string");
}

/** What is wrong with a step, looked at alone. */
function stepFault(
  step: RecipeStep,
  index: number,
  ids: ReadonlyMap<string, Raw>,
  check?: OptionCheck,
): string | undefined {
  const { options, verb } = step, { argument } = verbOf(step);
  const own = givenOptions(step).find((name) => Object.hasOwn(options, name));
  if (own !== undefined) return `options.${own}: the program gives it, leave it out`;
  if (argument !== undefined && typeof options[argument] !== "string") return `options.${argument}: is missing`;
  for (const [name, value] of Object.entries(options)) {
    if (!isReference(value)) continue;
    if ("step" in value) {
      if (value.step <= index) continue;
      return `options.${name}: step ${value.step} comes no earlier, expected 1 to ${index}`;
    }
    const parent = ids.get(value.variant);
    if (parent === undefined) return `options.${name}: there is no variant "${value.variant}"`;
    if (!("file" in parent.model)) return `options.${name}: the variant "${value.variant}" has no file`;
  }
  const words = stepArguments(step, { file: "file", folder: "folder", seed: 0, fileOf: () => "file" });
  const wrong = check?.(verb, words);
  return wrong && `options: ${wrong}`;
}

/** What is wrong with how a variant is made, looked at alone. */
function recipeFault({ model, made }: Raw, ids: ReadonlyMap<string, Raw>, check?: OptionCheck): string | undefined {
  if (typeof made === "string") return undefined;
  if ("variant" in made) {
    const parent = ids.get(made.variant);
    if (parent === undefined) return `variant: there is no variant "${made.variant}"`;
    const file = (one: Raw["model"]) => "file" in one ? one.file : undefined;
    if (file(model) !== undefined && file(parent.model) === file(model)) return undefined;
    return `variant: the file of "${made.variant}" is another than that of model`;
  }
  if (!("file" in model) || dataPath(made.out) !== model.file) return `out: is another file than that of model`;
  if (made.seeds.length > 1 && made.seedOut === undefined) return "seedOut: is missing, there are several seeds";
  for (const [index, step] of made.steps.entries()) {
    const wrong = stepFault(step, index, ids, check);
    if (wrong !== undefined) return `steps[${index}].${wrong}`;
  }
  return undefined;
}

/** A circle of ids, whose first is also its last: `"a" is made from "b", "b" from "a"`. */
function circleText(ids: readonly string[], first: string, then: string): string {
  return ids.slice(1).map((id, i) => `"${ids[i]}" ${i === 0 ? first : then} "${id}"`).join(", ");
}

/** Throws where variants are made from each other in a circle. */
function checkCircles(variants: readonly Variant[], fault: Fault): void {
  const done = new Set<string>();
  const visit = (id: string, path: readonly string[]): void => {
    if (done.has(id)) return;
    if (path.includes(id)) {
      const circle = circleText([...path.slice(path.indexOf(id)), id], "is made from", "from");
      throw fault(`variants: ${circle}: none of them can be made first`);
    }
    for (const parent of parentsOf(variants.find((one) => one.id === id)!)) visit(parent, [...path, id]);
    done.add(id);
  };
  for (const { id } of variants) visit(id, []);
}

/** The recipe of a variant; that of another whose file it shares, with the other's name. */
function recipeOf({ made }: Raw, ids: ReadonlyMap<string, Raw>): Recipe | undefined {
  if (typeof made === "string") return undefined;
  if (!("variant" in made)) return made;
  const parent = ids.get(made.variant)!, recipe = recipeOf(parent, ids);
  return recipe && { ...recipe, sameFileAs: recipe.sameFileAs ?? parent.id };
}

/** What is said of how a variant was made, where there is no recipe. */
function noteOf({ made }: Raw, ids: ReadonlyMap<string, Raw>): string {
  if (typeof made === "string") return made;
  return "variant" in made ? noteOf(ids.get(made.variant)!, ids) : "";
}

/** Throws where variants say of each other, in a circle, that one has the file of the other. */
function checkShared(variants: readonly Raw[], ids: ReadonlyMap<string, Raw>, fault: Fault): void {
  for (const { id } of variants) {
    const path = [id];
    for (let made = ids.get(id)!.made; typeof made === "object" && "variant" in made;) {
      const next = made.variant;
      if (path.includes(next)) {
        const circle = circleText([...path, next], "has the file of", "that of");
        throw fault(`variants: ${circle}: none of them says how it is made`);
      }
      path.push(next);
      made = ids.get(next)!.made;
    }
  }
}

/**
 * Variants with their recipes, and with the command lines that these stand for.
 *
 * Throws what `fault` makes of the first recipe that cannot be run: of an unknown variant, of options that the program gives itself or
 * that the verb does not have, of a circle.
 */
export function withRecipes(raw: readonly Raw[], fault: Fault, check?: OptionCheck): readonly Variant[] {
  const ids = new Map(raw.map((variant) => [variant.id, variant]));
  for (const [index, variant] of raw.entries()) {
    const wrong = recipeFault(variant, ids, check);
    if (wrong !== undefined) throw fault(`variants[${index}] "${variant.id}": made.${wrong}`);
  }
  checkShared(raw, ids, fault);
  const variants = raw.map((variant): Variant => {
    const recipe = recipeOf(variant, ids);
    return { ...variant, made: noteOf(variant, ids), ...(recipe && { recipe }) };
  });
  checkCircles(variants, fault);
  return variants.map((variant) => {
    const { id, recipe } = variant;
    return recipe ? { ...variant, made: commandOf(id, recipe, variants) } : variant;
  });
}
