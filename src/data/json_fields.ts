/**
 * Reads fields of parsed JSON and checks their types. Errors name the field and the object.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";

/** A JSON object whose fields have not been looked at yet. */
export type Fields = Readonly<Record<string, unknown>>;

/** Parses JSON text of a file. Throws a `FeatherdetError` that names it. */
export function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FeatherdetError(`broken JSON: ${(error as Error).message}`, { file }, { cause: error });
  }
}

/** Reads fields of one file's objects. */
export class FieldReader {
  /** `file` is named in every error. */
  constructor(readonly file: string) {}

  /** An error about this file. */
  fault(detail: string): FeatherdetError {
    return new FeatherdetError(detail, { file: this.file });
  }

  /** The value as an object. */
  object(value: unknown, what: string): Fields {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw this.fault(`${what} is no object`);
    }
    return value as Fields;
  }

  /** The elements of a list field, each as an object named by its kind and place. */
  objects(fields: Fields, key: string, one: string): Fields[] {
    const list = fields[key];
    if (!Array.isArray(list)) throw this.fault(`it has no list "${key}"`);
    return list.map((value, index) => this.object(value, `${one} number ${index + 1}`));
  }

  /** A field that is a finite number. */
  number(fields: Fields, key: string, what: string): number {
    const value = fields[key];
    if (typeof value !== "number" || !Number.isFinite(value)) {
      throw this.fault(`${what} has ${value === undefined ? "no" : "an unusable"} "${key}", expected a number`);
    }
    return value;
  }

  /** A field that is a whole number. */
  integer(fields: Fields, key: string, what: string): number {
    const value = this.number(fields, key, what);
    if (!Number.isSafeInteger(value)) throw this.fault(`${what} has "${key}" ${value}, expected a whole number`);
    return value;
  }

  /** A field that is text and not empty. */
  text(fields: Fields, key: string, what: string): string {
    const value = fields[key];
    if (typeof value !== "string" || value === "") {
      throw this.fault(`${what} has ${value === undefined ? "no" : "an unusable"} "${key}", expected text`);
    }
    return value;
  }

  /** Elements by their `id`s. Throws for an id that two of them share. */
  byId(elements: readonly Fields[], one: string): Map<number, Fields> {
    const found = new Map<number, Fields>();
    elements.forEach((fields, index) => {
      const id = this.integer(fields, "id", `${one} number ${index + 1}`);
      if (found.has(id)) throw this.fault(`the ${one} id ${id} is there twice`);
      found.set(id, fields);
    });
    return found;
  }
}
