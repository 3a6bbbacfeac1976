/**
 * How much an import may read and compute: a file of a few bytes can ask for constants that fill the memory.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";

/** Elements for any file: more than the tables of cells, masks and position embeddings of detectors. */
const ELEMENTS = 2 ** 24;

/** Elements for every byte of the file: models that rearrange their weights do so a few times. */
const ELEMENTS_A_BYTE = 4;

/** Nodes of a file; the largest detectors have a few thousand. */
const NODES = 50_000;

/** Characters of a file's metadata; names of classes take some thousands. */
const METADATA = 2 ** 24;

/** Throws FeatherdetError for a file of more nodes or metadata than are read. */
export function checkCounts(nodes: number, metadata: Readonly<Record<string, string>>): void {
  if (nodes > NODES) throw new FeatherdetError(`has ${nodes} nodes, more than the ${NODES} that are read`);
  const characters = Object.entries(metadata).reduce((sum, [key, value]) => sum + key.length + value.length, 0);
  if (characters <= METADATA) return;
  throw new FeatherdetError(`has ${characters} characters of metadata, more than the ${METADATA} that are read`);
}

/** Elements that the import of one file may still read and make. */
export class Budget {
  #left: number;
  readonly #all: number;

  /** The budget of a file with that many bytes, its external data among them. */
  constructor(bytes: number) {
    this.#left = this.#all = ELEMENTS + ELEMENTS_A_BYTE * bytes;
  }

  /** Takes elements off. Throws FeatherdetError where not so many are left; call it before making them. */
  spend(elements: number): void {
    // What is no number of elements gives nothing back.
    this.#left -= elements >= 0 ? elements : Infinity;
    if (this.#left >= 0) return;
    throw new FeatherdetError(
      `needs ${elements} elements of constants that the file computes, more than what is left of ${this.#all} for this file`,
    );
  }
}
