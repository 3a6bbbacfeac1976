/**
 * Runs a notebook by Jupyter's nbconvert.
 *
 * @module
 */

import { basename, delimiter, join } from "node:path";
import { FeatherdetError } from "../graph/error.ts";
import { KERNEL_NAME, writeKernel } from "../host/setup/notebooks.ts";
import { joinText, type Notebook, parseNotebook } from "./notebook_file.ts";
import config from "./nbconvert_config.py" with { type: "text" };
import { fileError } from "../host/file_error.ts";

/** A line of hyphens, between which nbclient quotes the cell that it speaks of. */
const QUOTE = /^-{10,}$/m;

/** A string as Python writes it in a list. */
const PYTHON_STRING = /'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/g;

/** How the quoted cell begins. Of long cells that took too long, nbclient quotes the first five lines as a list of Python's. */
function beginningOf(quotation: string): string {
  const [first, ...others] = quotation.trim().split(/^\.\.\.$/m);
  if (others.length === 0) return first;
  const lines = [...first.matchAll(PYTHON_STRING)].map(([, single, double]) => single ?? double);
  return lines.join("\n").replaceAll(/\\(.)/g, "$1");
}

/** The cell that is quoted: `cell 3`, code and text counted alike. */
function quotedCell({ cells }: Notebook, quotation: string): string {
  const beginning = beginningOf(quotation);
  const index = cells.findIndex(({ cell_type, source }) => {
    return cell_type === "code" && joinText(source).trim().startsWith(beginning);
  });
  return index < 0 ? "a cell" : `cell ${index + 1}`;
}

/** What went wrong, from what nbconvert wrote to stderr before it gave up. */
export function complaintOf(notebook: Notebook, stderr: string, seconds: number): string {
  const name = stderr.match(/^nbclient\.exceptions\.(\w+)/m)?.[1];
  const [, quotation = "", after = ""] = stderr.split(QUOTE);
  if (name === "CellTimeoutError") return `${quotedCell(notebook, quotation)} took longer than ${seconds} s`;
  if (name === "DeadKernelError") return "the kernel ended while a cell was running";
  if (name !== "CellExecutionError") return `nbconvert failed: ${stderr.trim().split("\n").at(-1) ?? ""}`;
  // The error with its stack comes first, then the error once more.
  const lines = after.split(/^ +at .*$/m).at(-1)!.trim().split("\n").filter((line) => line !== "");
  const error = [...new Set(lines)].join(" ");
  // All that Deno's kernel says of code that it cannot compile.
  const why = error === "Error: Execution failed" ? "its code cannot be compiled" : error;
  return `${quotedCell(notebook, quotation)} failed: ${why}`;
}

/**
 * Runs all cells of a notebook in a new kernel that is this Deno, in the notebook's folder, and returns the notebook with its new
 * outputs; the file is left as it is. A cell may take `seconds`.
 *
 * Throws a `FeatherdetError` that names the notebook, the cell and its error if one fails.
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
    const configFile = join(folder, "nbconvert_config.py");
    await Deno.writeTextFile(configFile, config);
    const { success, stderr } = await new Deno.Command("jupyter", {
      args: [
        ...["nbconvert", "--config", configFile, "--to", "notebook", "--execute", "--output-dir", folder],
        ...[`--ExecutePreprocessor.timeout=${seconds}`, "--ExecutePreprocessor.record_timing=False"],
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
    return parseNotebook(await Deno.readTextFile(join(folder, basename(file))), file);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
