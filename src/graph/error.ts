/**
 * The one error class of the project: a single clear sentence that names what a person needs to find the fault.
 *
 * @module
 */

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
 * The error for every fault that a user can cause or meet: bad files, unsupported operators, wrong shapes, missing adapters. The message
 * is one sentence that begins with the file, the operator and the node concerned.
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
    super(`${place.file ? `${place.file}: ` : ""}${node}${detail}`, options);
    this.name = "FeatherdetError";
    this.detail = detail;
    this.place = place;
  }

  /** The same error with more of its place known. Fields that are known already stay. */
  at(place: ErrorPlace): FeatherdetError {
    return new FeatherdetError(this.detail, { ...place, ...this.place }, { cause: this.cause });
  }
}
