/**
 * The one error class of the project: a single clear sentence that names what a person needs to find the fault.
 *
 * @module
 */

/** Characters of a message: names in damaged files may be as long as the file. */
const LONGEST = 2000;

/** Where a fault was found. Every field is optional and becomes part of the message. */
export interface ErrorPlace {
  /** File or URL that was being read. */
  file?: string;
  /** Name of the graph node. */
  node?: string;
  /** Operator of that node. */
  operator?: string;
}

/**
 * Text from outside (names in files, names of files) as it may be shown: control characters and those that turn the direction of writing
 * are replaced by their escapes, since terminals obey them. Line ends stay with `lines`.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { printable } from "./error.ts";
 * assert.equal(printable("\u001b[2Jcat"), "\\u001b[2Jcat");
 * ```
 */
export function printable(text: string, { lines = false }: { readonly lines?: boolean } = {}): string {
  // deno-lint-ignore no-control-regex
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, (character) => {
    if (lines && (character === "\n" || character === "\t")) return character;
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  }).toWellFormed();
}

/**
 * The error for every fault that a user can cause or meet: bad files, unsupported operators, wrong shapes, missing adapters. The message
 * is one sentence that begins with the file, the operator and the node concerned, without control characters, and of long ones the beginning.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { FeatherdetError } from "./error.ts";
 * const error = new FeatherdetError("kernel is 3x3 but the input is 2x2", { file: "a.onnx", node: "c1", operator: "Conv" });
 * assert.equal(error.message, 'a.onnx: Conv "c1": kernel is 3x3 but the input is 2x2');
 * ```
 */
export class FeatherdetError extends Error {
  /** What is wrong, without the place. */
  readonly detail: string;
  /** Where it is wrong. */
  readonly place: ErrorPlace;

  /** Composes the message from the detail and the place. */
  constructor(detail: string, place: ErrorPlace = {}, options?: ErrorOptions) {
    const node = place.operator || place.node
      ? `${place.operator ?? "node"}${place.node === undefined ? "" : ` "${place.node}"`}: `
      : "";
    const text = `${place.file ? `${place.file}: ` : ""}${node}${detail}`;
    const cut = text.length > LONGEST ? `${text.slice(0, LONGEST)}... (${text.length} characters)` : text;
    super(printable(cut.replaceAll(/\s*[\r\n]\s*/g, " ")), options);
    this.name = "FeatherdetError";
    this.detail = detail;
    this.place = place;
  }

  /** The same error with more of its place known. Fields that are known already stay. */
  at(place: ErrorPlace): FeatherdetError {
    return new FeatherdetError(this.detail, { ...place, ...this.place }, { cause: this.cause });
  }
}
