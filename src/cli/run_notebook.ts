/**
 * Runs a notebook by Jupyter's nbconvert.
 *
 * @module
 */

import { basename, delimiter, join } from "node:path";
import { FeatherdetError } from "../graph/error.ts";
import { KERNEL_NAME, writeKernel } from "../setup/notebooks.ts";
import { firstError, joinText, type Notebook, parseNotebook } from "./notebook_file.ts";
import { fileError } from "./verb.ts";

/** Errors of nbclient's that have a meaning for us: the last line of its traceback, or the one that is the cause. */
const TIMED_OUT = /CellTimeoutError/;

/** Which cell nbclient says that it was waiting for: it quotes its first lines. */
function timedOutCell(notebook: Notebook, complaint: string): number | undefined {
  const quoted = complaint.split(/^-{5,}$/m)[1]?.trim().split("\n")[0];
  if (!quoted) return undefined;
  const index = notebook.cells.findIndex(({ cell_type, source }) =>
    cell_type === "code" && joinText(source).includes(quoted)
  );
  return index < 0 ? undefined : index + 1;
}

function complaintOf(notebook: Notebook, stderr: string, seconds: number): string {
  if (TIMED_OUT.test(stderr)) {
    const cell = timedOutCell(notebook, stderr);
    return `${cell === undefined ? "a cell" : `cell ${cell}`} took longer than ${seconds} s`;
  }
  const reason = stderr.trim().split("\n").at(-1) ?? "";
  return `nbconvert failed: ${reason}`;
}

/**
 * Runs all cells of a notebook in a new kernel that is this Deno, in the notebook's folder, and returns the notebook with its new
 * outputs; the file is left as it is. A cell may take `seconds`.
 *
 * Throws a `FeatherdetError` that names the notebook, the cell and its error where one fails.
 */
export async function runNotebook(file: string, seconds: number): Promise<Notebook> {
  let before: Notebook;
  try {
    before = parseNotebook(await Deno.readTextFile(file), file);
  } catch (error) {
    throw fileError(error, file);
  }
  if (before.metadata.kernelspec?.name !== KERNEL_NAME) {
    const name = before.metadata.kernelspec?.name ?? "none";
    throw new FeatherdetError(`wants the kernel "${name}", only "${KERNEL_NAME}" is run`, { file });
  }
  const folder = await Deno.makeTempDir({ prefix: "featherdet-notebook-" });
  try {
    await writeKernel(folder);
    const { success, stderr } = await new Deno.Command("jupyter", {
      args: [
        ...["nbconvert", "--to", "notebook", "--execute", "--output-dir", folder],
        // Errors are found in the outputs, where they tell their cell.
        ...["--allow-errors", `--ExecutePreprocessor.timeout=${seconds}`],
        "--ExecutePreprocessor.record_timing=False",
        file,
      ],
      env: {
        JUPYTER_PATH: [folder, Deno.env.get("JUPYTER_PATH")].filter((path) => path).join(delimiter),
        // Outputs are read in browsers, not on terminals.
        NO_COLOR: "1",
      },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).output();
    if (!success) {
      throw new FeatherdetError(complaintOf(before, new TextDecoder().decode(stderr), seconds), { file });
    }
    const run = parseNotebook(await Deno.readTextFile(join(folder, basename(file))), file);
    const failed = firstError(run);
    if (failed) throw new FeatherdetError(`cell ${failed.cell} failed: ${failed.error}`, { file });
    return run;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
