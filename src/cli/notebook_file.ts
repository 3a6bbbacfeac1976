/**
 * Jupyter notebooks as files: nbformat 4, as far as it is needed to run them and to keep what they show.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";

/** Text, or its lines. */
export type NotebookText = string | readonly string[];

/** What a cell shows. */
export interface NotebookOutput {
  readonly output_type: "stream" | "display_data" | "execute_result" | "error";
  /** Of a stream. */
  readonly text?: NotebookText;
  /** By MIME type, of what is displayed. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** Name, message and stack of an error. */
  readonly ename?: string;
  readonly evalue?: string;
  readonly traceback?: readonly string[];
}

/** A cell. */
export interface NotebookCell {
  readonly cell_type: "markdown" | "code" | "raw";
  readonly source: NotebookText;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Of code. */
  readonly outputs?: readonly NotebookOutput[];
}

/** A notebook. */
export interface Notebook {
  readonly nbformat: number;
  readonly cells: readonly NotebookCell[];
  readonly metadata: {
    readonly kernelspec?: { readonly display_name: string; readonly language: string; readonly name: string };
    readonly [key: string]: unknown;
  };
}

/** Text in one piece. */
export function joinText(text: NotebookText): string {
  return typeof text === "string" ? text : text.join("");
}

/** Reads a notebook. Throws a `FeatherdetError` for text that is no notebook. */
export function parseNotebook(text: string, file: string): Notebook {
  let notebook: Partial<Notebook> | null;
  try {
    notebook = JSON.parse(text);
  } catch (error) {
    throw new FeatherdetError("is no notebook: it is not JSON", { file }, { cause: error });
  }
  if (notebook?.nbformat !== 4 || !Array.isArray(notebook.cells)) {
    throw new FeatherdetError("is no notebook of nbformat 4", { file });
  }
  return { ...notebook, metadata: notebook.metadata ?? {} } as Notebook;
}

/** The notebook as Jupyter writes it, without what changes from run to run and shows nothing: when each cell was run. */
export function notebookText(notebook: Notebook): string {
  const cells = notebook.cells.map((cell) => {
    const { execution: _, ...metadata } = cell.metadata;
    return { ...cell, metadata };
  });
  return `${JSON.stringify({ ...notebook, cells }, null, 1)}\n`;
}
