/**
 * What a variant of a detector is, and the parts it can have in the tables.
 *
 * @module
 */

import type { HeadOptions } from "../../detect/heads/form.ts";
import type { InputOptions } from "../../detect/picture_input.ts";
import type { Precision } from "../../engine/session.ts";
import type { Recipe } from "./recipe.ts";

/**
 * The parts of a variant in the tables. `control` is what the parts are compared with besides the original: models that are small in a
 * simpler way. `other` is only in the table of all variants.
 */
export const VARIANT_ROLES = [
  "original",
  "pruning",
  "quantization",
  "distillation",
  "pruning+quantization",
  "distillation+quantization",
  "everything",
  "other",
  "control",
] as const;

/** The parts that any number of variants of a data set can have. */
export const SHARED_ROLES: readonly VariantRole[] = ["other", "control"];

/** One of the parts. */
export type VariantRole = typeof VARIANT_ROLES[number];

/** Element types that a variant can be run in. */
export type VariantPrecision = Precision;

/** A model in a file. */
export interface VariantFile {
  /**
   * Path in a data folder, `models/yolo11n.onnx`: looked for in the folder of the manifest, in the data beside the checkout and in the
   * cache of `deno task data`, in this order.
   */
  readonly file: string;
}

/** A model that is built by name: untrained, with random weights, except for the demo detector. */
export interface VariantBuild {
  /** Its name on the command line, `yolo11n`. */
  readonly name: string;
  /** Options of its builder other than the input size: `{ "classes": 10 }`. */
  readonly options?: Readonly<Record<string, unknown>>;
}

/** A model at one input size in one precision, and how it was made. */
export interface Variant extends HeadOptions, InputOptions {
  /** Unique in its manifest: small letters, digits, dots and hyphens. */
  readonly id: string;
  /** Its name in the tables. */
  readonly title: string;
  /** Data set that it is measured on: a name or folder that `openDataset` knows. */
  readonly data: string;
  /** Split of the data set; its usual one by default. */
  readonly split?: string;
  /** Its part in the tables. A data set has one `original`, at most one variant of each other role, and any number of those of `SHARED_ROLES`. */
  readonly role: VariantRole;
  /** Where the model comes from. */
  readonly model: VariantFile | VariantBuild;
  /** Side of the square input in pixels. */
  readonly size: number;
  /** Element type in which it is run. */
  readonly precision: VariantPrecision;
  /** The command line that makes the model, or in words how it was or will be made. */
  readonly made: string;
  /** How a program makes it; absent where that can only be told in words. */
  readonly recipe?: Recipe;
  /** SHA-256 of the file in hexadecimal; another file is then refused. */
  readonly sha256?: string;
  /** What a reader has to know about it. */
  readonly note?: string;
}
