/**
 * `notebooks`: runs the notebooks and keeps what they show.
 *
 * @module
 */

import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { FeatherdetError } from "../graph/error.ts";
import { ensureNbconvert } from "../host/setup/notebooks.ts";
import { thisSystem } from "../host/setup/system.ts";
import { integerIn } from "./arguments.ts";
import { notebookText } from "./notebook_file.ts";
import { runNotebook } from "./run_notebook.ts";
import { deviceAction, deviceVerb } from "./verb.ts";
import { writeWhole } from "../host/whole_file.ts";

/** Where the repository's notebooks are. */
export const NOTEBOOKS = new URL("../../notebooks/", import.meta.url);

/** The repository's notebooks, in the order of their numbers. */
export function allNotebooks(): string[] {
  return [...Deno.readDirSync(NOTEBOOKS)].map(({ name }) => name).filter((name) => name.endsWith(".ipynb")).sort()
    .map((name) => fileURLToPath(new URL(name, NOTEBOOKS)));
}

/** The notebook of this file, or that of the repository with this name, number or beginning. */
function findNotebook(name: string): string {
  if (name.endsWith(".ipynb")) return name;
  const all = allNotebooks();
  const found = all.filter((file) => basename(file).startsWith(name));
  if (found.length === 1) return found[0];
  const names = all.map((file) => basename(file, ".ipynb")).join(", ");
  throw new FeatherdetError(
    `${found.length > 1 ? "several notebooks are" : "no notebook is"} called "${name}", of ${names}`,
  );
}

/** The verb `notebooks`. */
export const notebooksVerb = deviceVerb(
  "notebooks",
  "Run the notebooks and keep what they show; one that fails stays as it was.",
  "deno task notebooks 01",
)
  .argument("[notebooks...]", "files, or names or numbers of the repository's notebooks; all of them by default")
  .option("--timeout <seconds>", "longest time of a cell", integerIn(1, 86_400), 600)
  .action(async (names, options) => {
    await deviceAction<typeof options>(async ({ timeout, install }, output) => {
      const files = names.length > 0 ? names.map(findNotebook) : allNotebooks();
      await ensureNbconvert(thisSystem, { install, say: (line) => output.note(line) });
      const notebooks = [];
      for (const [i, file] of files.entries()) {
        output.note(`${basename(file)} is run (${i + 1} of ${files.length})`);
        const started = performance.now();
        const notebook = await runNotebook(file, timeout);
        await writeWhole(file, notebookText(notebook));
        const seconds = (performance.now() - started) / 1000;
        const cells = notebook.cells.filter(({ cell_type }) => cell_type === "code").length;
        output.line(`${basename(file)}: ${cells} cells in ${seconds.toFixed(1)} s`);
        notebooks.push({ file, cells, seconds });
      }
      return { notebooks };
    })(options);
  });
