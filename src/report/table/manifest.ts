/**
 * The variants manifest, `data/variants.json`: which models there are, or will be, and what part they have in the tables.
 *
 * It is an object with one field `variants`, the list of variants in the order of the tables. The fields of a variant are those of
 * `Variant`; `docs/tables.md` describes them with an example. Unknown fields are refused, since a mistyped one would otherwise be
 * ignored.
 *
 * @module
 */

import * as v from "npm:valibot@1.5.0";
import { BOXES_OPTIONS, HEAD_FORMS, type HeadFormName } from "../../detect/heads/form.ts";
import { INPUT_CHANNELS, INPUT_RANGES } from "../../detect/picture_input.ts";
import { FeatherdetError } from "../../graph/error.ts";
import { object, oneOf, TEXT } from "./fields.ts";
import { MADE, type OptionCheck, withRecipes } from "./recipe_form.ts";
import { SHARED_ROLES, type Variant, VARIANT_ROLES } from "./variant.ts";
import { PRECISIONS } from "../../engine/setup.ts";

const SIZE_SAYS = "expected a multiple of 32 from 32 to 8192";
const SIZE = v.pipe(
  v.number(SIZE_SAYS),
  v.multipleOf(32, SIZE_SAYS),
  v.minValue(32, SIZE_SAYS),
  v.maxValue(8192, SIZE_SAYS),
);

const MODEL_SAYS = `expected { "file" } or { "name", "options" }`;
const MODEL = v.pipe(
  v.strictObject({
    file: v.optional(v.pipe(
      TEXT,
      v.check(
        (file) => !/^([\\/]|[a-z]+:)|(^|[\\/])\.\.([\\/]|$)/i.test(file),
        "expected a path inside a data folder, such as models/a.onnx",
      ),
    )),
    name: v.optional(TEXT),
    options: v.optional(v.record(v.string(), v.unknown(), "expected an object of options")),
  }, object(MODEL_SAYS)),
  v.check(({ file, name, options }) => file === undefined ? name !== undefined : !name && !options, MODEL_SAYS),
  v.transform((model) => model as Variant["model"]),
);

const HEADS = Object.keys(HEAD_FORMS) as HeadFormName[];

const ID_SAYS = "expected small letters, digits, dots and hyphens";
const SHA_SAYS = "expected 64 hexadecimal digits";

const VARIANT = v.strictObject({
  id: v.pipe(v.string(ID_SAYS), v.regex(/^[a-z0-9][a-z0-9.-]*$/, ID_SAYS)),
  title: TEXT,
  data: TEXT,
  split: v.optional(TEXT),
  role: v.picklist(VARIANT_ROLES, oneOf(VARIANT_ROLES)),
  model: MODEL,
  size: SIZE,
  precision: v.picklist(PRECISIONS, oneOf(PRECISIONS)),
  head: v.optional(v.picklist(HEADS, oneOf(HEADS))),
  boxes: v.optional(v.picklist(BOXES_OPTIONS, oneOf(BOXES_OPTIONS))),
  inputRange: v.optional(v.picklist(INPUT_RANGES, oneOf(INPUT_RANGES))),
  inputChannels: v.optional(v.picklist(INPUT_CHANNELS, oneOf(INPUT_CHANNELS))),
  made: MADE,
  sha256: v.optional(v.pipe(v.string(SHA_SAYS), v.regex(/^[0-9a-f]{64}$/, SHA_SAYS))),
  note: v.optional(TEXT),
}, object("expected an object"));

const MANIFEST = v.strictObject(
  { variants: v.pipe(v.array(VARIANT, "expected a list of variants"), v.nonEmpty("expected at least one variant")) },
  object("expected an object with the list variants"),
);

/** Fields from the top of the manifest down to the one that is wrong, `variants[3] "x": role`. */
function placeOf(path: readonly v.IssuePathItem[]): string {
  return path.map(({ key, value }, depth) => {
    if (typeof key !== "number") return depth === 0 ? key : `${depth === 2 ? ": " : "."}${String(key)}`;
    const { id } = (value ?? {}) as { id?: unknown };
    return `[${key}]${typeof id === "string" ? ` "${id}"` : ""}`;
  }).join("");
}

/** Variants of which the tables have one place at most. */
function checkPlaces(variants: readonly Omit<Variant, "made">[], fault: (detail: string) => FeatherdetError): void {
  const ids = new Set<string>(), places = new Set<string>();
  const splits = new Map<string, string | undefined>();
  for (const [index, { id, role, data, split }] of variants.entries()) {
    const place = `variants[${index}] "${id}"`;
    if (ids.has(id)) throw fault(`${place}: id: there is another variant of this id`);
    ids.add(id);
    if (splits.has(data) && splits.get(data) !== split) {
      throw fault(`${place}: split: the variants of ${data} are measured on one split, not also ${split ?? "none"}`);
    }
    splits.set(data, split);
    if (!SHARED_ROLES.includes(role) && places.has(`${role} of ${data}`)) {
      throw fault(`${place}: role: there is another ${role} of ${data}`);
    }
    places.add(`${role} of ${data}`);
  }
  for (const data of splits.keys()) {
    if (!places.has(`original of ${data}`)) throw fault(`variants: none of those of ${data} has the role original`);
  }
}

/**
 * Reads a manifest of variants.
 *
 * Throws FeatherdetError that names `file`, the variant and the field: for broken JSON, for fields that are missing, unknown or wrong,
 * for two variants of one role, for data sets without an original, and for recipes that cannot be run: an unknown verb or variant, and
 * variants that are made from each other in a circle. `checkOptions` knows the options of verbs; without it they are not looked at.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseManifest } from "./manifest.ts";
 * const variant = {
 *   id: "demo", title: "demo", data: "synthetic", role: "original", model: { name: "demo" },
 *   size: 320, precision: "f32", made: "built by the program",
 * };
 * assert.equal(parseManifest(JSON.stringify({ variants: [variant] })).length, 1);
 * ```
 */
export function parseManifest(
  text: string,
  file = "variants.json",
  checkOptions?: OptionCheck,
): readonly Variant[] {
  const fault = (detail: string, cause?: unknown) => new FeatherdetError(detail, { file }, { cause });
  let value: unknown;
  try {
    // Numbers such as 1e999 are read as infinite, and would be written as null.
    value = JSON.parse(text, (key, one) => {
      if (typeof one === "number" && !Number.isFinite(one)) throw new SyntaxError(`${key} is a number without end`);
      return one;
    });
  } catch (error) {
    throw fault(`broken JSON: ${(error as Error).message}`, error);
  }
  const parsed = v.safeParse(MANIFEST, value);
  if (!parsed.success) {
    const [{ path, message }] = parsed.issues;
    throw fault(path ? `${placeOf(path)}: ${message}` : message);
  }
  checkPlaces(parsed.output.variants, fault);
  return withRecipes(parsed.output.variants, fault, checkOptions);
}

/** The variants of a data set, in the order of the manifest. Throws FeatherdetError that names `file` if there are none. */
export function listVariants(variants: readonly Variant[], data: string, file = "variants.json"): readonly Variant[] {
  const found = variants.filter((variant) => variant.data === data);
  if (found.length > 0) return found;
  const known = [...new Set(variants.map((variant) => variant.data))].join(", ");
  throw new FeatherdetError(`it has no variants of the data set "${data}", only of ${known}`, { file });
}
